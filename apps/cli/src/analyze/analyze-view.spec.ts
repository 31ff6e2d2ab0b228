import type { ColumnProfile } from '@changeover/analysis';

import { renderAnalysisPage } from './analyze-page.js';
import { analysisOutput, progressLine, renderAnalysis } from './analyze-view.js';
import type { AnalyzeReport } from './run-analyze.js';

const COLUMN: ColumnProfile = {
  name: '<b>mail',
  declared: 'text',
  base: 'text',
  labels: null,
  notNull: false,
  key: false,
  rows: 1_000,
  nulls: 100,
  blank: 50,
  filled: 850,
  distinct: 800,
  minLength: 5,
  maxLength: 40,
  used: 'text',
  usedShare: 1,
  looked: 850,
  whole: true,
  formats: [],
  ambiguous: 0,
  matter: 'email',
  matterShare: 0.99,
  phoneCountry: null,
  shapes: [{ shape: 'a+@a+.aaa', rows: 850 }],
  damage: { entities: 85 },
  scripts: { Latin: 850 },
  languages: { texts: 100, of: { en: 20, de: 71 } },
  values: { min: 'ada@example.com', max: 'zoe@example.com', frequent: [{ value: '<i>ada@example.com', rows: 2 }], areAll: false },
};

const REPORT: AnalyzeReport = {
  tables: [
    {
      table: 'public.people',
      described: { schema: 'public', table: 'people', columns: [], key: ['id'], uniques: [], foreignKeys: [], comment: null },
      rows: 1_000,
      whole: false,
      columns: [COLUMN],
    },
  ],
  references: [
    {
      from: { table: 'public.people', columns: ['owner'] },
      to: { table: 'public.users', columns: ['id'] },
      kind: 'found',
      because: 'its name',
      orphans: { rows: 900, orphans: 3 },
    },
    {
      from: { table: 'public.people', columns: ['tenant', 'firm_no'] },
      to: { table: 'public.firms', columns: ['tenant', 'no'] },
      kind: 'found',
      because: 'the names',
      orphans: { rows: 800, orphans: 4 },
    },
    {
      from: { table: 'public.people', columns: ['firm'] },
      to: { table: 'public.firms', columns: ['id'] },
      kind: 'declared',
      because: 'declared',
      orphans: { rows: 900, orphans: 0 },
    },
  ],
  personal: [{ table: 'public.people', column: '<b>mail', kind: 'e-mail', by: 'values', rows: 850 }],
  repeated: [{ table: 'public.people', column: '<b>mail', form: 'email', rows: 850, groups: 2, surplus: 3 }],
  softDeletes: [{ table: 'public.people', column: 'deleted', rows: 1_000, deleted: 20 }],
  proposal: {
    rules: [
      {
        source: 'public.people',
        target: 'crm.person',
        because: 'the names say the same',
        joins: [],
        where: null,
        columns: [
          {
            target: 'kind',
            sources: [{ column: 'kind' }],
            value: { how: 'enumeration', values: { 'secret word': 'a' }, spelled: true },
            because: ['same name'],
            open: ['which?'],
            required: false,
          },
        ],
        key: ['id'],
        requires: [],
        unique: [{ columns: ['kind'], otherwise: 'empty', because: ['the index <u>'], open: ['who?'] }],
        left: [],
      },
    ],
    sourcesLeft: [],
    targetsLeft: [],
  },
  score: { points: 71, parts: [{ part: 'keys', points: 71.2, weight: 3, says: '5 of 7 tables have a key', raise: 'give the others one' }] },
  estimate: { rows: 21_000, bytes: 3_000_000, copySeconds: 2.1, logBytes: 1_800_000, stateBytes: 24_000_000, basis: 'as measured' },
  seconds: 12.3,
  readSeconds: 3.1,
  readRows: 1_000,
};

test('the terminal is told what there is, and what was read in part', () => {
  const text = renderAnalysis(REPORT);
  for (const words of [
    'readiness 71 of 100',
    'read in part, the first rows by key: public.people',
    'keys  71.2  5 of 7 tables have a key; give the others one',
    'public.people.owner              → public.users.id            3 of 900 are orphans',
    'public.people (tenant, firm_no)  → public.firms (tenant, no)  4 of 800 are orphans',
    'public.people.<b>mail  e-mail  by values',
    '20 of 1,000',
    'HTML entities in 10.0 %',
    'mostly de (78.0 %), en (22.0 %), by 91 of 100 texts looked at',
    'public.people  → crm.person  1 columns and 1 unique, 2 with something to decide',
  ])
    expect(text).toContain(words);
  // A declared one without orphans is nothing to tell.
  expect(text).not.toContain('public.firms.id');
  expect(text).not.toContain('example.com');
});

test('the page escapes what names and values say, and tells values only where they were asked for', () => {
  const page = renderAnalysisPage("crm's", REPORT, false);
  expect(page).toContain('&#60;b&#62;mail');
  expect(page).toContain('unique, otherwise empty');
  expect(page).not.toMatch(/<b>|<i>|<u>|example\.com/u);
  expect(page).toContain('850 filled, 50 blank, 100 null');
  const asked = renderAnalysisPage("crm's", REPORT, true);
  expect(asked).toContain('zoe@example.com');
  expect(asked).toContain('&#60;i&#62;ada@example.com');
  expect(asked).not.toMatch(/<b>|<i>/u);
});

test('JSON tells values only where they were asked for', () => {
  const told = JSON.stringify(analysisOutput(REPORT, false));
  expect(told).not.toMatch(/example\.com|secret word/u);
  expect(told).toContain('"surplus":3');
  expect(JSON.stringify(analysisOutput(REPORT, true))).toMatch(/example\.com.*secret word/u);
});

test('the line that says how far it is', () => {
  expect(progressLine({ phase: 'reading', table: 'a.b', rows: 1_200, expected: 1_000 })).toBe('reading a.b: 1,200 of about 1,200 rows');
  expect(progressLine({ phase: 'reading', table: 'a.b', rows: 1_200, expected: null })).toBe('reading a.b: 1,200 rows');
  expect(progressLine({ phase: 'duplicates', place: { table: 'a.b', column: 'c' } })).toBe('looking for the same twice: a.b.c');
});
