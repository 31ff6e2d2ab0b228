import fc from 'fast-check';

import { decodeEntry, encodeEntry, type DerivedEntry, type Version } from './derived-entry.js';
import { lineOfRow, rowOfLine } from './row-text.js';

const text = fc.string({ unit: 'binary', maxLength: 12 }).map((some) => some.replaceAll('\0', ''));
const value = fc.option(fc.oneof(text, fc.constantFrom('', '\\N', '\\-', '\t', '\n', '\\', ' ', '\\U')));
const row = fc.array(value, { minLength: 1, maxLength: 5 });
const values = row.map(lineOfRow);
const hex = fc.string({ unit: fc.constantFrom('0', '9', 'a', 'f', 'g', '/', '!', '~'), maxLength: 8 });
const problem = fc.record(
  {
    reason: fc.constantFrom('bad value', 'not unique'),
    column: fc.constantFrom('a b', 'größe', '', 'a\nb\t'),
    rule: fc.constantFrom('length of a', 'ü\n'),
    severity: fc.constantFrom('warn' as const, 'stop' as const),
  },
  { requiredKeys: ['reason', 'column'] },
);
const parent = fc.record({ rule: fc.nat(300), key: values });
const entry: fc.Arbitrary<DerivedEntry> = fc
  .record({
    lookups: fc.array(fc.option(values), { maxLength: 3 }),
    version: fc.option(
      fc.record({
        values: row,
        parents: fc.array(parent, { maxLength: 3 }),
        claims: fc.array(fc.option(fc.record({ order: hex, values })), { maxLength: 3 }),
        notes: fc.array(problem, { maxLength: 2 }),
        part: fc.option(fc.record({ orders: fc.array(hex, { maxLength: 2 }), needs: fc.array(fc.option(parent), { maxLength: 2 }) }), {
          freq: 2,
          nil: undefined,
        }),
      }),
    ),
    kept: fc.boolean(),
    problems: fc.array(problem, { maxLength: 2 }),
    written: fc.option(row),
    same: fc.boolean(),
    merged: fc.boolean(),
    told: fc.option(
      fc.record({
        state: fc.constantFrom('held' as const, 'waiting' as const, 'noted' as const),
        problems: fc.array(problem),
        kept: fc.boolean(),
      }),
    ),
  })
  .map(({ same, version: made, ...rest }) => {
    const { part, ...row } = made ?? {};
    const version = made === null ? null : ({ ...row, ...(part && { part }) } as Version);
    // A part of a merged row is no row of its own.
    const merged = rest.merged && version !== null;
    return { ...rest, version, merged, written: merged ? null : same && version !== null ? version.values : rest.written };
  });

describe('what is remembered of a row', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(entry, (one) => {
        expect(decodeEntry(encodeEntry(one, one.version === null ? '' : lineOfRow(one.version.values)))).toEqual(one);
      }),
      { numRuns: 2000 },
    );
  });

  it('holds rows as lines of COPY text', () => {
    fc.assert(
      fc.property(row, (one) => {
        const line = lineOfRow(one);
        expect([rowOfLine(line), /[\n\r]/u.test(line)]).toEqual([one, false]);
      }),
      { numRuns: 2000 },
    );
  });
});
