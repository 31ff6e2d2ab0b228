import { noCrash } from '@changeover/core';
import type { Verified } from '@changeover/events';

import { ChosenBed, deleted, FIRM, inserted, moved, PERSON, TAG, truncated, updated } from './test/chosen-bed.js';
import { isEqual } from './verification.js';
import { isEqualChosen, type ChosenReport, type Choice } from './verify-chosen.js';

const TOUCHED: Choice = { kind: 'touched' };
const ALL: Choice = { kind: 'sample', share: 1, seed: 1 };

/** What is said of each row that differs: in which comparison, table, kind, key and columns. */
function said({ remembered, derived, tables, rowCounts }: ChosenReport): readonly string[] {
  const of = (what: string, compared: ChosenReport['tables']): readonly string[] =>
    compared.flatMap(({ table, differences }) =>
      differences.map(({ kind, key, columns }) => [what, table, kind, key?.join(','), ...columns].join(' ')),
    );
  const counted = rowCounts.filter(({ expected, found }) => expected !== found);
  return [
    ...of('remembered', remembered),
    ...of('derived', derived),
    ...of('target', tables),
    ...counted.map(({ end, table, expected, found }) => `${end} ${table} ${String(expected)} ${String(found)}`),
  ];
}

function key(...values: readonly string[]): string {
  return JSON.stringify(values);
}

describe('a verification of chosen rows', () => {
  let bed: ChosenBed;

  /** Person 1 and firm 9 are touched by nothing that follows; person 5 stands on firm 8. */
  beforeEach(async () => {
    bed = await ChosenBed.open();
    await bed.commit(inserted(FIRM, ['8', 'Initech'], ['9', 'Acme']), inserted(TAG, ['t1', 'a'], ['t2', 'b'], ['t3', 'c']));
    await bed.commit(inserted(PERSON, ['1', '9', 'Ann'], ['2', '9', 'Bob'], ['3', '9', 'Cid'], ['4', '9', null], ['5', '8', 'Dee']));
    await bed.follow();
    bed.base();
    await bed.commit(updated(PERSON, ['2', '9', 'Bill']), deleted(PERSON, '3'), updated(FIRM, ['8', 'Initrode']));
    await bed.commit(updated(PERSON, ['4', '9', null]), updated(TAG, ['t1', 'x']), deleted(TAG, 't3'), inserted(PERSON, ['6', '9', null]));
    await bed.follow();
  });

  it('of touched rows looks at these alone, finds them equal, and is one to build upon', async () => {
    const report = await bed.verify(TOUCHED);
    expect([said(report), isEqualChosen(report), report.chosen, report.unsettled, report.rounds]).toEqual([[], true, 7, 0, 1]);
    expect(Object.fromEntries(report.remembered.map(({ table, expected, found }) => [table, [expected, found]]))).toEqual({
      'crm.firm': [1, 1],
      'crm.person': [3, 3],
      'crm.tag': [1, 1],
    });
    // Person 5 by its firm; 3 and t3 by what was written of them.
    expect(Object.fromEntries(report.tables.map(({ table, expected, found }) => [table, [expected, found]]))).toEqual({
      'app.person': [2, 2],
      'app.tag': [1, 1],
      'changeover.held': [2, 2],
    });
    expect(bed.asked.get('app.person')).toBe(3);
    expect(bed.verified.at(-1)).toMatchObject({ kind: 'touched', outcome: 'equal', isBase: true });
    const next = await bed.verify(TOUCHED);
    expect([said(next), next.chosen, next.base?.kind]).toEqual([[], 0, 'touched']);
  });

  it.each<readonly [what: string, damage: (bed: ChosenBed) => unknown, expected: readonly string[]]>([
    [
      'another value at the target',
      ({ target }) => target.get('app.person')?.set(key('2'), ['Acme', '2', 'Bobby']),
      ['target app.person different 2 name'],
    ],
    ['a row that is missing there', ({ target }) => target.get('app.person')?.delete(key('2')), ['target app.person missing 2']],
    [
      'one that should have gone',
      ({ target }) => target.get('app.person')?.set(key('3'), ['Acme', '3', 'Cid']),
      ['target app.person extra 3'],
    ],
    [
      'one of a table that passes by',
      ({ target }) => target.get('app.tag')?.set(key('t1'), ['t1', 'a']),
      ['target app.tag different t1 label'],
    ],
    ['one of those that should have gone', ({ target }) => target.get('app.tag')?.set(key('t3'), ['t3', 'c']), ['target app.tag extra t3']],
    [
      'a row that looks up one that was touched',
      ({ target }) => target.get('app.person')?.set(key('5'), ['Initech', '5', 'Dee']),
      ['target app.person different 5 firm'],
    ],
    [
      'a held row that is told of no more',
      ({ target }) => target.get('changeover.held')?.delete(key('m', 'app.person', '6')),
      ['target changeover.held missing m,app.person,6'],
    ],
    [
      'a row of the source that is remembered otherwise',
      (on) => on.alterState('m', 'Bill', 'Bull'),
      ['remembered crm.person different 2 name', 'derived app.person different 2 name'],
    ],
    [
      'a row that is remembered as written otherwise',
      (on) => on.alterState('e', 'Bill', 'Bull'),
      ['derived app.person different 2 name', 'target app.person different 2 name'],
    ],
    [
      'a row of the source that was told otherwise',
      (on) => {
        on.alterSource(PERSON, '2', ['2', '9', 'Will']);
      },
      ['remembered crm.person different 2 name'],
    ],
    [
      'a row of the source that is not there',
      (on) => {
        on.alterSource(PERSON, '2', null);
      },
      ['remembered crm.person extra 2'],
    ],
  ])('of touched rows names %s', async (_, damage, expected) => {
    await damage(bed);
    const report = await bed.verify(TOUCHED);
    expect([said(report), isEqualChosen(report)]).toEqual([expected, false]);
    expect(bed.verified.at(-1)).toMatchObject({ outcome: 'different', isBase: false });
  });

  it('of touched rows does not see what became of others; a sample of all does', async () => {
    bed.target.get('app.person')?.set(key('1'), ['Acme', '1', 'Anna']);
    expect(said(await bed.verify(TOUCHED))).toEqual([]);
    expect(said(await bed.verify(ALL))).toEqual(['target app.person different 1 name']);
  });

  it('of some tables is none to build upon; where it finds rows that differ, those before it are none any more', async () => {
    const [person, tag] = ['app.person', 'app.tag'].map((table) => new Set([table]));
    bed.target.get('app.person')?.set(key('1'), ['Acme', '1', 'Anna']);
    expect(isEqual(await bed.verifyAll(noCrash, tag))).toBe(true);
    expect(bed.verified).toMatchObject([{ isBase: true }, { kind: 'tables', outcome: 'equal', isBase: false }]);
    // Of touched rows of one table nothing is written down.
    expect(said(await bed.verify(TOUCHED, new Set(['crm.tag'])))).toEqual([]);
    expect(bed.verified).toHaveLength(2);
    expect(isEqual(await bed.verifyAll(noCrash, person))).toBe(false);
    expect(bed.verified.at(-1)).toMatchObject({ kind: 'tables', outcome: 'different', isBase: false });
    await expect(bed.verify(TOUCHED)).rejects.toMatchObject({ code: 'FULL_VERIFICATION_NEEDED' });
  });

  it('of a sample of some tables that finds rows that differ leaves none to build upon, too', async () => {
    bed.target.get('app.person')?.set(key('1'), ['Acme', '1', 'Anna']);
    expect(said(await bed.verify(ALL, new Set(['crm.person'])))).toEqual(['target app.person different 1 name']);
    await expect(bed.verify(TOUCHED)).rejects.toMatchObject({ code: 'FULL_VERIFICATION_NEEDED' });
  });

  it('sets rows aside that change between the two looks, and compares them in the next round', async () => {
    let takes = 0;
    bed.snapshots.onTake = async () => {
      if (++takes > 1) return;
      await bed.commit(updated(PERSON, ['2', '9', 'Bart']), deleted(TAG, 't1'), updated(FIRM, ['8', 'Initech']));
    };
    const report = await bed.verify(TOUCHED);
    expect([said(report), report.rounds, report.unsettled]).toEqual([[], 2, 0]);
    // In the round in which they were set aside the source was not what is remembered.
    expect(report.remembered.find(({ table }) => table === 'crm.person')?.expected).toBe(3);
    expect(bed.verified.at(-1)?.isBase).toBe(true);
  });

  it.each([TOUCHED, ALL])(
    'knows what the target should hold of rows that another one has changed between the two looks (%#)',
    async (choice) => {
      let takes = 0;
      bed.snapshots.onTake = async () => {
        if (++takes === 1) await bed.commit(updated(FIRM, ['9', 'Acme Ltd']));
      };
      expect(said(await bed.verify(choice))).toEqual([]);
      expect(bed.target.get('app.person')?.get(key('2'))).toEqual(['Acme Ltd', '2', 'Bill']);
    },
  );

  it('finds those that were set aside all the same, in the source and in the target', async () => {
    let takes = 0;
    bed.snapshots.onTake = async () => {
      if (++takes > 1) return;
      await bed.commit(updated(PERSON, ['2', '9', 'Bart']));
      await bed.follow();
      bed.target.get('app.person')?.set(key('2'), ['Acme', '2', 'Bert']);
      bed.alterSource(PERSON, '2', ['2', '9', 'Bret']);
    };
    expect(said(await bed.verify(TOUCHED))).toEqual(['remembered crm.person different 2 name', 'target app.person different 2 name']);
  });

  it('derives rows of which a part was set aside in the round of that part', async () => {
    await bed.commit(updated(PERSON, ['5', '8', 'Dan']));
    await bed.follow();
    let takes = 0;
    bed.snapshots.onTake = async () => {
      if (++takes > 1) return;
      await bed.commit(updated(PERSON, ['5', '8', 'Dora']));
      await bed.follow();
      // What was remembered of it before was right, also by way of its firm.
      await bed.alterState('e', 'Dora', 'Dan');
    };
    const report = await bed.verify(TOUCHED);
    expect([said(report), report.rounds]).toEqual([['derived app.person different 5 name'], 2]);
  });

  it('derives those that were to wait for a part in the next round, also where that part is gone by then', async () => {
    await bed.commit(updated(PERSON, ['5', '8', 'Dan']));
    await bed.follow();
    let takes = 0;
    bed.snapshots.onTake = async () => {
      if (++takes > 1) return;
      await bed.commit(deleted(FIRM, '8'));
      await bed.follow();
      await bed.alterState('e', 'Dan', 'Don');
    };
    const report = await bed.verify(TOUCHED);
    expect([said(report), report.rounds, report.unsettled]).toEqual([['derived app.person different 5 name'], 2, 0]);
  });

  it.each([TOUCHED, ALL])('says nothing of what was decided otherwise as long as load is behind that (%#)', async (choice) => {
    await bed.correct({ what: 'correct', table: 'crm.person', key: '4', column: 'name', from: null, to: 'Dan', why: null });
    await bed.transform();
    await expect(bed.verify(choice)).rejects.toMatchObject({ code: 'NOT_FOLLOWING' });
    await bed.load();
    expect(bed.target.get('app.person')?.get(key('4'))).toEqual(['Acme', '4', 'Dan']);
    expect(said(await bed.verify(choice))).toEqual([]);
  });

  it('says nothing of rows that change each time, counts them, and is none to build upon', async () => {
    let takes = 0;
    bed.snapshots.onTake = async () => {
      await bed.commit(updated(PERSON, ['2', '9', `Bob ${String(++takes)}`]));
    };
    const report = await bed.verify(TOUCHED);
    expect([said(report), isEqualChosen(report), report.rounds, report.unsettled]).toEqual([[], true, 4, 1]);
    expect(bed.verified.at(-1)).toMatchObject({ outcome: 'equal', isBase: false });
  });

  it('takes what stands instead of a refused version for right, where the version is the one that should be there', async () => {
    const refused = { wanted: { id: '2', firm: 'Acme', name: 'Bill' }, stands: { id: '2', firm: 'Acme', name: 'Bob' } };
    bed.target.get('app.person')?.set(key('2'), ['Acme', '2', 'Bob']);
    bed.refused = [refused, { wanted: { id: '1', firm: 'x', name: 'y' }, stands: null }];
    expect(said(await bed.verify(TOUCHED))).toEqual([]);
    bed.refused = [{ ...refused, wanted: { ...refused.wanted, name: 'other' } }];
    bed.base({ changes: bed.verified[0]?.changes as never, writes: bed.verified[0]?.writes as never });
    expect(said(await bed.verify(TOUCHED))).toEqual(['target app.person refused 2 name']);
  });

  it('knows a row that stands under the key that it had, and says nothing of one that stands for nobody knows what', async () => {
    await bed.commit(moved(PERSON, '2', ['7', '9', 'Bill']));
    await bed.follow();
    const people = bed.target.get('app.person');
    people?.delete(key('7'));
    people?.set(key('2'), ['Acme', '2', 'Bill']);
    const stands = { id: '2', firm: 'Acme', name: 'Bill' };
    bed.refused = [{ wanted: { ...stands, id: '99' }, stands }];
    const unsure = await bed.verify(TOUCHED);
    expect([said(unsure), unsure.unsettled]).toEqual([['target app.person missing 7'], 1]);
    bed.refused = [{ wanted: { ...stands, id: '7' }, stands }];
    const report = await bed.verify(TOUCHED);
    expect([said(report), report.unsettled, bed.verified.at(-1)?.isBase]).toEqual([[], 0, true]);
  });

  it.each<readonly [why: string, spoil: (bed: ChosenBed) => unknown]>([
    ['where nothing was ever equal', (on) => on.verified.splice(0)],
    [
      'where one of all rows has found some that differ since',
      async (on) => {
        on.target.get('app.person')?.set(key('1'), ['Acme', '1', 'Anna']);
        await on.verifyAll();
      },
    ],
    [
      'where a sample has found some that differ since',
      async (on) => {
        on.target.get('app.person')?.set(key('1'), ['Acme', '1', 'Anna']);
        await on.verify(ALL);
      },
    ],
    [
      'under another mapping',
      (on) => {
        on.base({ mapping: 'other' });
      },
    ],
    ['after the target was moved', (on) => (on.generation = '1.0')],
    ...(['changes', 'writes'] as const).flatMap((stream) =>
      [null, {}, [1, 2], { seq: 'abc' }, { seq: 1e30 }, { seq: 9_999 }, { checksum: '00' }].map(
        (altered) =>
          [
            `where somebody has made ${JSON.stringify(altered)} of its place in ${stream}`,
            (on: ChosenBed) => {
              const place = (on.verified[0] as Verified)[stream];
              const isPart = altered !== null && Object.keys(altered).some((name) => name in place);
              // Of `changes` the records since are read where there are any.
              on.base({ ...on.verified[0], [stream]: isPart ? Object.assign({}, place, altered) : altered });
            },
          ] as const,
      ),
    ),
    [
      'after another log has begun',
      (on) => {
        on.base({ changes: { ...(on.verified[0] as never as { changes: object }).changes, logId: 'x' } as never });
      },
    ],
    [
      'where a table was emptied',
      async (on) => {
        await on.commit(truncated(TAG));
        await on.follow();
      },
    ],
    [
      'where the target has gone back',
      (on) => {
        on.base({ writes: { ...(on.verified[0] as never as { writes: object }).writes, seq: 999 } as never });
      },
    ],
  ])('of touched rows is none %s', async (_, spoil) => {
    await spoil(bed);
    await expect(bed.verify(TOUCHED)).rejects.toMatchObject({ code: 'FULL_VERIFICATION_NEEDED' });
  });

  it('of a sample holds the same rows for the same seed, and others for another; all of them it finds equal', async () => {
    await bed.commit(inserted(TAG, ...Array.from({ length: 400 }, (_, n) => [`n${String(n)}`, 'x'])));
    await bed.follow();
    const rows = async (seed: number): Promise<number> => {
      const report = await bed.verify({ kind: 'sample', share: 0.25, seed });
      expect(said(report)).toEqual([]);
      return report.chosen;
    };
    const counts = [await rows(1), await rows(1), await rows(2), await rows(3), await rows(4)];
    expect(counts[1]).toBe(counts[0]);
    expect(new Set(counts).size).toBeGreaterThan(1);
    for (const count of counts) expect(count > 60 && count < 150).toBe(true);
    const all = await bed.verify(ALL);
    expect([said(all), all.chosen]).toEqual([[], 409]);
    expect(bed.verified.at(-1)).toMatchObject({ kind: 'sample', outcome: 'equal', isBase: false });
  });

  it('of a sample counts all rows, also while they come and go', async () => {
    const none: Choice = { kind: 'sample', share: 1e-9, seed: 1 };
    let takes = 0;
    bed.snapshots.onTake = async () => {
      if (++takes > 1) return;
      await bed.commit(inserted(PERSON, ['7', '9', 'Eve'], ['8', '9', null]), deleted(TAG, 't1', 't2'), inserted(FIRM, ['7', 'x']));
    };
    const report = await bed.verify(none);
    expect([said(report), report.chosen]).toEqual([[], 0]);
    bed.alterSource(PERSON, '99', ['99', '9', 'Zoe']);
    bed.target.get('app.tag')?.set(key('extra'), ['extra', 'x']);
    bed.target.get('app.person')?.delete(key('5'));
    expect(said(await bed.verify(none))).toEqual(['source crm.person 8 7', 'target app.person 4 3', 'target app.tag 0 1']);
    bed.refused = [{ wanted: { id: '5', firm: 'Initrode', name: 'Dee' }, stands: null }];
    expect(said(await bed.verify(none))).toEqual(['source crm.person 8 7', 'target app.tag 0 1']);
    expect(said(await bed.verify(none, new Set(['crm.person'])))).toEqual(['source crm.person 8 7']);
    await expect(bed.verify(none, new Set(['crm.nothing']))).rejects.toMatchObject({ code: 'BAD_SETTINGS' });
  });
});
