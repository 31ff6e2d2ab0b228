// Prints how long `changeover explain` takes, start of its process included, where as many events were captured (after a build).
//   node scripts/bench-explain.mjs [--events N] [--asks N] [--kafka]
// Nine events in ten are rows of the first copy, one is an update that came later. Rows are asked for evenly over the table, every other one from the target's end.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { SystemClock } from '../libs/core/dist/index.js';
import { changeoverCommand, connectTo, ServiceProcess, Stage, untilFollowed, waitForBarrier } from '../examples/crm/dist/index.js';

const { values: args } = parseArgs({
  options: {
    events: { type: 'string', default: '1000000' },
    asks: { type: 'string', default: '200' },
    kafka: { type: 'boolean', default: false },
  },
});
const [EVENTS, ASKS] = [args.events, args.asks].map(Number);
const [CONTACTS, UPDATES, BATCH] = [EVENTS * 0.9, EVENTS * 0.1, 1000];
const ACCOUNTS = CONTACTS / 20;
const PATIENCE_MS = 1_200_000;

const SOURCE = [
  'CREATE TABLE account (id integer PRIMARY KEY, name text NOT NULL, kind text)',
  'CREATE TABLE contact (id integer PRIMARY KEY, account_id integer NOT NULL, email text, phone text, name text)',
  `INSERT INTO account SELECT n, 'Account ' || n, 'customer' FROM generate_series(1, ${ACCOUNTS}) n`,
  `INSERT INTO contact SELECT n, 1 + n % ${ACCOUNTS}, ' Person' || n || '@Example.com', '030 ' || 1000000 + n, 'Person ' || n FROM generate_series(1, ${CONTACTS}) n`,
];
const TARGET = [
  'CREATE TABLE company (id integer PRIMARY KEY, name text NOT NULL)',
  'CREATE TABLE person (id integer PRIMARY KEY, company_id integer NOT NULL REFERENCES company, email text UNIQUE, phone text, name text, kind text)',
];
const column = (name, of) => ({ column: name, ...(of !== undefined && { of }) });
const MAPPING = {
  rules: [
    { source: 'public.account', target: 'public.company', columns: { id: column('id'), name: column('name') }, key: ['id'] },
    {
      source: 'public.contact',
      target: 'public.person',
      joins: [{ as: 'firm', table: 'public.account', on: { id: column('account_id') } }],
      columns: {
        id: column('id'),
        company_id: column('account_id'),
        email: { convert: 'email', input: column('email'), invalid: 'held' },
        phone: { convert: 'phone', options: { country: 'DE' }, input: column('phone'), invalid: 'empty' },
        name: column('name'),
        kind: column('kind', 'firm'),
      },
      key: ['id'],
      requires: [{ parent: 'public.company', key: [column('account_id')] }],
      unique: [{ columns: ['email'], otherwise: 'empty' }],
    },
  ],
};

const clock = new SystemClock();
const stop = new AbortController();
process.once('SIGINT', () => stop.abort());

const folder = await mkdtemp(join(tmpdir(), 'changeover-explain-'));
const stage = await Stage.open({ broker: args.kafka ? 'any' : 'none' });
try {
  const mapping = join(folder, 'mapping.json');
  await writeFile(mapping, JSON.stringify(MAPPING));
  const migration = await stage.addMigration({ id: 'explain', log: args.kafka ? 'kafka' : 'embedded', mapping });
  await query(migration.sourceUrl, ...SOURCE);
  await query(migration.targetUrl, ...TARGET);
  const up = await ServiceProcess.start({ service: 'up', settingsFile: migration.settingsFile, logFile: stage.logFile('up'), clock });
  try {
    await Promise.race([measure(migration), up.failure()]);
  } finally {
    await up[Symbol.asyncDispose]();
  }
} finally {
  await stage[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
}

async function measure({ settingsFile, sourceUrl }) {
  const drained = () => waitForBarrier({ settingsFile, clock, signal: stop.signal, timeoutMs: PATIENCE_MS });
  await untilFollowed(sourceUrl, clock, stop.signal);
  await drained();
  for (let first = 1; first <= UPDATES; first += BATCH)
    await query(sourceUrl, `UPDATE contact SET name = name || '!' WHERE id BETWEEN ${first} AND ${first + BATCH - 1}`);
  await drained();
  console.log(`${CONTACTS} contacts, ${ACCOUNTS} accounts and ${UPDATES} updates are captured and written\n`);
  const took = [];
  for (let ask = 0; ask < ASKS && !stop.signal.aborted; ask++) {
    const key = String(1 + ((ask * 7919 * 101) % CONTACTS));
    const began = clock.monotonic();
    const said = await changeoverCommand(['explain', ask % 2 === 0 ? 'public.contact' : 'public.person', key, '--json'], {
      settingsFile,
      signal: stop.signal,
    });
    took.push(clock.monotonic() - began);
    if (!said.includes('"public.person"')) throw new Error(`contact ${key} is not explained: ${said}`);
  }
  took.sort((a, b) => a - b);
  const at = (share) => took[Math.min(took.length - 1, Math.floor(share * took.length))].toFixed(0);
  console.log(
    `${took.length} rows explained, each by a process of its own: ${at(0)} to ${at(1)} ms, p50 ${at(0.5)}, p95 ${at(0.95)} (bar 1000)`,
  );
}

async function query(url, ...statements) {
  const client = await connectTo(url);
  for (const statement of statements) await client.query(statement);
  await client.end();
}
