// Prints what `changeover verify --touched` takes beside a large table (after a build): contacts as `npm run bench -- first-copy` makes them are loaded over the embedded
// log and verified whole; then in each round some of them, spread over the table, are changed, and those are compared.
//   node scripts/bench-touched.mjs [--rows N] [--changes N] [--rounds N]
import { writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { generateTable } from '../bench/dist/first-copy/generated-table.js';
import { fillWith } from '../bench/dist/first-copy/target-database.js';
import { spreadText, table } from '../bench/dist/markdown.js';
import { spread } from '../bench/dist/statistics.js';
import { changeoverCommand, connectTo, ServiceProcess, Stage, untilFollowed, waitForBarrier } from '../examples/crm/dist/index.js';
import { invariant, SystemClock } from '../libs/core/dist/index.js';

const { values: args } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    changes: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '5' },
  },
});
const [ROWS, CHANGES, ROUNDS] = [args.rows, args.changes, args.rounds].map(Number);
const FIRST_LOAD_MS = 3_600_000;

const clock = new SystemClock();
const stop = new AbortController();
process.once('SIGINT', () => stop.abort());

const stage = await Stage.open({ broker: 'none' });
try {
  const { sourceUrl, tables, changeover } = await generateTable(stage, { rows: ROWS, keys: 'ordered', mapping: 'cleaned' });
  const mapping = join(stage.directory, 'touched-mapping.json');
  await writeFile(mapping, JSON.stringify(changeover.mapping));
  const { settingsFile, targetUrl } = await stage.addMigration({ id: 'touched', log: 'embedded', mapping, sourceUrl, tables });
  await fillWith(targetUrl, changeover.ddl);
  const up = await ServiceProcess.start({ service: 'up', settingsFile, logFile: stage.logFile('up'), clock });
  try {
    await Promise.race([measure(sourceUrl, settingsFile), up.failure()]);
  } finally {
    await up[Symbol.asyncDispose]();
  }
} finally {
  await stage[Symbol.asyncDispose]();
}

async function measure(sourceUrl, settingsFile) {
  await untilFollowed(sourceUrl, clock, stop.signal);
  await waitForBarrier({ settingsFile, clock, signal: stop.signal, timeoutMs: FIRST_LOAD_MS });
  const verify = async (...more) => {
    const began = clock.monotonic();
    // Exit code 0, or it throws: all rows were equal.
    const report = JSON.parse(await changeoverCommand(['verify', '--json', ...more], { settingsFile, signal: stop.signal }));
    const figures = { ...report, wallSeconds: (clock.monotonic() - began) / 1000, load: loadavg()[0] ?? 0 };
    console.log(
      `verify ${more.join(' ')}: ${figures.wallSeconds.toFixed(1)} s, load held for ${report.heldMs.toFixed(0)} ms (load ${figures.load.toFixed(1)})`,
    );
    return figures;
  };
  const whole = await verify();
  const touched = [];
  const source = await connectTo(sourceUrl);
  for (let round = 1; round <= ROUNDS; round++) {
    const { rowCount } = await source.query(
      `UPDATE contacts SET city = 'round ' || $1::int, remark = remark || '.' WHERE id IN (SELECT 1000000000 + (n * $2::bigint + $1 * 7) % $3::bigint FROM generate_series(0, $4::int - 1) n)`,
      [round, Math.floor(ROWS / CHANGES), ROWS, CHANGES],
    );
    invariant(rowCount === CHANGES, `${rowCount} rows were changed`);
    await waitForBarrier({ settingsFile, clock, signal: stop.signal, timeoutMs: FIRST_LOAD_MS });
    const figures = await verify('--touched');
    invariant(figures.chosen >= CHANGES, `only ${figures.chosen} rows were chosen`);
    touched.push(figures);
  }
  await source.end();
  const cells = (of, digits) => [spreadText(spread([of(whole)]), digits), spreadText(spread(touched.map(of)), digits)];
  const lines = table([
    [`${ROWS.toLocaleString('en-US')} contacts`, '`verify`', '`verify --touched`'],
    ['the command, s', ...cells(({ wallSeconds }) => wallSeconds, 1)],
    ['of it comparing, s', ...cells(({ seconds }) => seconds, 1)],
    ['load held, ms', ...cells(({ heldMs }) => heldMs, 0)],
    ['load of the machine', ...cells(({ load }) => load, 1)],
  ]);
  console.log(`\n${lines.join('\n')}\n\n${CHANGES} rows changed before each of ${ROUNDS} rounds: median (minimum – maximum)`);
}
