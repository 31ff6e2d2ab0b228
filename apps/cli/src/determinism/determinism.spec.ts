import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { SystemClock } from '@changeover/core';
import { formatRows } from '@changeover/events';
import { textTable } from '@changeover/testing';

import { deriveTwice, type CausedDisagreement } from './check-determinism.js';
import type { Influence } from './surroundings.js';

/** Each derives in several processes, which load much. */
const PATIENCE_MS = 120_000;

const SAMPLE = [
  {
    table: textTable('public.contacts', ['id', 'name', 'note']),
    rows: formatRows([
      ['1', ' zone ', '24.12.2026'],
      ['2', ' locale ', '31.02.2026'],
      ['3', ' clock ', null],
      ['4', ' random ', null],
    ]),
  },
];

type Parts = { readonly before?: string; readonly columns?: Readonly<Record<string, string>>; readonly where?: string };

/** A mapping file: a program, what else it may be. */
function mapping({ before = '', columns = {}, where = '' }: Parts): string {
  const others = Object.entries(columns).map(([name, expression]) => `${name}: ${expression},`);
  return `${before}
    export default { rules: [{
      source: 'public.contacts', target: 'crm.person', ${where}
      columns: {
        id: { column: 'id' },
        name: { convert: 'trim', input: { column: 'name' }, invalid: 'empty' },
        born_on: { convert: 'date', input: { column: 'note' }, options: { formats: ['DD.MM.YYYY'] }, invalid: 'held' },
        ${others.join('\n')}
      },
      key: ['id'],
    }] };`;
}

async function twice(text: string, signal = new AbortController().signal): Promise<readonly CausedDisagreement[]> {
  const folder = await mkdtemp(join(tmpdir(), 'changeover-determinism-'));
  try {
    const file = join(folder, 'mapping.mjs');
    await writeFile(file, text);
    const task = { migration: 'm', mapping: file, maxStateBytes: 1_000_000, sample: SAMPLE };
    return await deriveTwice(task, { folder: join(folder, 'states'), clock: new SystemClock(), signal });
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

test(
  'a mapping that is data agrees with itself, its held rows as well',
  async () => expect(await twice(mapping({}))).toEqual([]),
  PATIENCE_MS,
);

test(
  'what a mapping file lets in is named, with the column and what it depends on',
  async () => {
    const programs: readonly (readonly [name: string, program: string, causes: readonly Influence[]])[] = [
      ['local', 'new Date(2026, 0, 1).getTime()', ['timeZone']],
      ['zone', 'Intl.DateTimeFormat().resolvedOptions().timeZone', ['timeZone']],
      ['number', '(1.5).toLocaleString()', ['locale']],
      ['order', '"ı".localeCompare("i")', ['locale']],
      ['now', 'Date.now()', ['clock']],
      ['today', 'new Date().toISOString().slice(0, 10)', ['clock']],
      ['called', 'Date().slice(0, 15)', ['clock']],
      ['written', 'new Intl.DateTimeFormat("en", { timeZone: "UTC" }).format()', ['clock']],
      ['parts', 'new Intl.DateTimeFormat("en", { timeZone: "UTC" }).formatToParts()[0].value', ['clock']],
      ['uptime', 'performance.now()', ['clock']],
      ['ticks', 'process.hrtime.bigint()', ['clock']],
      ['chance', 'Math.random()', ['seed']],
      ['all', 'new Date(2026, 0, 1).getHours() + new Date().toLocaleString("en") + Math.random()', ['timeZone', 'clock', 'seed']],
      ['other', 'process.pid', []],
      ['none', 'new Date(0).toISOString() + Math.max(1, 2)', []],
    ];
    const columns = Object.fromEntries(programs.map(([name, program]) => [name, `{ constant: String(${program}) }`]));
    const found = await twice(mapping({ columns }));
    const expected = programs.filter(([name]) => name !== 'none').map(([column, , causes]) => ({ column, causes }));
    const columnsOf = found.filter(({ table }) => table === 'crm.person');
    expect(columnsOf.map(({ column, causes }) => ({ column, causes })).toSorted(byColumn)).toEqual(expected.toSorted(byColumn));
    // One of the four rows is held, and so is not made at all.
    expect(columnsOf.every(({ rows, key }) => rows === 3 && key[0] === '1')).toBe(true);
    // The file gives another mapping even where nothing around it is another: by the process's number.
    expect(found.filter(({ table }) => table !== 'crm.person')).toMatchObject([{ table: null, causes: [] }]);
  },
  PATIENCE_MS,
);

test(
  'what a converter lets in is named although the mapping is the same',
  async () => {
    // A mapping is a program: this one changes what our own converter is made of.
    const before = `
      const more = {
        ' zone ': () => new Date(0).getHours(),
        ' locale ': () => (1.5).toLocaleString(),
        ' clock ': () => new Date().getFullYear(),
        ' random ': () => Math.random(),
      };
      const slice = String.prototype.slice;
      String.prototype.slice = function (...range) { return slice.apply(this, range) + (more[this]?.() ?? ''); };`;
    const columns = Object.fromEntries(
      ['zone', 'locale', 'clock', 'random'].map((name) => [
        name,
        `{ convert: 'trim', input: { constant: ' ${name} ' }, invalid: 'empty' }`,
      ]),
    );
    const found = await twice(mapping({ before, columns }));
    const facts = { table: 'crm.person', rows: 3, key: ['1'] };
    expect(found.filter(({ column }) => column !== 'name')).toEqual([
      expect.objectContaining({ ...facts, column: 'clock', causes: ['clock'] }),
      expect.objectContaining({ ...facts, column: 'locale', causes: ['locale'] }),
      expect.objectContaining({ ...facts, column: 'random', causes: ['seed'] }),
      expect.objectContaining({ ...facts, column: 'zone', causes: ['timeZone'] }),
    ]);
    // In the rows themselves stand three of the texts: the fourth row is held.
    expect(found.filter(({ column }) => column === 'name')).toMatchObject([{ rows: 3, causes: ['timeZone', 'clock', 'seed'] }]);
  },
  PATIENCE_MS,
);

const OWN = `
  import { custom, unchecked } from '@changeover/mapping';
  const own = (name, fn) => custom({ name, fn })(unchecked({ column: 'name' }));`;

test(
  'a function of its own that something was brought into is named',
  async () => {
    // Its text holds what the file found when it was loaded: nothing in it tells.
    const before = `${OWN}
      const written = new Function('text', 'return text + ' + Date.now());
      const chosen = new Intl.NumberFormat().format(1.5) === '1.5' ? (text) => text : (text) => text.trim();`;
    const columns = { written: `own('written', written)`, chosen: `own('chosen', chosen)`, pure: `own('pure', (text) => text.trim())` };
    const found = await twice(mapping({ before, columns }));
    expect(found.map(({ table, column, causes }) => ({ table, column, causes })).toSorted(byColumn)).toEqual([
      // The file gives another mapping each time.
      { table: null, column: null, causes: ['locale', 'clock'] },
      { table: 'crm.person', column: 'chosen', causes: ['locale'] },
      { table: 'crm.person', column: 'written', causes: ['clock'] },
    ]);
  },
  PATIENCE_MS,
);

test(
  'a function of its own that reaches for its surroundings by a trick holds its rows, the same each time',
  async () => {
    const columns = {
      clock: `own('trick', (text) => text + [].at['constr' + 'uctor']('return Date.now()')())`,
      locale: `own('spoken', (text) => text['toLocale' + 'UpperCase']())`,
    };
    expect(await twice(mapping({ before: OWN, columns }))).toEqual([]);
  },
  PATIENCE_MS,
);

test(
  'a row that is made, or held, in one of the processes only is named by its table',
  async () => {
    const before = `const names = new Date().getFullYear() === 2026 ? [' zone ', ' locale '] : [' clock '];`;
    const found = await twice(mapping({ before, where: `where: { is: { column: 'name' }, in: names },` }));
    expect(found).toContainEqual(expect.objectContaining({ table: 'crm.person', column: null, rows: 2, causes: ['clock'] }));
    expect(found).toContainEqual(expect.objectContaining({ table: 'changeover.held', column: null, causes: ['clock'] }));
  },
  PATIENCE_MS,
);

test(
  'a process that ends by itself, or is told to stop, does not look like agreement',
  async () => {
    await expect(twice('process.exit(0)')).rejects.toMatchObject({ code: 'MAPPING_INVALID' });
    await expect(twice('throw new Error("no")')).rejects.toMatchObject({ code: 'MAPPING_INVALID' });
    const stop = new AbortController();
    const endless = twice('await new Promise(() => undefined); export default {};', stop.signal);
    stop.abort(new Error('told to stop'));
    await expect(endless).rejects.toThrow('told to stop');
  },
  PATIENCE_MS,
);

function byColumn(one: { readonly column: string | null }, other: { readonly column: string | null }): number {
  return (one.column ?? '') < (other.column ?? '') ? -1 : 1;
}
