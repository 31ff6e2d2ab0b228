// Prints what deriving a contact takes (after a build): µs a row by step, over a state in memory and over LMDB.
//   node scripts/bench-derivation.mjs [--rows N] [--keys uuid|ordered] [--state memory|lmdb|both] [--plain] [--profile N]
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
import { CONVERTERS } from '../libs/cleaning/dist/index.js';
import { compileRule } from '../libs/mapping/dist/index.js';
import { DerivationPlan } from '../libs/pipeline/dist/derive/derivation-plan.js';
import { Derivation } from '../libs/pipeline/dist/derive/derivation.js';
import { DeriveAll } from '../libs/pipeline/dist/derive/derive-all.js';
import { LmdbStateStore } from '../libs/state-lmdb/dist/index.js';
import { MemoryState } from './memory-state.mjs';

const { values: args } = parseArgs({
  options: {
    rows: { type: 'string', default: '100000' },
    keys: { type: 'string', default: 'ordered' },
    state: { type: 'string', default: 'both' },
    plain: { type: 'boolean', default: false },
    profile: { type: 'string', default: '0' },
  },
});
const CONTACTS = Number(args.rows);
const ACCOUNTS = accountsFor(CONTACTS);
const BATCH = 1000;
const COMMIT_BYTES = 16e6;
const SINGLES = Math.min(20_000, CONTACTS);

const tables = new Map([
  ['public.accounts', { columns: ACCOUNT_COLUMNS, key: ['id'] }],
  ['public.contacts', { columns: CONTACT_COLUMNS, key: ['id'] }],
]);
const same = Object.fromEntries(Object.keys(CONVERTERS).map((name) => [name, () => (text) => text]));
const rules = CONTACT_RULES.map((rule) => compileRule(rule, tables, args.plain ? same : CONVERTERS));
const plan = new DerivationPlan(rules, new Map([...tables.keys()].map((name, number) => [name, { number, key: [0] }])));
const [accounts, contacts] = [...tables.keys()].map((name) => plan.table(name));

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
  const derivation = new Derivation(plan, state);
  let committing = Promise.resolve();
  /** As transform does: when enough has come together, and one behind the other; nobody waits for it but the next one. */
  const commit = async (always = false) => {
    if (!always && state.pendingBytes < COMMIT_BYTES) return;
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

  await timed('rows into the mirror', CONTACTS + ACCOUNTS, async () => {
    for (let number = 0; number < ACCOUNTS; number++) {
      const row = accountRow(number, args.keys);
      derivation.mirror.set(accounts, row[0], row);
    }
    for (let number = 0; number < CONTACTS; number++) {
      const row = contactRow(number, args.keys);
      derivation.mirror.set(contacts, row[0], row);
      if (number % BATCH === 0) await commit();
    }
  });

  const all = new DeriveAll({ plan, state, derivation });
  let cursor = null;
  for (let index = 0; index < all.tables.length; index++) {
    const rows = all.tables[index] === 'public.contacts' ? CONTACTS : ACCOUNTS;
    const what = index === 0 ? 'all contacts: which unique values they want' : `all of ${all.tables[index]}: derive`;
    await timed(what, rows, async () => {
      do {
        const { next } = all.next(cursor, BATCH);
        if (state.pendingBytes >= COMMIT_BYTES) all.release();
        await commit();
        cursor = next;
      } while (cursor !== null && cursor.step === index);
    });
  }

  const change = (number, round) => {
    const before = derivation.mirror.get(contacts, contactRow(number, args.keys)[0]);
    const after = before.with(5, `030 / ${String(30_000_000 + number + round)}`).with(12, `City ${round}`);
    derivation.mirror.set(contacts, after[0], after);
    return { table: contacts, key: after[0], before, after };
  };
  await timed('changes, 1000 a transaction', CONTACTS, async () => {
    for (let first = 0; first < CONTACTS; first += BATCH) {
      const numbers = Array.from({ length: Math.min(BATCH, CONTACTS - first) }, (_, index) => first + index);
      derivation.derive(numbers.map((number) => change(number, 1)));
      await commit();
    }
  });
  await timed('changes, one a transaction', SINGLES, async () => {
    for (let index = 0; index < SINGLES; index++) {
      derivation.derive([change((index * 7919) % CONTACTS, 2)]);
      if (index % BATCH === 0) await commit();
    }
  });
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
