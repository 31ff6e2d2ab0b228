// Prints what deriving a contact takes (after a build): µs a row by step, over a state in memory and over LMDB; `--threads`: in so many beside ours (LMDB alone).
//   node scripts/bench-derivation.mjs [--rows N] [--keys uuid|ordered] [--state memory|lmdb|both] [--threads N] [--plain] [--profile N]
// `--plain`: converters that convert nothing, so that what is left is the derivation's own. `--profile`: of each step, the N files with the most time of their own.
import { readFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { selfTimes } from '../bench/dist/cpu-profile.js';
import { ACCOUNT_COLUMNS, accountRow, accountsFor, CONTACT_COLUMNS, contactRow } from '../bench/dist/first-copy/contact-rows.js';
import { CONTACT_RULES } from '../bench/dist/first-copy/contact-rules.js';
import { DerivationThreads } from '../apps/transform/dist/derivation-threads.js';
import { CONVERTERS } from '../libs/cleaning/dist/index.js';
import { tableSchemaHash } from '../libs/events/dist/index.js';
import { DerivedTables } from '../libs/pipeline/dist/transform/derived-tables.js';
import { FirstDerivation } from '../libs/pipeline/dist/transform/first-derivation.js';
import { SourceTables } from '../libs/pipeline/dist/transform/source-tables.js';
import { LmdbStateStore } from '../libs/state-lmdb/dist/index.js';
import { MemoryState } from './memory-state.mjs';

const { values: args } = parseArgs({
  options: {
    rows: { type: 'string', default: '100000' },
    keys: { type: 'string', default: 'ordered' },
    state: { type: 'string', default: 'both' },
    threads: { type: 'string', default: '0' },
    plain: { type: 'boolean', default: false },
    profile: { type: 'string', default: '0' },
  },
});
const CONTACTS = Number(args.rows);
const ACCOUNTS = accountsFor(CONTACTS);
const BATCH = 1000;
const COMMIT_BYTES = 8e6;
const THREADS = Number(args.threads);
const SINGLES = Math.min(20_000, CONTACTS);

const same = Object.fromEntries(Object.keys(CONVERTERS).map((name) => [name, () => (text) => text]));
const converters = args.plain ? same : CONVERTERS;

/** Takes the place of what transform writes. */
class Counted {
  rows = 0;
  bytes = 0;
  holdsFrames = true;
  begin() {}
  passBatch() {}
  add({ rows, rowCount }) {
    this.rows += rowCount;
    this.bytes += rows.length;
  }
}

console.log(`${CONTACTS} contacts, ${ACCOUNTS} accounts, keys ${args.keys}${args.plain ? ', converters that convert nothing' : ''}\n`);
console.log('| state | step | rows | µs a row: time | CPU of the process | of its main thread |');
console.log('|---|---|---|---|---|---|');
for (const name of args.state === 'both' ? ['memory', 'lmdb'] : [args.state]) await measure(name);

async function measure(name) {
  const folder = await mkdtemp(join(tmpdir(), 'changeover-derivation-'));
  const state = name === 'memory' ? new MemoryState() : await LmdbStateStore.open({ folder, name: 'bench' });
  try {
    await steps(name, state);
  } finally {
    await state[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  }
}

async function steps(name, state) {
  const tables = new SourceTables(state);
  const accounts = tables.tell({ seq: 1, at: 0 }, schemaOf('accounts', ACCOUNT_COLUMNS));
  const contacts = tables.tell({ seq: 2, at: 0 }, schemaOf('contacts', CONTACT_COLUMNS));
  const output = new Counted();
  const correctable = new Set(['accounts', 'contacts'].map((table) => `public.${table}`));
  const derived = new DerivedTables({
    migration: 'bench',
    rules: CONTACT_RULES,
    converters,
    tables,
    state,
    output,
    isCopied: () => false,
    correctable,
  });
  const at = { seq: 3, ts_ms: 0 };

  let committing = Promise.resolve();
  /** As transform does: when enough has come together, and one behind the other; nobody waits for it but the next one. */
  const commit = async (always = false, before = () => undefined) => {
    if (!always && state.pendingBytes < COMMIT_BYTES) return;
    before();
    await committing;
    committing = state.commit(Buffer.from('place'));
    if (always) await committing;
  };
  const timed = async (step, rows, work) => {
    const profile = await profiled();
    const before = usage();
    await work();
    await commit(true);
    const perRow = usage().map((micros, index) => ((micros - before[index]) / rows).toFixed(2));
    console.log(`| ${[name, step, rows, ...perRow].join(' | ')} |`);
    for (const { where, micros } of await profile()) console.log(`|  |   ${where} |  |  |  | ${(micros / rows).toFixed(2)} |`);
  };

  const fill = async ({ table, place }, row, rows) => {
    table.rows = rows;
    for (let first = 0; first < rows; first += BATCH) {
      table.mirror.overwrite(
        frameOf(
          'c',
          'none',
          numbers(first, rows).map((number) => row(number, args.keys)),
        ),
        place,
        3,
      );
      await commit();
    }
  };
  await timed('rows into the mirror', CONTACTS + ACCOUNTS, async () => {
    await fill(accounts, accountRow, ACCOUNTS);
    await fill(contacts, contactRow, CONTACTS);
  });

  const entry = { header: { seq: 3 }, body: Buffer.alloc(0) };
  const setup = {
    migration: 'bench',
    rules: CONTACT_RULES,
    tables: tables.told,
    partial: [],
    correctable: [...correctable],
    generation: 0,
  };
  const first = new FirstDerivation({
    ...{ state, view: state, output, derived, tables: [], left: [], queued: null, entry, at, barriers: [] },
    ...{ commit: () => commit(true), makeRoom: () => committing },
    ...(THREADS > 0 && { startThreads: () => new DerivationThreads(THREADS, { setup, location: state.location }) }),
    limits: {},
  });
  let cursor = null;
  const stepsOfAll = [
    ['all accounts: derived', ACCOUNTS],
    ['all contacts: derived', CONTACTS],
  ];
  for (const [index, [what, rows]] of stepsOfAll.entries()) {
    await timed(what, rows, async () => {
      do {
        ({ cursor } = await first.next(cursor, 0));
        await commit(false, () => first.release());
      } while (cursor.step === index);
    });
  }

  await first[Symbol.asyncDispose]();

  const change = (numbers, round) => {
    const rows = numbers.flatMap((number) => {
      const row = contactRow(number, args.keys);
      return [row.with(5, `030 / ${String(30_000_000 + number + round)}`).with(12, `City ${round}`)];
    });
    const { table, place } = contacts;
    table.mirror.layer(frameOf('u', 'none', rows), place, 4 + round, (...told) => derived.touch(table.name, ...told));
    Array.from(derived.derive(at, false));
  };
  await timed('changes, 1000 a transaction', CONTACTS, async () => {
    for (let begin = 0; begin < CONTACTS; begin += BATCH) {
      change(numbers(begin, CONTACTS), 1);
      await commit();
    }
  });
  await timed('changes, one a transaction', SINGLES, async () => {
    for (let index = 0; index < SINGLES; index++) {
      change([(index * 7919) % CONTACTS], 2);
      if (index % BATCH === 0) await commit();
    }
  });
  console.log(`| ${name} | B a row given | ${output.rows} | ${(output.bytes / output.rows).toFixed(0)} |  |  |`);
}

/** The numbers of a batch's rows. */
function numbers(first, rows) {
  return Array.from({ length: Math.min(BATCH, rows - first) }, (_, index) => first + index);
}

function schemaOf(table, columns) {
  const form = {
    schema: 'public',
    table,
    columns: columns.map((name) => ({ name, type: 'text', typeOid: 25, typmod: -1, notNull: false, key: name === 'id', fill: 'none' })),
    identity: 'default',
  };
  return { ...form, hash: tableSchemaHash(form) };
}

function frameOf(op, before, rows) {
  return {
    op,
    before,
    partial: false,
    schemaSeq: 1,
    rowCount: rows.length,
    rows: Buffer.from(rows.map((row) => `${row.join('\t')}\n`).join('')),
  };
}

/** Microseconds: of time, of CPU in all threads (the garbage collector's too), of CPU in ours (to 10 ms). */
function usage() {
  const { user, system } = process.cpuUsage();
  const stat = readFileSync(`/proc/self/task/${process.pid}/stat`, 'utf8');
  const [utime, stime] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13);
  return [performance.now() * 1000, user + system, (Number(utime) + Number(stime)) * 10_000];
}

/** Begins to profile, where it was asked for; ends with the places that took most. */
async function profiled() {
  if (Number(args.profile) === 0) return async () => [];
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.start');
  return async () => {
    const { profile } = await session.post('Profiler.stop');
    session.disconnect();
    return selfTimes(profile).slice(0, Number(args.profile));
  };
}
