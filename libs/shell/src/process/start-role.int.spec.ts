import { ChangeoverError } from '@changeover/core';
import { openControl } from '@changeover/control-postgres';
import { testDatabase, type TestDatabase } from '@changeover/testing';
import { Module } from '@nestjs/common';

import { Log } from '../logging/log.js';
import { aborted } from './run-process.js';
import { startRole, type RoleParts, type RunningRole } from './start-role.js';

@Module({})
class EmptyModule {}

let database: TestDatabase;
let lines: string[];
const running: RunningRole[] = [];

beforeEach(async () => {
  database = await testDatabase();
  lines = [];
});

afterEach(async () => {
  for (const role of running.splice(0)) await role.stop();
  await database[Symbol.asyncDispose]();
});

/** A role whose loop waits for its end. */
const waiting = (overrides: Partial<RoleParts> = {}): RoleParts => ({
  module: EmptyModule,
  moves: { loop: { run: aborted } },
  stop: () => Promise.resolve(),
  ...overrides,
});

type Start = { readonly takeOver?: boolean; readonly url?: string; readonly signal?: AbortSignal; readonly parts?: RoleParts };

async function start({ takeOver = false, url = database.url, signal = new AbortController().signal, parts = waiting() }: Start = {}) {
  const log = Log.open({ level: 'info', migration: 'crm', role: 'cli', destination: { write: (line) => lines.push(line) } });
  const http = { host: '127.0.0.1', ports: { capture: 0, transform: 0, load: 0 } };
  const role = await startRole('capture', { migration: 'crm', control: { url }, http }, { log, signal, takeOver }, () => parts);
  running.push(role);
  return role;
}

async function health(): Promise<string | undefined> {
  await using control = await openControl({ url: database.url });
  return (await control.leases.statuses('crm'))[0]?.health;
}

test('a role has its lease while it runs, and lets it go when it stops; what it opened is closed behind its loop', async () => {
  const order: string[] = [];
  const run = async (signal: AbortSignal): Promise<void> => {
    await aborted(signal);
    order.push('loop');
  };
  const stop = (): Promise<void> => {
    order.push('parts');
    return Promise.resolve();
  };
  const role = await start({ parts: waiting({ moves: { loop: { run } }, stop }) });
  expect(role.status()).toMatchObject({ state: 'running' });
  expect(await health()).toBe('live');
  await Promise.all([role.stop(), role.stop()]);
  await role.done;
  expect(order).toEqual(['loop', 'parts']);
  expect(await health()).toBe('stopped');
});

test('a second one is refused at the first sign of life of the first', async () => {
  await start();
  await expect(start()).rejects.toMatchObject({ code: 'ALREADY_RUNNING' });
});

test('the lease of a process that died is waited out', async () => {
  const dead = await openControl({ url: database.url });
  const callbacks = { status: () => ({}) as never, onLost: () => undefined, onTrouble: () => undefined };
  const lease = await dead.leases.acquire(
    { migration: 'crm', role: 'capture', owner: '00000000-0000-4000-8000-000000000001', takeOver: false },
    callbacks,
  );
  // Whoever closes the database without the lease cannot renew it any more.
  await dead[Symbol.asyncDispose]();
  const role = await start();
  expect(role.status().state).toBe('running');
  await lease[Symbol.asyncDispose]();
});

test('a take-over ends the first with FENCED', async () => {
  const first = await start();
  await start({ takeOver: true });
  await expect(first.done).rejects.toMatchObject({ code: 'FENCED' });
});

test('an error of the loop that stops is what done tells; parts that cannot be composed leave nothing behind', async () => {
  const failing = { run: () => Promise.reject(new ChangeoverError('LOG_GAP', 'gap')) };
  const role = await start({ parts: waiting({ moves: { loop: failing } }) });
  await expect(role.done).rejects.toMatchObject({ code: 'LOG_GAP' });
  expect(role.status()).toMatchObject({ state: 'failed', lastError: 'LOG_GAP' });
  await role.stop();
  expect(await health()).toBe('stopped');
});

test('while the control database is away a start waits, and can be called off', async () => {
  const stop = new AbortController();
  const starting = start({ url: 'postgresql://nobody@127.0.0.1:1/none', signal: stop.signal });
  while (!lines.some((line) => line.includes('CONTROL_UNREACHABLE'))) await new Promise(setImmediate);
  stop.abort();
  await expect(starting).rejects.toMatchObject({ code: 'CONTROL_UNREACHABLE' });
});
