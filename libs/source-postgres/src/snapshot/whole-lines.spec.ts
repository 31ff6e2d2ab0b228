import { wholeLines } from './whole-lines.js';

async function cut(text: string, at: readonly number[], bytes: number): Promise<string[]> {
  async function* pieces(): AsyncGenerator<Buffer> {
    for (const [index, end] of [...at, text.length].entries())
      yield await Promise.resolve(Buffer.from(text.slice(at[index - 1] ?? 0, end)));
  }
  const found: string[] = [];
  for await (const piece of wholeLines(pieces(), bytes)) found.push(piece.toString());
  return found;
}

describe('whole lines', () => {
  const text = 'one\ntwo\nthree and more\nfour\n';

  it('are the same lines however they came, none of them cut, and none of the pieces small but the last', async () => {
    for (let first = 0; first <= text.length; first++)
      for (let second = first; second <= text.length; second++) {
        const found = await cut(text, [first, second], 7);
        expect(found.join('')).toBe(text);
        expect(found.every((piece) => piece.endsWith('\n'))).toBe(true);
        expect(found.slice(0, -1).every((piece) => piece.length >= 7)).toBe(true);
      }
  });

  it('come as soon as there are enough', async () => {
    expect(await cut(text, [3, 4, 8, 12, 23], 4)).toEqual(['one\n', 'two\n', 'three and more\n', 'four\n']);
    expect(await cut(text, [], 4)).toEqual([text]);
    expect(await cut('', [], 4)).toEqual([]);
  });
});
