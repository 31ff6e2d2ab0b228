import fc from 'fast-check';

import { prefixShown, type ToldRecord } from './prefix.js';

const tx = (seq: number, txId = String(seq)): ToldRecord => ({ seq, kind: 'transaction', txId });
const progress = (seq: number): ToldRecord => ({ seq, kind: 'progress', txId: null });
const schema = (seq: number): ToldRecord => ({ seq, kind: 'schema', txId: null });
const ask = (records: readonly ToldRecord[], shown: readonly string[], atLeast: number, unseen: readonly string[] = []): number | null =>
  prefixShown({ records, unseen, atLeast, shows: (id) => shown.includes(id) });

describe('the record up to which a snapshot shows what the records did', () => {
  it.each<[string, number | null, number | null]>([
    ['the last that it shows', ask([tx(4), tx(5), progress(6), tx(7)], ['4', '5'], 4), 5],
    ['where load is, if nothing came since', ask([tx(4), progress(5), tx(6)], ['4'], 5), 5],
    ['none, if it shows one behind one that it does not', ask([tx(4), tx(5), tx(6)], ['4', '6'], 4), null],
    ['none, if load is behind one that it does not show', ask([tx(4), tx(5)], ['5'], 5), null],
    ['none, if it lacks one from before these records', ask([tx(4)], ['4'], 4, ['2']), null],
    ['with what was seen late, once it is', ask([tx(4)], ['2', '4'], 4, ['2']), 4],
    ['with a form that was told behind the last row, where a record follows it', ask([tx(4), schema(5), progress(6), tx(7)], ['4'], 4), 6],
    ['none, if a form was told just before a row that it does not show', ask([tx(4), schema(5), tx(6), progress(7)], ['4'], 4), null],
    ['none, if nothing follows a form', ask([tx(4), schema(5)], ['4'], 4), null],
    ['none, if a form was told behind a row that it does not show', ask([tx(4), tx(5), schema(6)], ['4'], 4), null],
  ])('%s', (_, found, expected) => {
    expect(found).toBe(expected);
  });

  it('is right whenever there is one, and there is none where it says so', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 8 }), fc.nat(8), (shown, least) => {
        const records = shown.map((_, index) => tx(index + 1));
        const atLeast = Math.min(least, shown.length);
        const found = ask(
          records,
          records.filter((_, index) => shown[index]).map(({ txId }) => txId as string),
          atLeast,
        );
        const places = Array.from({ length: shown.length + 1 }, (_, n) => n).filter(
          (n) => n >= atLeast && shown.every((isShown, index) => isShown === index < n),
        );
        expect(places.length).toBeLessThan(2);
        expect(found).toBe(places[0] ?? null);
      }),
    );
  });
});
