import { CORRECTION_COLUMNS, parseRows, type Decision } from '@changeover/events';
import { InMemoryStateStore } from '@changeover/testing';

import { correctionLine, Corrections, decisionOf } from './corrections.js';
import type { MirroredTable } from './derivation-plan.js';

const TABLE: MirroredTable = {
  ...{ number: 0, name: 'old.kontakt', key: [0], drives: [], joinedBy: [], lookups: [] },
  correctable: new Map([
    ['name', 1],
    ['phone', 2],
  ]),
};
const AT = { seq: 7, ts_ms: 70 };

const correct = (changes: Partial<Extract<Decision, { what: 'correct' }>> = {}): Decision => ({
  ...{ what: 'correct', table: TABLE.name, key: '1', column: 'phone', from: 'none', to: '+491701', why: null },
  ...changes,
});

const accept = (changes: Partial<Extract<Decision, { what: 'accept' }>> = {}): Decision => ({
  ...{ what: 'accept', table: TABLE.name, key: 'young:1', target: 'crm.person', rule: 'age', column: 'age', from: '7', why: null },
  ...changes,
});

function made(...decisions: readonly Decision[]): { readonly state: InMemoryStateStore; readonly corrections: Corrections } {
  const state = new InMemoryStateStore();
  const corrections = new Corrections(state);
  decisions.forEach((decision, index) => corrections.decide(`r.${String(index + 1)}`, decision, AT));
  return { state, corrections };
}

describe('corrections', () => {
  it('are read while the source holds what they were made for, and again when it does again', () => {
    const { corrections } = made(correct(), correct({ column: 'name', from: null, to: 'Ada' }), correct({ from: null, to: '0' }));
    const read = (...row: (string | null)[]): unknown => corrections.lay(TABLE, '1', row);
    expect(read('1', null, 'none')).toEqual(['1', 'Ada', '+491701']);
    expect(read('1', 'Eve', '+441')).toEqual(['1', 'Eve', '+441']);
    expect(read('1', 'Eve', null)).toEqual(['1', 'Eve', '0']);
    // What is read is not corrected once more.
    const { corrections: chain } = made(correct({ to: 'b' }), correct({ from: 'b', to: 'c' }));
    expect(chain.lay(TABLE, '1', ['1', 'x', 'none'])).toEqual(['1', 'x', 'b']);
  });

  it('are of one row, and of columns that can be corrected; a row that is not there stays so', () => {
    const { corrections } = made(correct(), correct({ column: 'id', from: '1', to: '2' }), correct({ table: 'old.other', key: '2' }));
    const row = ['1', 'x', 'none'];
    expect(corrections.lay(TABLE, '2', row)).toBe(row);
    expect(corrections.lay({ ...TABLE, correctable: new Map() }, '1', row)).toBe(row);
    expect(corrections.lay(TABLE, '1', row)).toEqual(['1', 'x', '+491701']);
    expect(corrections.lay(TABLE, '1', null)).toBeNull();
  });

  it('are one for a value, the last; what is withdrawn by another id stays, and nothing is remembered in the end', () => {
    const { state, corrections } = made(correct());
    expect(corrections.decide('r.2', correct({ to: 'other' }), AT)).toMatchObject({
      before: { id: 'r.1' },
      after: { id: 'r.2', to: 'other' },
    });
    const withdraw = (id: string): Decision => ({ what: 'withdraw', id, table: TABLE.name, key: '1', column: 'phone', from: 'none' });
    expect(corrections.decide('r.3', withdraw('r.1'), AT)).toEqual({ before: null, after: null });
    expect([...corrections]).toHaveLength(1);
    expect(corrections.decide('r.4', withdraw('r.2'), AT)).toMatchObject({
      before: { id: 'r.2', table: TABLE.name, key: '1' },
      after: null,
    });
    expect([[...corrections], state.size]).toEqual([[], 0]);
  });

  it('accept what a rule of validation would hold, of one row, for one rule, while it looks at the same; and no row is read otherwise', () => {
    const { state, corrections } = made(accept(), accept({ from: '8\tx' }), accept({ from: '\\N', rule: 'name' }));
    const waives = corrections.waives({ target: 'crm.person', name: 'young' }, '1');
    expect(waives?.('age', ['7'])).toBe(true);
    expect(waives?.('age', ['8', 'x'])).toBe(true);
    expect(waives?.('age', ['8'])).toBe(false);
    expect(waives?.('name', ['7'])).toBe(false);
    expect(waives?.('name', [null])).toBe(true);
    expect(corrections.waives({ target: 'crm.person', name: 'old' }, '1')).toBeNull();
    expect(corrections.waives({ target: 'crm.person', name: 'young' }, '2')).toBeNull();
    expect(corrections.waives({ target: 'crm.other', name: 'young' }, '1')).toBeNull();
    const row = ['1', 'x', 'none'];
    expect(corrections.lay(TABLE, '1', row)).toBe(row);

    expect(corrections.decide('r.4', accept({ why: 'so' }), AT)).toMatchObject({
      before: { id: 'r.1' },
      after: { id: 'r.4', what: 'accept' },
    });
    const { table, key, column, from, target, rule } = { ...accept(), target: 'crm.person', rule: 'age' };
    const withdraw = (id: string): Decision => ({ what: 'withdraw', id, table, key, column, from, target, rule });
    expect(corrections.decide('r.5', withdraw('r.1'), AT)).toEqual({ before: null, after: null });
    expect(corrections.decide('r.6', withdraw('r.4'), AT)).toMatchObject({ before: { id: 'r.4', target }, after: null });
    expect(corrections.waives({ target: 'crm.person', name: 'young' }, '1')?.('age', ['7'])).toBe(false);
    expect([[...corrections].map(({ id }) => id), state.size]).toEqual([['r.2', 'r.3'], 1]);
  });

  it('are found by whoever opens the state later', async () => {
    const { state } = made(correct());
    await state.commit(Buffer.from('{}'));
    expect(new Corrections(state).lay(TABLE, '1', ['1', 'x', 'none'])).toEqual(['1', 'x', '+491701']);
  });

  it('are the same when they have been rows of the target, whatever they hold', () => {
    const key = `sha256:${'0'.repeat(64)}`;
    const decisions = [
      correct({ key, from: 'a\tb\\N\n', to: '', why: 'ünï\v' }),
      correct({ key: '1\t2', from: null, to: null }),
      accept({ key: `young:${key}`, from: '\\N\t7', why: 'ünï' }),
    ];
    const { corrections } = made(...decisions);
    const rows = [...corrections].map((one) => {
      const { bytes, start, end } = correctionLine('m', one);
      return parseRows(bytes.subarray(start, end + 1))[0] as (string | null)[];
    });
    expect(rows.map(decisionOf)).toEqual(
      expect.arrayContaining(decisions.map((decision, index) => ({ ...decision, id: `r.${String(index + 1)}` }))),
    );
    const [since] = [CORRECTION_COLUMNS.indexOf('since_seq')];
    expect(rows.map((row) => row.slice(since, since + 2))).toEqual(decisions.map(() => ['7', '70']));
  });
});
