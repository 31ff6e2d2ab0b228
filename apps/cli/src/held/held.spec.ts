import { execFileSync } from 'node:child_process';

import { HeldRowList, type HeldFilter, type HeldPage, type HeldRow, type ListedRow } from '@changeover/events';

import { renderListing, renderRow } from './held-view.js';
import { nextStep } from './next-step.js';
import { readListing } from './read-listing.js';
import { qualified, shellWord, totalsWords, visible } from './words.js';

const HELD: HeldRow = {
  state: 'held',
  table: 'crm.person',
  key: ['7', "O'Neil & Sons"],
  refusal: null,
  reason: 'no phone number',
  column: 'phone',
  sinceSeq: 12,
  sinceMs: 1_700_000_000_000,
  problems: [
    { reason: 'no phone number', column: 'phone' },
    { reason: 'missing', column: 'name' },
  ],
  kept: true,
  source: 'old.kontakt',
  refused: null,
};

const REFUSED: HeldRow = {
  ...HELD,
  state: 'refused',
  key: ['-1'],
  refusal: '5',
  reason: 'violates good',
  column: null,
  sinceMs: null,
  problems: [{ reason: 'violates good', column: null }],
  source: null,
  refused: {
    sqlstate: '23514',
    constraint: 'good',
    message: 'it violates good',
    wanted: { id: '-1', name: 'a\u001B[2J' },
    stands: { id: '-1', name: null },
  },
};

test('counts in words, in the order of the states', () => {
  expect(totalsWords({ held: 0, waiting: 0, refused: 0 })).toBeNull();
  expect(totalsWords({ held: 0, waiting: 0, refused: 1 })).toBe('1 refused row');
  expect(totalsWords({ held: 1200, waiting: 1, refused: 0 })).toBe('1,200 held and 1 waiting rows');
  expect(totalsWords({ held: 1, waiting: 1, refused: 1 })).toBe('1 held, 1 waiting and 1 refused rows');
});

test('a key can be pasted into a shell, whatever it holds', () => {
  const keys = [
    '7',
    'a-b@c.de',
    '',
    ' ',
    "O'Neil",
    '$(exit)',
    '~',
    '-1',
    'a\\b',
    'tab\there',
    'a\u001B[2J',
    "it's\n\\n",
    'ünïcode',
    '*',
    '#1',
  ];
  const words = keys.map(shellWord);
  const printed = execFileSync('bash', ['--norc', '-c', `printf '%s\\0' ${words.join(' ')}`], {
    env: { LC_ALL: 'C.UTF-8', PATH: process.env['PATH'] },
  });
  expect(printed.toString().split('\0').slice(0, -1)).toEqual(keys);
  expect(words.join('')).not.toMatch(/\p{Cc}/u);
  expect(words.slice(0, 3)).toEqual(['7', 'a-b@c.de', `''`]);
});

test('what would move the cursor is an escape', () => {
  expect([visible('a\u001B[2J\u202E'), visible('ünïcode \u{1F600}'), visible('\u{E0001}')]).toEqual([
    'a\\u001b[2J\\u202e',
    'ünïcode \u{1F600}',
    '\\U000e0001',
  ]);
});

test('a table by itself is in public', () => {
  expect([qualified('person'), qualified('crm.person')]).toEqual(['public.person', 'crm.person']);
});

test('the list: counts first, then rows, each with the words that show it, and how many more there are', () => {
  const group = { state: 'held', table: 'crm.person', reason: 'no phone number', column: 'phone', rows: 1_000, kept: 17 } as const;
  const keyless = { ...REFUSED, key: null };
  const lines = renderListing({
    totals: { held: 1_001, waiting: 0, refused: 2 },
    groups: [group, { ...group, state: 'refused', reason: 'violates good', column: null, rows: 2, kept: 0 }],
    rows: [HELD, REFUSED, { ...keyless, kept: false }],
    more: 1_000,
  });
  expect(lines).toEqual([
    '1,001 held and 2 refused rows',
    '  rows   state    table       reason           column  at the target',
    '  1,000  held     crm.person  no phone number  phone   an earlier version of 17',
    '  2      refused  crm.person  violates good            nothing',
    '  and 1 more, for other reasons',
    '',
    'state    table       key                   reason           column  at the target       since',
    `held     crm.person  7 'O'\\''Neil & Sons'  no phone number  phone   an earlier version  2023-11-14T22:13:20.000Z`,
    `refused  crm.person  -- '-1'               violates good            an earlier version  record 12 of writes`,
    'refused  crm.person  --refusal 5           violates good            nothing             record 12 of writes',
    'and 1,000 more: --limit shows more of them; --table, --state, --reason and --settled choose',
  ]);
  expect(renderListing({ totals: { held: 0, waiting: 0, refused: 0 }, groups: [], rows: [], more: 0 })).toEqual([
    'no such row is held, waits or is refused',
  ]);
  expect(renderListing({ totals: { held: 0, waiting: 0, refused: 0 }, groups: [], rows: [], more: 0 }, ['crm.a', 'crm.b'])).toEqual([
    'no such row is held, waits or is refused; there are others, of crm.a, crm.b: changeover held list',
  ]);
});

test('one row: what is wrong, since when, what stands, what was wanted, and what to do', () => {
  expect(renderRow({ ...HELD, key: ['7'] })).toEqual([
    'crm.person 7: held',
    '  problem        no phone number (phone)',
    '  problem        missing (name)',
    '  comes from     old.kontakt of the old database, by this key',
    '  since          2023-11-14T22:13:20.000Z, record 12 of changes',
    '  at the target  an earlier version of it stands',
    `  next           ${nextStep({ ...HELD, key: ['7'] })}`,
  ]);
  expect(renderRow(REFUSED)).toEqual([
    `crm.person -- '-1': refused`,
    '  problem          violates good',
    '  the target says  it violates good',
    '  SQLSTATE         23514',
    '  constraint       good',
    '  since            record 12 of writes',
    '  at the target    an earlier version of it stands',
    `  wanted           id = '-1'`,
    `                   name = 'a\\u001b[2J'`,
    `  stands           id = '-1'`,
    '                   name = null',
    `  next             ${nextStep(REFUSED)}`,
  ]);
});

test('a refused row says since when, where the target knows', () => {
  const lines = renderRow({ ...REFUSED, sinceMs: 1_700_000_000_000 });
  expect(lines.find((line) => line.includes('since'))).toMatch(/^ {2}since +2023-11-14T22:13:20\.000Z, record 12 of writes$/);
});

test('what to do next, for each way in which a row can be kept from coming', () => {
  expect(nextStep(HELD)).toBe(
    `Correct in the old database what phone, name is made from (old.kontakt and what is joined to it); the row comes by itself. Or have something else read: changeover held correct --column <column> --to <value> old.kontakt 7 'O'\\''Neil & Sons'`,
  );
  const ruled = { reason: 'too long: name', column: 'name', rule: 'name' };
  expect(nextStep({ ...HELD, key: ['7'], problems: [ruled] })).toMatch(
    / old\.kontakt 7; or take it as it is: changeover held accept crm\.person 7$/,
  );
  expect(nextStep({ ...HELD, problems: [ruled, ruled] })).toContain('held accept --rule <name> crm.person 7');
  expect(nextStep({ ...HELD, problems: [ruled, { reason: 'not unique', column: 'email' }] })).not.toContain('accept');
  expect(nextStep({ ...HELD, problems: [{ reason: 'not unique', column: 'email' }] })).toMatch(
    /better right to this email; changeover explain --source old\.kontakt 7 .* says which/u,
  );
  expect(nextStep({ ...HELD, problems: [{ reason: 'too many rows', column: 'email' }] })).toContain('than email may be made of (atMost');
  const merged = { ...HELD, key: ['merged:3f2a'] };
  expect(nextStep(merged)).toMatch(/made of several .*; changeover explain --source old\.kontakt merged:3f2a names them/u);
  expect(nextStep({ ...merged, problems: [{ reason: 'more than 20 to merge', column: 'id' }] })).toContain('(atMost in the mapping)');
  expect(nextStep({ ...HELD, state: 'waiting', column: 'crm.account' })).toContain(
    "changeover explain --source old.kontakt 7 'O'\\''Neil & Sons' says which one",
  );
  const refused = (sqlstate: string | null, message: string, constraint: string | null = null): string =>
    nextStep({ ...REFUSED, refused: { sqlstate, message, constraint, wanted: null, stands: null } });
  expect(refused('23505', 'ROW_MISSING', 'u')).toContain('correct u at the target');
  expect(refused('22P02', 'not valid')).toContain('what refuses it at the target');
  expect(refused(null, 'ROW_MISSING')).toContain('put it back there');
  expect(refused(null, 'ROW_REFERENCED', 'fk')).toContain('(fk)');
  expect(refused(null, 'ROW_SKIPPED')).toMatch(/trigger, then: changeover held retry crm\.person -- '-1'\.$/);
});

/** So many rows, of which it never gives more than it is asked for. */
class CountedList extends HeldRowList {
  readonly asked: number[] = [];
  readonly #rows: number;

  constructor(rows: number) {
    super();
    this.#rows = rows;
  }

  totals() {
    return Promise.resolve({ held: this.#rows, waiting: 0, refused: 0 });
  }

  groups() {
    return Promise.resolve([]);
  }

  page(_filter: HeldFilter, { limit, after }: { readonly limit: number; readonly after?: string | null }): Promise<HeldPage> {
    this.asked.push(limit);
    const first = Number(after ?? 0);
    const end = Math.min(this.#rows, first + limit);
    const rows = Array.from({ length: end - first }, (_, index): ListedRow => ({ ...HELD, sinceSeq: first + index }));
    return Promise.resolve({ rows, next: end < this.#rows ? String(end) : null });
  }

  find() {
    return Promise.resolve([]);
  }
}

test('rows are read page by page, as many as are listed', async () => {
  const read = async (rows: number, limit: number) => {
    const list = new CountedList(rows);
    const listing = await readListing(list, {}, limit);
    expect(listing.rows.map(({ sinceSeq }) => sinceSeq)).toEqual(Array.from({ length: Math.min(rows, limit) }, (_, index) => index));
    return [list.asked, listing.more];
  };
  expect(await read(0, 50)).toEqual([[50], 0]);
  expect(await read(60, 50)).toEqual([[50], 10]);
  expect(await read(2_500, 2_200)).toEqual([[1_000, 1_000, 200], 300]);
  expect(await read(2_000, 100_000)).toEqual([[1_000, 1_000], 0]);
});
