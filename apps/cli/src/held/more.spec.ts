import type { StandingCorrection } from '@changeover/pipeline';

import { renderCorrections, renderDecided, type Decided } from './corrections-view.js';
import { renderRetried, type Retried } from './retry.js';

const DECIDED: Decided = {
  ...{ migration: 'm', dryRun: false, decisions: 1_222, requests: ['r'], reached: true, more: 1_221 },
  columns: [{ table: 'old.kontakt', column: 'tel', decisions: 1_222 }],
  rows: [{ target: 'crm.person', key: ['7'], held: null }],
};

test('decisions: of the first rows what became of them, and how many more there are', () => {
  const last = (decided: Partial<Decided>): string | undefined =>
    renderDecided({ ...DECIDED, ...decided }, 'correction')
      .trimEnd()
      .split('\n')
      .at(-1);
  expect(last({})).toBe('and 1,221 more corrections');
  expect(last({ dryRun: true, reached: false, rows: [], sample: [{ target: 'crm.person', key: ['7'] }], more: 1 })).toBe(
    'and 1 more correction',
  );
  expect(last({ more: 0 })).toBe('crm.person 7: nothing holds it');
  // Nobody has waited: nothing is told of any row.
  expect(last({ reached: false, rows: [] })).toBe('1,222 corrections are asked for');
});

test('what is corrected: how many are not listed', () => {
  const correction: StandingCorrection = {
    ...{
      what: 'correct',
      id: 'r.1',
      table: 'old.kontakt',
      key: '7',
      column: 'tel',
      from: '1',
      to: '2',
      target: null,
      rule: null,
      why: null,
    },
    ...{ sinceSeq: 1, sinceMs: 0, inForce: true },
  };
  expect(renderCorrections([correction], 1_200, false)).toMatch(/^and 1,200 more: --limit /mu);
  expect(renderCorrections([correction], 0, false)).not.toContain('more');
});

test('rows that are tried again: those of reasons that are not listed are counted', () => {
  const groups = (count: number): Retried['refused'] =>
    Array.from({ length: count }, (_, index) => ({ table: 'crm.person', reason: `reason ${String(index)}`, rows: 2 }));
  const words = (retried: Partial<Retried>): string =>
    renderRetried({ ...{ migration: 'm', dryRun: true, asked: 1_500, due: 0, released: 0, refused: groups(100) }, ...retried });
  expect(words({})).toMatch(/^ {2}and 1,300 more, for other reasons$/mu);
  expect(words({ dryRun: false, released: 100 })).toMatch(/^ {2}and 1,200 more, for other reasons or asked for by somebody else since$/mu);
  expect(words({ asked: 200 })).not.toContain('more');
  expect(words({ dryRun: false, asked: 100, released: 10, refused: groups(40) })).toContain(
    '10 rows were asked for by somebody else since',
  );
});
