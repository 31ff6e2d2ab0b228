// Prints what `changeover analyze` takes of the demo's old CRM (after a build): time, CPU and memory of its process, and what it puts on the disk meanwhile.
//   node scripts/bench-analyze.mjs [--rows N] [--propose FILE]
// `--rows`: about how many in all tables together. `--propose`: keep the proposed mapping.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import {
  connectTo,
  createDatabase,
  createLegacyIndexes,
  createLegacyTables,
  createModernTables,
  fillLegacyTables,
} from '../examples/crm/dist/index.js';
import { startPostgres } from '../libs/local-services/dist/index.js';

const { values: args } = parseArgs({ options: { rows: { type: 'string', default: '1000000' }, propose: { type: 'string' } } });
const BIN = fileURLToPath(new URL('../apps/cli/bin/changeover.mjs', import.meta.url));
const LOOK_MS = 200;

const folder = await mkdtemp(join(tmpdir(), 'changeover-bench-analyze-'));
const server = await startPostgres({ major: 18 });
try {
  const [source, target] = [await createDatabase(server.url, 'old'), await createDatabase(server.url, 'new')];
  await within(source, async (client) => {
    await createLegacyTables(client);
    await fillLegacyTables(client, { seed: 7, rows: Number(args.rows) });
    await createLegacyIndexes(client);
  });
  await within(target, createModernTables);
  const settings = {
    migration: 'bench',
    source: { type: 'postgres', url: source },
    target: { type: 'postgres', url: target },
    mapping: './mapping.ts',
  };
  await writeFile(join(folder, 'changeover.json'), JSON.stringify(settings));
  const load = loadavg()[0] ?? 0;
  const began = performance.now();
  const options = args.propose === undefined ? [] : ['--propose', args.propose, '--force'];
  const child = spawn(process.execPath, [BIN, 'analyze', '--json', '-c', join(folder, 'changeover.json'), ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const out = [];
  child.stdout.on('data', (piece) => out.push(piece));
  const most = { memory: 0, disk: 0, cpu: 0 };
  const looking = setInterval(() => void look(child.pid, most), LOOK_MS);
  const [code] = await once(child, 'close');
  clearInterval(looking);
  if (code !== 0) throw new Error(`changeover analyze ended with ${code}`);
  const seconds = (performance.now() - began) / 1000;
  const report = JSON.parse(Buffer.concat(out).toString());
  const columns = report.tables.reduce((sum, table) => sum + table.columns.length, 0);
  console.log(
    `${report.readRows} rows of ${report.tables.length} tables, ${columns} columns; load of the machine before: ${load.toFixed(1)}\n`,
  );
  console.log(
    '| seconds in all | of them reading | rows/s | CPU, seconds | memory at most, MB | disk at most, MB | references | personal columns |',
  );
  console.log('|---|---|---|---|---|---|---|---|');
  const cells = [
    seconds.toFixed(1),
    report.readSeconds.toFixed(1),
    (report.readRows / seconds).toFixed(0),
    most.cpu.toFixed(1),
    (most.memory / 2 ** 20).toFixed(0),
    (most.disk / 2 ** 20).toFixed(0),
    report.references.length,
    report.personal.length,
  ];
  console.log(`| ${cells.join(' | ')} |`);
} finally {
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
}

async function within(url, work) {
  const client = await connectTo(url);
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

/** As Linux counts them. */
async function look(pid, most) {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    most.memory = Math.max(most.memory, Number(/RssAnon:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024);
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    most.cpu = (Number(fields[11]) + Number(fields[12])) / 100;
    let disk = 0;
    for (const name of await readdir(join(folder, '.changeover'), { recursive: true }))
      disk += (await stat(join(folder, '.changeover', name)).catch(() => ({ size: 0 }))).size;
    most.disk = Math.max(most.disk, disk);
  } catch {
    // It has ended, or has no folder yet.
  }
}
