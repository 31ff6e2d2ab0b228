// Prints for how long `changeover verify` holds load beside users who commit at a steady rate (after a build).
//   node scripts/bench-hold.mjs [--rounds N] [--commits N] [--users N] [--pause SECONDS] [--kafka]
// `--commits`: a second, of all users together. `--pause`: between two verifications.
import { parseArgs } from 'node:util';

import { SystemClock } from '../libs/core/dist/index.js';
import { changeoverCommand, connectTo, ServiceProcess, Stage, untilFollowed, waitForBarrier } from '../examples/crm/dist/index.js';

const { values: args } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    commits: { type: 'string', default: '500' },
    users: { type: 'string', default: '10' },
    pause: { type: 'string', default: '3' },
    kafka: { type: 'boolean', default: false },
  },
});
const [ROUNDS, COMMITS, USERS, PAUSE_MS] = [args.rounds, args.commits, args.users, Number(args.pause) * 1000].map(Number);
const ROWS = 10_000;
const TABLE = 'CREATE TABLE contact (id integer PRIMARY KEY, name text NOT NULL, changes integer NOT NULL)';

const clock = new SystemClock();
const stop = new AbortController();
process.once('SIGINT', () => stop.abort());

const stage = await Stage.open({ broker: args.kafka ? 'any' : 'none' });
try {
  const migration = await stage.addMigration({ id: 'hold', log: args.kafka ? 'kafka' : 'embedded' });
  await query(migration.sourceUrl, TABLE, `INSERT INTO contact SELECT n, 'Contact ' || n, 0 FROM generate_series(1, ${ROWS}) n`);
  await query(migration.targetUrl, TABLE);
  const up = await ServiceProcess.start({ service: 'up', settingsFile: migration.settingsFile, logFile: stage.logFile('up'), clock });
  try {
    await Promise.race([measure(migration), up.failure()]);
  } finally {
    await up[Symbol.asyncDispose]();
  }
} finally {
  await stage[Symbol.asyncDispose]();
}

async function measure({ settingsFile, sourceUrl }) {
  await untilFollowed(sourceUrl, clock, stop.signal);
  await waitForBarrier({ settingsFile, clock, signal: stop.signal, timeoutMs: 120_000 });
  const over = new AbortController();
  let committed = 0;
  const users = Array.from({ length: USERS }, (_, user) => work(sourceUrl, user, over.signal, () => committed++));
  const held = [];
  let takes = 0;
  const began = clock.monotonic();
  for (let round = 1; round <= ROUNDS && !stop.signal.aborted; round++) {
    await clock.sleep(PAUSE_MS, stop.signal);
    const [before, at] = [committed, clock.monotonic()];
    // Exit code 0, or it throws: all rows were equal.
    const report = JSON.parse(await changeoverCommand(['verify', '--json'], { settingsFile, signal: stop.signal }));
    held.push(report.heldMs);
    takes += report.takes;
    const rate = ((committed - before) * 1000) / (clock.monotonic() - at);
    console.log(`${round}: held ${report.heldMs.toFixed(0)} ms, ${report.takes} snapshots, ${rate.toFixed(0)} commits/s meanwhile`);
  }
  const rate = (committed * 1000) / (clock.monotonic() - began);
  over.abort();
  await Promise.all(users);
  held.sort((a, b) => a - b);
  const at = (share) => held[Math.min(held.length - 1, Math.floor(share * held.length))].toFixed(0);
  console.log(`\n${held.length} verifications beside ${rate.toFixed(0)} commits/s, all equal; ${takes} snapshots`);
  console.log(`load was held for ${at(0)} to ${at(1)} ms, p50 ${at(0.5)}, p90 ${at(0.9)}`);
}

async function query(url, ...statements) {
  const client = await connectTo(url);
  for (const statement of statements) await client.query(statement);
  await client.end();
}

/** One user: a commit now and then, evenly; who is late does not make up for more than a second. */
async function work(url, user, signal, onCommit) {
  const client = await connectTo(url);
  const every = (1000 * USERS) / COMMITS;
  for (let due = clock.monotonic() + (every * user) / USERS; ; due = Math.max(due + every, clock.monotonic() - 1000)) {
    await clock.sleep(Math.max(0, due - clock.monotonic()), signal);
    if (signal.aborted) break;
    await client.query('UPDATE contact SET changes = changes + 1 WHERE id = $1', [1 + Math.floor(Math.random() * ROWS)]);
    onCommit();
  }
  await client.end();
}
