import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';

import pg from 'pg';

import { POSTGRES_MAJORS } from './choose-service.js';
import { startPostgres } from './postgres.js';
import { reachableTemporaryPlace, serverUser } from './server-user.js';

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows.map((row) => Object.values(row)[0]);
  } finally {
    await client.end();
  }
}

describe('startPostgres', () => {
  it.each(POSTGRES_MAJORS)('gives PostgreSQL %i with logical decoding', async (major) => {
    await using server = await startPostgres({ major, own: true });
    expect(Number(await query(server.url, "select current_setting('server_version_num')::int / 10000").then(([it]) => it))).toBe(major);
    expect(await query(server.url, 'show wal_level')).toEqual(['logical']);
    expect(await query(server.url, "select pg_create_logical_replication_slot('s', 'pgoutput') is not null")).toEqual([true]);
  });

  it('keeps what was committed over kill and restart, and its address', async () => {
    await using server = await startPostgres({ own: true });
    await query(server.url, 'create table t as select 1 as n');
    await server.kill();
    await expect(query(server.url, 'select 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await server.restart();
    expect(await query(server.url, 'select n from t')).toEqual([1]);
  });

  it('takes settings, and refuses a wrong password', async () => {
    await using server = await startPostgres({ settings: { max_slot_wal_keep_size: '64MB' } });
    expect(await query(server.url, 'show max_slot_wal_keep_size')).toEqual(['64MB']);
    const wrong = new URL(server.url);
    wrong.password = 'wrong';
    await expect(query(wrong.href, 'select 1')).rejects.toMatchObject({ code: '28P01' });
  });

  it('goes on in a named data directory', async () => {
    const place = await mkdtemp(join(await reachableTemporaryPlace(await serverUser()), 'changeover-spec-'));
    await chmod(place, 0o755);
    try {
      {
        await using first = await startPostgres({ dataDir: join(place, 'pg') });
        await query(first.url, 'create table t as select 2 as n');
      }
      await using second = await startPostgres({ dataDir: join(place, 'pg') });
      expect(await query(second.url, 'select n from t')).toEqual([2]);
    } finally {
      await rm(place, { recursive: true });
    }
  });

  it('says so when a setting keeps it from starting', async () => {
    await expect(startPostgres({ settings: { no_such_setting: '1' } })).rejects.toMatchObject({
      code: 'SERVICE_MISSING',
      message: expect.stringContaining('no_such_setting') as string,
    });
  });

  it('ends with the process that started it, however that ends', async () => {
    const script = `
      const { startPostgres } = await import(${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)});
      const server = await startPostgres({ own: true });
      console.log(server.pid, server.origin);
      setInterval(() => undefined, 1000);`;
    const owner = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const line = await new Promise<string>((resolve) =>
      owner.stdout.once('data', (chunk: Buffer) => {
        resolve(String(chunk));
      }),
    );
    const [pid, origin] = line.trim().split(' ');
    owner.kill('SIGKILL');
    if (origin !== 'embedded') return;
    expect(Number(pid)).toBeGreaterThan(1);
    // The guard needs a moment; the test's time-out is the bound.
    while (isAlive(Number(pid))) await new Promise((resolve) => setTimeout(resolve, 20));
  });
});

function isAlive(pid: number): boolean {
  // A zombie, which a container without init never reaps, has no executable any more.
  if (process.platform === 'linux') return existsSync(`/proc/${String(pid)}/exe`);
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
