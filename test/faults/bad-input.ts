import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { ERROR_PAGES, type ErrorCode } from '@changeover/core';
import { connectTo, Stage, type LogType } from '@changeover/example-crm';
import { TcpProxy } from '@changeover/testing';

import { MigrationBed } from '../crash/migration-bed.js';
import type { RoleProcess } from '../crash/role-process.js';

const PEOPLE = 'CREATE TABLE people (id bigint PRIMARY KEY, name text)';

/** A process that ends as an operator wants it: exit code 1, one message with the code, what happened and the next step, and no secret. */
async function expectStopped(bed: MigrationBed, process: RoleProcess, codes: readonly ErrorCode[]): Promise<void> {
  expect(await bed.ended(process)).toEqual({ code: 1, signal: null });
  const [, code, message] = /^changeover: ([A-Z_]+): (.+)\n {2}(?:.+)\n$/su.exec(process.errors) ?? [];
  expect(codes).toContain(code);
  expect(message).not.toBe('');
  expect(process.errors.match(/^changeover: /gmu)).toHaveLength(1);
  expect(process.errors).toContain(ERROR_PAGES[code as ErrorCode].nextStep);
  expectNoSecret(bed, process);
}

/** A process that goes on trying says the same in its log. */
async function expectRetrying(bed: MigrationBed, process: RoleProcess, code: ErrorCode): Promise<void> {
  await bed.until(() => process.output.includes(`"code":"${code}"`), `${process.role} to say ${code}`);
  expect(process.output).toContain(JSON.stringify(ERROR_PAGES[code].nextStep).slice(1, -1));
  expect(process.exit).toBeUndefined();
  expectNoSecret(bed, process);
}

function expectNoSecret(bed: MigrationBed, process: RoleProcess): void {
  for (const url of [bed.migration.sourceUrl, bed.migration.targetUrl]) {
    const { password } = new URL(url);
    expect(process.errors + process.output).not.toContain(password);
  }
}

const withPassword = (url: string, password: string): string => Object.assign(new URL(url), { password }).href;

export function badInputTests(log: LogType): void {
  describe(`bad input, on the ${log} log`, () => {
    let stage: Stage;
    let count = 0;

    beforeAll(async () => {
      stage = await Stage.open({ broker: log === 'kafka' ? 'any' : 'none' });
    }, 120_000);
    afterAll(() => stage?.[Symbol.asyncDispose](), 60_000);

    async function open(mapping?: unknown): Promise<MigrationBed> {
      const id = `bad${String(++count)}_${log}_${String(process.pid)}`;
      const file = join(stage.directory, `${id}.mapping.json`);
      if (mapping !== undefined) await writeFile(file, JSON.stringify(mapping));
      const bed = await MigrationBed.open(stage, { id, log, ...(mapping === undefined ? {} : { mapping: file }) });
      await bed.source.query(PEOPLE);
      await bed.target.query(PEOPLE);
      return bed;
    }

    /** All three, with one row through. */
    async function openFlowing(): Promise<MigrationBed> {
      const bed = await open();
      await bed.startAll();
      await followed(bed);
      await bed.source.query(`INSERT INTO people VALUES (1, 'one')`);
      await bed.barrier();
      return bed;
    }

    const names = async (bed: MigrationBed): Promise<string[]> =>
      (await bed.target.query<{ name: string }>('SELECT name FROM people ORDER BY id')).rows.map(({ name }) => name);

    if (log === 'embedded') {
      it.each([
        ['source', 'capture', 'SOURCE_UNREACHABLE'],
        ['target', 'load', 'TARGET_UNREACHABLE'],
        ['log', 'capture', 'LOG_UNREACHABLE'],
      ] as const)(
        'an unreachable %s: %s says so and goes on trying, until it answers',
        async (section, role, code) => {
          await using bed = await open();
          const settings = (await bed.settings())[section] as { url: string };
          const url = new URL(settings.url);
          await using proxy = await TcpProxy.to(url.hostname, Number(url.port));
          proxy.refuse();
          await bed.changeSettings({ [section]: { ...settings, url: Object.assign(url, { host: proxy.address }).href } });
          await bed.startAll();
          await expectRetrying(bed, bed.process(role), code);
          proxy.accept();
          await followed(bed);
          await bed.source.query(`INSERT INTO people VALUES (1, 'one')`);
          await bed.barrier();
          expect(await names(bed)).toEqual(['one']);
        },
        60_000,
      );

      it.each([
        ['source', 'capture', 'SOURCE_DENIED'],
        ['target', 'load', 'TARGET_DENIED'],
        ['log', 'capture', 'LOG_DENIED'],
        ['control', 'transform', 'CONTROL_DENIED'],
      ] as const)('a wrong password of the %s stops %s as %s', async (section, role, code) => {
        await using bed = await open();
        const settings = (await bed.settings())[section] as { url: string };
        await bed.changeSettings({ [section]: { ...settings, url: withPassword(settings.url, 'not-the-password') } });
        const process = await bed.start(role);
        await expectStopped(bed, process, [code]);
        expect(process.errors + process.output).not.toContain('not-the-password');
        await expectUntouched(bed);
      });

      it('a source user without the privilege to replicate stops capture, and leaves nothing half done', async () => {
        await using bed = await open();
        await using server = await connectTo(bed.migration.sourceUrl);
        await server.query(`CREATE ROLE weak_source LOGIN PASSWORD 'weak'`);
        const settings = (await bed.settings())['source'] as { url: string };
        await bed.changeSettings({
          source: { ...settings, url: Object.assign(new URL(settings.url), { username: 'weak_source', password: 'weak' }).href },
        });
        await expectStopped(bed, await bed.start('capture'), ['SOURCE_DENIED', 'SOURCE_NOT_READY']);
        await expectUntouched(bed);
      });

      it('a target user who may not write stops load, and leaves nothing half done', async () => {
        await using bed = await open();
        await using server = await connectTo(bed.migration.targetUrl);
        await server.query(`CREATE ROLE weak_target LOGIN PASSWORD 'weak'`);
        const settings = (await bed.settings())['target'] as { url: string };
        await bed.changeSettings({
          target: { ...settings, url: Object.assign(new URL(settings.url), { username: 'weak_target', password: 'weak' }).href },
        });
        await expectStopped(bed, await bed.start('load'), ['TARGET_DENIED']);
        await expectUntouched(bed);
      });

      it('a mapping that names a column that the source does not have stops before the first row', async () => {
        await using bed = await open({ tables: { 'public.people': { columns: { nickname: 'name' } } } });
        await bed.startAll();
        await followed(bed);
        await bed.source.query(`INSERT INTO people VALUES (1, 'one')`);
        await expectStopped(bed, bed.process('transform'), ['SCHEMA_NEEDS_MAPPING', 'MAPPING_INVALID']);
        expect(bed.process('transform').errors).toContain('nickname');
        expect(await names(bed)).toEqual([]);
      }, 60_000);

      it('a mapping that names a column that the target does not have stops before the first row', async () => {
        await using bed = await open({ tables: { 'public.people': { columns: { name: 'full_name' } } } });
        await bed.startAll();
        await followed(bed);
        await bed.source.query(`INSERT INTO people VALUES (1, 'one')`);
        await expectStopped(bed, bed.process('load'), ['TARGET_CHANGED', 'MAPPING_INVALID']);
        expect(bed.process('load').errors).toContain('full_name');
        expect(await names(bed)).toEqual([]);
      }, 60_000);

      it('a second process of a role refuses to start while the first is alive, and does not disturb it', async () => {
        await using bed = await openFlowing();
        for (const role of ['capture', 'transform', 'load'] as const) {
          const first = bed.process(role);
          const second = await bed.startBeside(role);
          await expectStopped(bed, second, ['ALREADY_RUNNING']);
          expect(first.exit).toBeUndefined();
        }
        await bed.source.query(`INSERT INTO people VALUES (2, 'two')`);
        await bed.barrier();
        expect(await names(bed)).toEqual(['one', 'two']);
      }, 60_000);

      it('a slot that vanished, while capture is away or at work, stops it as SOURCE_LOST', async () => {
        await using bed = await openFlowing();
        const slot = await dropSlot(bed);
        await expectStopped(bed, bed.process('capture'), ['SOURCE_LOST']);
        await expectStopped(bed, await bed.start('capture'), ['SOURCE_LOST']);
        // What was captured is kept, and no other slot was made over the gap.
        expect(await names(bed)).toEqual(['one']);
        expect((await bed.source.query('SELECT FROM pg_replication_slots WHERE slot_name = $1', [slot])).rowCount).toBe(0);
      }, 60_000);
    }

    it('deleted streams stop whoever used them, at work or at the next start, as LOG_MISSING', async () => {
      await using bed = await openFlowing();
      const working = (['capture', 'transform', 'load'] as const).map((role) => bed.process(role));
      await bed.deleteStream(bed.changes);
      await bed.deleteStream(bed.writes);
      await bed.source.query(`INSERT INTO people VALUES (2, 'two')`).catch(() => undefined);
      for (const process of working) await expectStopped(bed, process, ['LOG_MISSING']);
      await expectStopped(bed, await bed.start('capture'), ['LOG_MISSING']);
      await expectStopped(bed, await bed.start('load'), ['LOG_MISSING']);
      expect(await names(bed)).toEqual(['one']);
    }, 90_000);

    it.each([
      ['changes', 'capture', ['LOG_BEHIND_SOURCE']],
      ['changes', 'transform', ['LOG_RECREATED', 'LOG_TRUNCATED']],
      ['writes', 'load', ['LOG_RECREATED', 'LOG_TRUNCATED']],
    ] as const)(
      '%s deleted and created again stops %s',
      async (which, role, codes) => {
        await using bed = await openFlowing();
        for (const each of ['capture', 'transform', 'load'] as const) await bed.process(each).stop();
        await bed.deleteStream(bed[which]);
        await bed.createStream(bed[which]);
        await expectStopped(bed, await bed.start(role), codes);
        expect(await names(bed)).toEqual(['one']);
      },
      60_000,
    );
  });
}

async function followed(bed: MigrationBed): Promise<void> {
  await bed.until(
    async () => (await bed.source.query('SELECT FROM pg_replication_slots WHERE database = current_database() AND active')).rowCount === 1,
    'capture to stream',
  );
}

/** Nothing of ours at either side. */
async function expectUntouched(bed: MigrationBed): Promise<void> {
  expect((await bed.source.query('SELECT FROM pg_replication_slots WHERE database = current_database()')).rowCount).toBe(0);
  expect((await bed.source.query('SELECT FROM pg_publication')).rowCount).toBe(0);
  expect((await bed.target.query(`SELECT FROM pg_namespace WHERE nspname = 'changeover'`)).rowCount).toBe(0);
}

/** As an administrator in a hurry: the session that streams is ended, and the slot dropped before another can take it. */
async function dropSlot(bed: MigrationBed): Promise<string> {
  const { rows } = await bed.source.query<{ slot: string }>(
    `SELECT slot_name AS slot FROM pg_replication_slots WHERE database = current_database()`,
  );
  const slot = rows[0]?.slot ?? '';
  for (;;) {
    await bed.source.query('SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = $1 AND active', [slot]);
    try {
      await bed.source.query('SELECT pg_drop_replication_slot($1)', [slot]);
      return slot;
    } catch {
      // It was still, or again, in use.
    }
  }
}
