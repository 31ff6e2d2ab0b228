import { wholeLines } from './whole-lines.js';

async function* chunksOf(text: string, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < text.length; at += size) yield await Promise.resolve(Buffer.from(text.slice(at, at + size)));
}

async function piecesOf(text: string, size: number, about: number): Promise<string[]> {
  const pieces: string[] = [];
  for await (const piece of wholeLines(chunksOf(text, size), about)) pieces.push(piece.toString());
  return pieces;
}

describe('whole lines', () => {
  const text = ['a', '', 'bcd', 'x'.repeat(25), 'e', 'f', ''].join('\n');

  it.each([1, 2, 3, 5, 7, 100])('are all there, however they come (%i bytes at a time)', async (size) => {
    const pieces = await piecesOf(text, size, 6);
    expect(pieces.join('')).toBe(text);
    for (const piece of pieces) expect(piece.endsWith('\n')).toBe(true);
    if (size < 6) for (const piece of pieces) expect(piece.length < 6 + size || piece.startsWith('x')).toBe(true);
  });

  it('come as soon as there are enough, so that a large one does not keep those before it', async () => {
    expect(await piecesOf(text, 2, 6)).toEqual(['a\n\n', 'bcd\n', `${'x'.repeat(25)}\n`, 'e\nf\n']);
  });

  it('of nothing are none', async () => {
    expect(await piecesOf('', 1, 1)).toEqual([]);
  });
});
