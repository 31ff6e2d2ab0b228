import type { CrashPoint, CrashPointName } from '@changeover/core';

import { isEqualResumed, type ResumedReport } from './resume-verification.js';
import { ChosenBed, deleted, FIRM, inserted, moved, PERSON, TAG, truncated, updated } from './test/chosen-bed.js';
import type { TableComparison } from './compare-table.js';

class Killed extends Error {}

/** Ends a verification when it passes a point for the n-th time. */
function at(point: CrashPointName, pass = 1): CrashPoint {
  let left = pass;
  return (passed) => {
    if (passed === point && --left === 0) throw new Killed();
  };
}

function differences(tables: readonly TableComparison[]): readonly string[] {
  return tables.flatMap((compared) =>
    compared.differences.map(({ kind, key: id, columns }) => [compared.table, kind, id?.join(','), ...columns].join(' ')),
  );
}

/** What is said of rows that differ: of whole tables, and of what was touched. */
function said({ tables, resumed: { touched } }: ResumedReport): {
  readonly tables: readonly string[];
  readonly touched: readonly string[];
} {
  return {
    tables: differences(tables),
    touched: [...touched.remembered, ...touched.derived, ...touched.tables].flatMap((table) => differences([table])),
  };
}

const NOTHING = { tables: [], touched: [] };

function key(...values: readonly string[]): string {
  return JSON.stringify(values);
}

/** All that it can end at, and the tables that were compared then. */
const ENDS: readonly (readonly [CrashPointName, number, readonly string[]])[] = [
  ['verify.read', 1, []],
  ['verify.derived', 1, []],
  ['verify.compared', 1, ['app.person']],
  ['verify.compared', 2, ['app.person', 'app.tag']],
  ['verify.compared', 3, ['app.person', 'app.tag', 'changeover.held']],
];

describe('a verification that was killed', () => {
  let bed: ChosenBed;

  beforeEach(async () => {
    bed = await ChosenBed.open();
    await bed.commit(inserted(FIRM, ['8', 'Initech'], ['9', 'Acme']), inserted(TAG, ['t1', 'a'], ['t2', 'b'], ['t3', 'c']));
    await bed.commit(
      inserted(PERSON, ['1', '9', 'Ann'], ['2', '9', 'Bob'], ['3', '9', 'Cid'], ['4', '9', null], ['5', '8', 'Dee'], ['6', '9', null]),
    );
    await bed.follow();
  });

  /** Person 2 changes, 3 goes, 7 comes, 5 by its firm; 4 is held no more, 8 is; tag t1 changes, t2 goes. */
  async function goOn(): Promise<void> {
    await bed.commit(
      updated(PERSON, ['2', '9', 'Bill']),
      deleted(PERSON, '3'),
      inserted(PERSON, ['7', '9', 'Eve'], ['8', '9', null]),
      updated(FIRM, ['8', 'Initrode']),
    );
    await bed.commit(updated(PERSON, ['4', '9', 'Flo']), updated(TAG, ['t1', 'x']), deleted(TAG, 't2'));
    await bed.follow();
  }

  async function killed(point: CrashPointName, pass = 1): Promise<void> {
    await expect(bed.verifyAll(at(point, pass))).rejects.toThrow(Killed);
    expect(bed.verified).toEqual([]);
  }

  it('before it had read the source is none to go on with', async () => {
    await killed('verify.placed');
    expect(bed.isResumable).toBe(false);
    await expect(bed.resume()).rejects.toMatchObject({ code: 'FULL_VERIFICATION_NEEDED' });
  });

  it.each(ENDS)('at %s (pass %i) goes on where it was, and says at which record it compared what', async (point, pass, before) => {
    await killed(point, pass);
    expect(bed.isResumable).toBe(true);
    await goOn();
    const report = await bed.resume();
    expect([said(report), isEqualResumed(report)]).toEqual([NOTHING, true]);
    expect(report.tables.map(({ table }) => table)).toEqual(['app.person', 'app.tag', 'changeover.held']);
    expect(report.tables.filter(({ seq }) => seq === report.resumed.seq).map(({ table }) => table)).toEqual(before);
    for (const { seq } of report.tables) expect(seq <= report.seq).toBe(true);
    expect(report.seq).toBeGreaterThan(report.resumed.seq);
    expect(report.resumed.touched.base).toMatchObject({ kind: 'full', seq: report.resumed.seq });
    // What was not compared before was, but for rows that were touched.
    const rows = Object.fromEntries(report.tables.map(({ table, expected, found }) => [table, [expected, found]]));
    const all = { 'app.person': [4, 4], 'app.tag': [3, 3], 'changeover.held': [2, 2] };
    const left = { 'app.person': [1, 1], 'app.tag': [1, 1], 'changeover.held': [1, 1] };
    expect(rows).toEqual({ ...left, ...Object.fromEntries(Object.entries(all).filter(([table]) => before.includes(table))) });
    expect(bed.verified).toMatchObject([{ kind: 'full', outcome: 'equal', isBase: true }]);
    const next = await bed.verify({ kind: 'touched' });
    expect([next.base?.seq, next.chosen]).toEqual([report.seq, 0]);
  });

  it.each(ENDS)('at %s (pass %i) names what was wrong all the while, and nothing else', async (point, pass) => {
    bed.target.get('app.person')?.set(key('1'), ['Acme', '1', 'Anna']);
    bed.target.get('app.tag')?.delete(key('t3'));
    bed.target.get('changeover.held')?.delete(key('m', 'app.person', '6'));
    await killed(point, pass);
    await goOn();
    const report = await bed.resume();
    expect(said(report)).toEqual({
      tables: ['app.person different 1 name', 'app.tag missing t3', 'changeover.held missing m,app.person,6'],
      touched: [],
    });
    expect(bed.verified).toMatchObject([{ kind: 'full', outcome: 'different', isBase: false }]);
  });

  it('does not see what somebody altered in a table that was compared before; in others, and among rows that were touched, it does', async () => {
    await killed('verify.compared');
    await goOn();
    bed.target.get('app.person')?.set(key('1'), ['Acme', '1', 'Anna']);
    bed.target.get('app.person')?.set(key('5'), ['Initech', '5', 'Dee']);
    bed.target.get('app.tag')?.set(key('t3'), ['t3', 'z']);
    bed.target.get('app.tag')?.set(key('t1'), ['t1', 'a']);
    bed.target.get('app.tag')?.set(key('t9'), ['t9', 'extra']);
    expect(said(await bed.resume())).toEqual({
      tables: ['app.tag different t3 label', 'app.tag extra t9'],
      touched: ['app.person different 5 firm', 'app.tag different t1 label'],
    });
  });

  it('sees what a change left undone at the target, in tables that were compared and in those that were not', async () => {
    await killed('verify.compared');
    const [person, tag] = [bed.target.get('app.person')?.get(key('2')), bed.target.get('app.tag')?.get(key('t2'))];
    await goOn();
    bed.target.get('app.person')?.set(key('2'), person as never);
    bed.target.get('app.tag')?.set(key('t2'), tag as never);
    const report = await bed.resume();
    expect(said(report)).toEqual({ tables: [], touched: ['app.person different 2 name', 'app.tag extra t2'] });
    expect(isEqualResumed(report)).toBe(false);
    expect(bed.verified).toMatchObject([{ kind: 'full', outcome: 'different', isBase: false }]);
  });

  it('once more goes on once more', async () => {
    bed.target.get('app.tag')?.delete(key('t3'));
    await killed('verify.read');
    await goOn();
    await expect(bed.resume(at('verify.derived'))).rejects.toThrow(Killed);
    await bed.commit(updated(PERSON, ['1', '9', 'Ann B.']));
    await bed.follow();
    await expect(bed.resume(at('verify.compared'))).rejects.toThrow(Killed);
    await bed.commit(updated(TAG, ['t1', 'y']));
    await bed.follow();
    await expect(bed.resume(at('verify.compared', 2))).rejects.toThrow(Killed);
    // While it is at what was touched.
    await expect(bed.resume(at('verify.placed'))).rejects.toThrow(Killed);
    const report = await bed.resume();
    expect(said(report)).toEqual({ tables: ['app.tag missing t3'], touched: [] });
    expect(new Set(report.tables.map(({ seq }) => seq)).size).toBeGreaterThan(1);
  });

  it('takes what stands instead of a refused version for right, also of a row that was touched or has another key now', async () => {
    const refused = (id: string, wanted: object, stands: object | null) => ({
      wanted: { id, firm: 'Acme', ...wanted },
      stands: stands && { firm: 'Acme', ...stands },
    });
    bed.target.get('app.person')?.set(key('1'), ['Acme', '1', 'An']);
    bed.refused = [refused('1', { name: 'Ann' }, { id: '1', name: 'An' })];
    await killed('verify.read');
    await goOn();
    await bed.commit(moved(PERSON, '3', ['9', '9', 'Cid']));
    await bed.commit(inserted(PERSON, ['10', '9', 'Gus']));
    await bed.follow();
    const people = bed.target.get('app.person');
    // Neither its change nor the new one was taken.
    people?.set(key('2'), ['Acme', '2', 'Bob']);
    people?.delete(key('10'));
    const lately = [refused('2', { name: 'Bill' }, { id: '2', name: 'Bob' }), refused('10', { name: 'Gus' }, null)];
    bed.refused = [...bed.refused, ...lately];
    expect(said(await bed.resume())).toEqual(NOTHING);
  });

  it('says so where the list of refused rows is wrong about one that was not touched', async () => {
    await killed('verify.read');
    await goOn();
    bed.target.get('app.person')?.delete(key('1'));
    bed.refused = [{ wanted: { id: '1', firm: 'Acme', name: 'other' }, stands: null }];
    expect(said(await bed.resume()).tables).toEqual(['app.person refused 1 name']);
  });

  it('says that numbers are others than were told where that was found out before, and is none to build upon', async () => {
    await killed('verify.compared', 2);
    bed.scratch.place = Buffer.from(String(bed.scratch.place).replace('"numbersDiffer":false', '"numbersDiffer":true'));
    const report = await bed.resume();
    expect([isEqualResumed(report), report.tables.filter(({ unlooked }) => unlooked > 0).map(({ table }) => table)]).toEqual([
      false,
      ['changeover.allocated'],
    ]);
    expect(bed.verified.at(-1)).toMatchObject({ kind: 'full', outcome: 'different', isBase: false });
  });

  it.each<readonly [why: string, spoil: (bed: ChosenBed) => unknown]>([
    ['under another mapping', (on) => (on.mapping = { ...on.mapping, rules: [] })],
    ['after the target was moved', (on) => (on.generation = '1.0')],
    [
      'where a table was emptied',
      async (on) => {
        await on.commit(truncated(TAG));
        await on.follow();
      },
    ],
    ['of another program', (on) => (on.scratch.place = Buffer.from(String(on.scratch.place).replace('"format":3', '"format":1')))],
    [
      'after another log has begun',
      (on) => (on.scratch.place = Buffer.from(String(on.scratch.place).replaceAll(/"logId":"[^"]*"/g, '"logId":"x"'))),
    ],
  ])('is not gone on with %s', async (_, spoil) => {
    await killed('verify.compared', 2);
    await spoil(bed);
    await expect(bed.resume()).rejects.toMatchObject({ code: 'FULL_VERIFICATION_NEEDED' });
    expect(bed.verified).toEqual([]);
  });
});
