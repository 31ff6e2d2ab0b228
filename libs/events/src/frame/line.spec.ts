import { formatRows, UNCHANGED } from './copy-text.js';
import { isPartial, type Line } from './line.js';

/** The second of three rows in one buffer, with other rows around it that may lack values. */
function middle(cells: readonly (string | null | undefined)[], around: readonly (string | undefined)[]): Line {
  const [before, line] = [formatRows([around]), formatRows([cells])];
  const bytes = Buffer.concat([before, line, formatRows([around])]);
  return { bytes, start: before.length, end: before.length + line.length - 1 };
}

test.each([
  ['every value told', ['1', 'a', null], false],
  ['the first not told', [undefined, 'a', null], true],
  ['the last not told', ['1', 'a', undefined], true],
  ['a value that looks like the mark', ['1', UNCHANGED, null], false],
  ['one that ends like it', ['1', `a${UNCHANGED}`, null], false],
  ['one that looks like it before one that is not told', [UNCHANGED, 'a', undefined], true],
] as const)('a line with %s', (_, cells, expected) => {
  for (const around of [
    ['x', 'y', 'z'],
    [undefined, undefined, undefined],
  ])
    expect(isPartial(middle(cells, around), 3)).toBe(expected);
});
