import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { CONVERTERS } from '@changeover/cleaning';
import { ChangeoverError } from '@changeover/core';
import { tableSchemaHash, UNCHANGED, type Frame, type Line, type LogEntry, type TableSchema } from '@changeover/events';
import type { TableRule } from '@changeover/mapping';
import { LmdbStateStore } from '@changeover/state-lmdb';
import { codeOf } from '@changeover/testing';

import { DerivationThreads, derivationThreads } from '../../apps/transform/src/derivation-threads.js';
import {
  ACCOUNT_COLUMNS,
  accountRow,
  accountsFor,
  CONTACT_COLUMNS,
  contactRow,
  expectedOf,
  type TextRow,
} from '../../bench/src/first-copy/contact-rows.js';
import { CONTACT_RULES } from '../../bench/src/first-copy/contact-rules.js';
import { LINE_AT } from '../../libs/pipeline/src/mirror/mirror-value.js';
import { packEntries, unpackRows } from '../../libs/pipeline/src/transform/packed-entries.js';
import { DerivedTables } from '../../libs/pipeline/src/transform/derived-tables.js';
import { FirstDerivation, type FirstDerivationOptions } from '../../libs/pipeline/src/transform/first-derivation.js';
import { SnapshotDerivation } from '../../libs/pipeline/src/transform/snapshot-derivation.js';
import type { RangeSetup } from '../../libs/pipeline/src/transform/range-threads.js';
import { SourceTables } from '../../libs/pipeline/src/transform/source-tables.js';

const CONTACTS = 12_000;
/** A part of what is derived, so that commits come in between. */
const COMMIT_BYTES = 2_000_000;
const AT = { seq: 3, ts_ms: 7 };
const ENTRY = { header: { seq: 3 }, body: Buffer.alloc(0) } as unknown as LogEntry;

/** What a row of a frame adds to those that are there. */
const COUNTS: Readonly<Record<string, number>> = { c: 1, u: 0, d: -1 };

type Given = { readonly table: string; readonly op: Frame['op']; readonly rows: string };

function schemaOf(table: string, columns: readonly string[]): TableSchema {
  const form = {
    schema: 'public',
    table,
    columns: columns.map((name) => {
      return { name, type: 'text', typeOid: 25, typmod: -1, notNull: false, key: name === 'id', fill: 'none' as const };
    }),
    identity: 'key' as const,
  };
  return { ...form, hash: tableSchemaHash(form) };
}

const SCHEMAS = [schemaOf('accounts', ACCOUNT_COLUMNS), schemaOf('contacts', CONTACT_COLUMNS)];

/** With a function of its own, which threads know from the mapping alone, and which fails for some rows. */
const RULES = CONTACT_RULES.map((rule): TableRule => ({
  ...rule,
  columns: {
    ...rule.columns,
    own: {
      custom: 'own',
      fn: "(id) => { if (id.endsWith('7')) throw new RangeError(id); return id.toUpperCase(); }",
      inputs: [{ column: 'id' }],
      invalid: 'empty',
    },
  },
}));

function setupOf(tables: SourceTables): RangeSetup {
  return {
    migration: 'm',
    rules: RULES,
    tables: tables.told,
    partial: [],
    correctable: [],
    generation: 0,
  };
}

/** What should be there of a snapshot of them, derived in so many threads. */
async function expectedIn(threads: number): Promise<readonly string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'changeover-threads-'));
  try {
    await using state = await LmdbStateStore.open({ folder, name: 'm' });
    const derivation = new SnapshotDerivation({
      ...{ migration: 'm', mapping: { tables: {}, rules: RULES }, converters: CONVERTERS, tables: SCHEMAS },
      ...{ state, maxStateBytes: COMMIT_BYTES, startThreads: derivationThreads(threads) },
    });
    const lines = (count: number, rowOf: (number: number, keys: 'uuid') => TextRow): Buffer =>
      Buffer.from(Array.from({ length: count }, (_, number) => `${rowOf(number, 'uuid').join('\t')}\n`).join(''));
    const [accounts, contacts] = SCHEMAS as [TableSchema, TableSchema];
    await derivation.fill(accounts, lines(accountsFor(CONTACTS), accountRow));
    await derivation.fill(contacts, lines(CONTACTS, contactRow));
    await derivation.derive([], new AbortController().signal);
    const text = ({ bytes, start, end }: Line): string => bytes.toString('latin1', start, end);
    return [...derivation.targets.flatMap((target) => [...derivation.rows(target)]), ...derivation.held()].map(text);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** A state with accounts and contacts, of which nothing was derived yet. */
class Bed implements AsyncDisposable {
  readonly records: Given[][] = [];
  readonly #folder: string;
  readonly state: LmdbStateStore;
  readonly tables: SourceTables;

  private constructor(folder: string, state: LmdbStateStore, tables: SourceTables) {
    this.#folder = folder;
    this.state = state;
    this.tables = tables;
  }

  static async make(): Promise<Bed> {
    const folder = await mkdtemp(join(tmpdir(), 'changeover-threads-'));
    const state = await LmdbStateStore.open({ folder, name: 'm' });
    const tables = new SourceTables(state);
    const bed = new Bed(folder, state, tables);
    const [accounts, contacts] = SCHEMAS.map((schema, index) => tables.tell({ seq: index + 1, at: 0 }, schema));
    bed.#fill(accounts, accountsFor(CONTACTS), accountRow);
    bed.#fill(contacts, CONTACTS, contactRow);
    return bed;
  }

  #fill(form: ReturnType<SourceTables['tell']> | undefined, count: number, rowOf: (number: number, keys: 'uuid') => TextRow): void {
    if (form === undefined) return;
    const lines = Array.from({ length: count }, (_, number) => `${rowOf(number, 'uuid').join('\t')}\n`);
    const rows = Buffer.from(lines.join(''));
    form.table.mirror.overwrite({ op: 'c', before: 'none', partial: false, schemaSeq: 1, rowCount: count, rows }, form.place, 3);
    form.table.rows = count;
  }

  /** Derives everything; with `threads`, large tables in so many of them. */
  async derive(threads: number): Promise<void> {
    let frames: Given[] = [];
    const output = {
      begin: () => (frames = []),
      add: ({ op, rows }: Frame, { table }: TableSchema) => void frames.push({ table, op, rows: rows.toString() }),
      passBatch: () => void this.records.push(frames),
      get holdsFrames(): boolean {
        return frames.length > 0;
      },
    } as unknown as FirstDerivationOptions['output'];
    const { state, tables } = this;
    const derived = new DerivedTables({
      migration: 'm',
      rules: RULES,
      converters: CONVERTERS,
      tables,
      state,
      output,
      isCopied: () => false,
      correctable: new Set(),
    });
    await using first = new FirstDerivation({
      ...{ state, view: state, output, derived, tables: [], left: [], entry: ENTRY, at: AT, barriers: [] },
      queued: null as unknown as FirstDerivationOptions['queued'],
      targetOf: () => Promise.reject(new TypeError('nothing is queued')) as never,
      commit: () => state.commit(Buffer.from('place')),
      makeRoom: () => state.spill(),
      startThreads: threads === 0 ? undefined : () => new DerivationThreads(threads, { setup: setupOf(tables), location: state.location }),
      limits: { threadedRows: 1000 },
    });
    for (let done = await first.next(null, 0); !done.ended; done = await first.next(done.cursor, done.batch)) {
      if (state.pendingBytes < COMMIT_BYTES) continue;
      first.release();
      await state.commit(Buffer.from('place'));
    }
  }

  /** All entries, and members of all sets that rows of this test are in. */
  content(): unknown {
    const entries = [...this.state.entries(Buffer.alloc(0), null)].map(
      ({ key, value }) => `${key.toString('hex')}=${value.toString('hex')}`,
    );
    const sets = ['d', 'c', 'u', 'x'].flatMap((space) => {
      return Array.from({ length: accountsFor(CONTACTS) }, (_, number) => {
        const key = accountRow(number, 'uuid')[0] as string;
        return this.state.members(Buffer.concat([Buffer.from(space), Buffer.from([0, 0]), Buffer.from(key)]), null, 1000).map(String);
      });
    });
    return { entries, sets: sets.filter((members) => members.length > 0) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.state[Symbol.asyncDispose]();
    await rm(this.#folder, { recursive: true });
  }
}

describe('threads that derive', () => {
  it('come to the same records and the same state as one does alone, byte by byte', async () => {
    await using alone = await Bed.make();
    await alone.derive(0);
    await using shared = await Bed.make();
    await shared.derive(3);
    expect(shared.records.length).toBeGreaterThan(5);
    // Not by `toEqual`, which would take a minute to say how they differ.
    expect(shared.records.map((record) => JSON.stringify(record)).findIndex((text, at) => text !== JSON.stringify(alone.records[at]))).toBe(
      -1,
    );
    expect(shared.records).toHaveLength(alone.records.length);
    expect(JSON.stringify(shared.content()) === JSON.stringify(alone.content())).toBe(true);
    const rows = (table: string): number =>
      shared.records
        .flat()
        .reduce((sum, frame) => sum + (frame.table === table ? (COUNTS[frame.op] as number) * (frame.rows.split('\n').length - 1) : 0), 0);
    const { held, waiting } = expectedOf(CONTACTS);
    expect([rows('person'), rows('held')]).toEqual([CONTACTS - held - waiting, held + waiting]);
    const { sets } = shared.content() as { readonly sets: readonly string[][] };
    expect(sets.flat().length).toBeGreaterThan(CONTACTS);
  }, 120_000);

  it('say of a snapshot that the same should be there', async () => {
    const alone = await expectedIn(0);
    const shared = await expectedIn(3);
    expect(alone.length).toBeGreaterThan(CONTACTS);
    expect(shared.length).toBe(alone.length);
    expect(shared.findIndex((line, at) => line !== alone[at])).toBe(-1);
  }, 120_000);

  it('say with its code what is wrong with a row, and go on', async () => {
    await using bed = await Bed.make();
    await bed.state.commit(Buffer.from('place'));
    await using threads = new DerivationThreads(1, { setup: setupOf(bed.tables), location: bed.state.location });
    const [entry] = bed.state.entries(Buffer.from([0x6d, 0, 1]), null);
    const whole = entry?.value ?? Buffer.alloc(0);
    const [id, account] = whole.toString('latin1', LINE_AT).split('\t') as [string, string];
    const partial = Buffer.from(whole.toString('latin1').replace(`${id}\t${account}`, `${id}\t${UNCHANGED}`), 'latin1');
    const task = (value: Buffer): Parameters<DerivationThreads['derive']>[0] => {
      return { step: { what: 'derive', rule: 1 }, pieces: [packEntries([{ key: entry?.key ?? Buffer.alloc(0), value }])] };
    };
    const answers = [threads.derive(task(partial)), threads.derive(task(whole))] as const;
    await expect(answers[0]).rejects.toMatchObject({ code: 'SOURCE_DATA', facts: { table: 'public.contacts' } });
    const { evaluated } = await answers[1];
    expect(evaluated.map((rows) => unpackRows(rows).map(({ key }) => key))).toEqual([[id]]);
  });

  it('that end reject what waits for them, and what comes', async () => {
    const threads = new DerivationThreads(2, {
      setup: { ...setupOf(new SourceTables(null as never)), rules: [] },
      location: '/nonexistent/state',
    });
    const task = { step: { what: 'derive', rule: 0 }, pieces: [] } as const;
    expect(await codeOf(threads.derive(task))).toBe('INTERNAL');
    const error: unknown = await threads.derive(task).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ChangeoverError);
    await threads[Symbol.asyncDispose]();
  });
});
