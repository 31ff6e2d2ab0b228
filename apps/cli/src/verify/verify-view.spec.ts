import type { ChosenReport, MirrorReport, RepairReport, ResumedReport, VerificationReport } from '@changeover/verification';

import { renderChosenHtml, renderHtml, renderResumedHtml } from './verify-page.js';
import { renderChosen, renderMirror, renderReport, renderResumed, VerifyProgress } from './verify-view.js';

const NOTHING = { missing: 0, extra: 0, different: 0, refused: 0 };
const REPORT: VerificationReport = {
  migration: 'crm',
  seq: 1234,
  position: '0/1A2B' as VerificationReport['position'],
  ts_ms: 0,
  mapping: 'abc',
  heldMs: 87.4,
  takes: 2,
  seconds: 12.3,
  tables: [
    { table: 'crm.account', expected: 10, found: 10, refused: 0, counts: NOTHING, differences: [], unlooked: 0 },
    {
      table: 'crm.person',
      expected: 1000,
      found: 1001,
      refused: 2,
      counts: { ...NOTHING, extra: 1, different: 11 },
      differences: [
        { kind: 'extra', key: ['<b>', null], columns: [] },
        {
          kind: 'different',
          key: ['7'],
          columns: ['name'],
          values: { expected: { name: 'Ann & Bob' }, found: { name: null } },
        },
      ],
      unlooked: 3,
    },
  ],
  notCompared: ['public.old'],
};

describe('the report of a verification', () => {
  it('says of each table what there is, names rows, and what was not looked at', () => {
    expect(renderReport(REPORT).split('\n')).toEqual([
      'compared at record 1,234 of changes, 0/1A2B, committed at the source 1970-01-01T00:00:00.000Z',
      '1,011 rows in 13 s; load was held for 87 ms (2 snapshots of the source)',
      '',
      expect.stringMatching(/^table +should be +are +refused/),
      expect.stringMatching(/^crm\.account +10 +10 +equal$/),
      expect.stringMatching(/^crm\.person +1,000 +1,001 +2 +at least 15 differ$/),
      '',
      'crm.person:',
      '  "<b>", null: should not be there',
      '  "7": other values in name',
      '    name: should be "Ann & Bob", is null',
      '  and 10 more (--json names up to --limit of them)',
      '',
      'not compared, as they are not captured any more: public.old',
      '',
    ]);
  });

  it('is a page on which no value can be more than text', () => {
    const page = renderHtml(REPORT);
    expect(page).toContain('<td><code>&#34;&#60;b&#62;&#34;, null</code><td>should not be there');
    expect(page).toContain('name: should be &#34;Ann &#38; Bob&#34;, is null');
    expect(page).toContain('<span class="differs">at least 15 differ</span>');
    expect(page).not.toMatch(/<b>|<script|https?:/);
  });
});

describe('the report of a repair', () => {
  const none = {
    repaired: 0,
    loaded: 0,
    changed: 0,
    refused: 0,
    unwanted: 0,
    listed: 0,
    'maybe-kept': 0,
    unnumbered: 0,
    'no-key': 0,
    beyond: 0,
  };
  const repair: RepairReport = {
    seq: 1200,
    counts: { ...none, repaired: 1, refused: 1, beyond: 2 },
    rows: [
      { table: 'crm.person', kind: 'missing', key: ['<7>'], result: 'repaired' },
      { table: 'crm.person', kind: 'different', key: ['8'], result: 'refused', reason: 'SQLSTATE 23514 (c)' },
    ],
  };

  it('says what became of which row, before what was compared after it', () => {
    const lines = renderReport({ ...REPORT, repair }).split('\n');
    expect(lines.slice(0, 12)).toEqual([
      'rows that differed at record 1,200:',
      'repaired: 1 row',
      'left: the target refuses it: 1 row',
      'left: there are too many; repair again: 2 rows',
      '',
      '  crm.person "<7>": repaired',
      '  crm.person "8": left: the target refuses it: SQLSTATE 23514 (c)',
      '  and 2 more (--json names up to --limit of them)',
      '',
      'after that:',
      ...renderReport(REPORT).split('\n').slice(0, 2),
    ]);
    expect(renderReport({ ...REPORT, repair: { ...repair, counts: none, rows: [] } })).toBe(`nothing to repair\n\n${renderReport(REPORT)}`);
  });

  it('is part of the page', () => {
    const page = renderHtml({ ...REPORT, repair });
    expect(page).toContain('<td><code>&#34;&#60;7&#62;&#34;</code><td>repaired');
    expect(page).toContain('<p>and 2 more.');
    expect(renderHtml(REPORT)).not.toContain('Repaired');
  });
});

it('the report of what transform remembers says what was not settled', () => {
  const { migration, seq, mapping, heldMs, takes, seconds, tables, notCompared } = REPORT;
  const report: MirrorReport = { migration, seq, mapping, heldMs, takes, seconds, tables, notCompared, rounds: 4, unsettled: 3 };
  const lines = renderMirror(report).split('\n');
  expect(lines.slice(0, 2)).toEqual([
    'what transform remembers, compared with the source up to record 1,234 of changes',
    '1,011 rows in 13 s, 4 rounds',
  ]);
  expect(lines).toContain('changed in each round, so that nothing is said of them: 3 rows');
  expect(lines).toContain('  "<b>", null: should not be there');
});

describe('progress', () => {
  it('says how much of what there probably is, and how long the rest takes', () => {
    const progress = new VerifyProgress();
    progress.expect(new Map([['a', { rows: 100, bytes: 1 }]]));
    progress.line({ doing: 'reading', table: 'a', rows: 0 }, 0);
    expect(progress.line({ doing: 'reading', table: 'a', rows: 25 }, 1000)).toBe(
      'reading the source, 25 %: a, 25 of about 100 rows, 3 s left',
    );
    // More than the source believed.
    expect(progress.line({ doing: 'reading', table: 'a', rows: 200 }, 2000)).toBe('reading the source, 99 %: a, 200 of about 200 rows');
    expect(progress.line({ doing: 'comparing', table: 'b', rows: 7 }, 3000)).toBe('comparing b: 7 rows');
  });
});

const CHOSEN: ChosenReport = {
  ...REPORT,
  kind: 'touched',
  base: { kind: 'full', ended_ms: 0, seq: 1000 },
  sample: null,
  chosen: 12,
  remembered: REPORT.tables.slice(0, 1),
  derived: [],
  rowCounts: [],
  unsettled: 2,
  rounds: 4,
};

describe('the report of a verification that was gone on with', () => {
  const [account, person] = REPORT.tables as [ResumedReport['tables'][0], ResumedReport['tables'][0]];
  const resumed: ResumedReport = {
    ...REPORT,
    tables: [
      { ...account, seq: 1000 },
      { ...account, table: 'crm.tag', seq: 1100 },
    ],
    resumed: { seq: 1000, position: REPORT.position, ts_ms: 0, touched: { ...CHOSEN, tables: [person] } },
  };

  it('says at which record each table was compared, what of the rows that were touched since, and what was not seen', () => {
    const lines = renderResumed(resumed).split('\n');
    expect(lines.slice(0, 2)).toEqual([
      'gone on with a verification of record 1,000 of changes, committed at the source 1970-01-01T00:00:00.000Z, which had not ended; what the log touched since then (12 rows of the source) compared at record 1,234',
      'What somebody else altered in a table after it was compared, in a row that no record of the log touched, was not seen: `changeover verify` alone sees it.',
    ]);
    expect(lines).toContainEqual(expect.stringMatching(/^crm\.account +10 +10 +equal +at record 1,000$/));
    expect(lines).toContainEqual(expect.stringMatching(/^crm\.tag +10 +10 +equal +at record 1,100$/));
    expect(lines).toContain('rows touched since record 1,000:');
    expect(lines).toContain('  "7": other values in name');
    expect(lines).toContain('changed in each round, so that nothing is said of them: 2 rows');
  });

  it('is a page that says so too, and is not equal where a touched row is not', () => {
    const html = renderResumedHtml(resumed);
    expect(html).toContain('<span class="differs">not equal</span>');
    expect(html).toContain('crm.tag compared at<td>record 1,100 of changes');
    expect(html).toContain('in a row that no record of the log touched, was not seen');
    const equal = { ...resumed, resumed: { ...resumed.resumed, touched: { ...CHOSEN, tables: [] } } };
    expect(renderResumedHtml(equal)).toContain('<span class="equal">equal</span>');
    const none = { ...CHOSEN, tables: [], remembered: [] };
    expect(renderResumed({ ...resumed, resumed: { ...resumed.resumed, touched: none } })).toContain(
      'rows touched since record 1,000: none\n',
    );
  });
});

describe('the report of chosen rows', () => {
  it('says what it is and what it says nothing about, and of each comparison what there is', () => {
    const lines = renderChosen(CHOSEN).split('\n');
    expect(lines.slice(0, 3)).toEqual([
      'rows touched since record 1,000, the last verification that found everything equal (1970-01-01T00:00:00.000Z): 12 rows of the source, compared at record 1,234 of changes',
      'Rows that no record of the log touched since then were not looked at: `changeover verify` alone compares everything.',
      '13 s, 4 rounds; load was held for 87 ms (2 snapshots of the source)',
    ]);
    expect(lines).toContain('what transform remembers of them, compared with the source:');
    expect(lines).toContain('  "7": other values in name');
    expect(lines).toContain('changed in each round, so that nothing is said of them: 2 rows');
  });

  it('says how a sample is drawn again, and of which tables the numbers differ', () => {
    const rowCounts = [{ end: 'source', table: 'crm.old', expected: 7, found: 6 }] as const;
    const text = renderChosen({ ...CHOSEN, kind: 'sample', base: null, sample: { share: 0.07, seed: 42 }, rowCounts });
    expect(text).toContain('a sample of 7 % (12 rows of the source; --seed 42 repeats it)');
    expect(text).toMatch(/source +crm.old +7 +6 +differ/);
    const html = renderChosenHtml({
      ...CHOSEN,
      kind: 'sample',
      base: null,
      sample: { share: 0.07, seed: 42 },
      rowCounts,
      tables: [],
      remembered: [],
    });
    expect(html).toContain('<span class="differs">not equal</span>');
    expect(html).toContain('all rows of crm.old (source)<td>should be 7, are 6');
  });
});
