import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { ChangeoverError, noCrash, RandomIdSource, SystemClock, type CrashPointName } from '@changeover/core';
import { openControl, type ControlDatabase, type RequestKind } from '@changeover/control-postgres';
import type { EventLog, MessageStore } from '@changeover/events';
import { connectTo, type LogType, type Stage, type StagedMigration } from '@changeover/example-crm';
import { createLog, readSettings } from '@changeover/shell';
import kafkajs from 'kafkajs';
import type pg from 'pg';

import { RoleProcess, ROLES, type Role } from './role-process.js';

const BARRIER_MS = 60_000;
const LOOK_AGAIN_MS = 10;

/** One migration with its three processes, and what a test does to them. Closing it ends every process it ever started. */
export class MigrationBed implements AsyncDisposable {
  readonly stage: Stage;
  readonly migration: StagedMigration;
  readonly source: pg.Client;
  target: pg.Client;
  readonly log: EventLog;
  readonly #store: MessageStore;
  readonly #control: ControlDatabase;
  readonly #current = new Map<Role, RoleProcess>();
  readonly #all: RoleProcess[] = [];

  private constructor(
    parts: Pick<MigrationBed, 'stage' | 'migration' | 'source' | 'target' | 'log'> & {
      readonly store: MessageStore;
      readonly control: ControlDatabase;
    },
  ) {
    this.stage = parts.stage;
    this.migration = parts.migration;
    this.source = parts.source;
    this.target = parts.target;
    this.log = parts.log;
    this.#store = parts.store;
    this.#control = parts.control;
  }

  static async open(
    stage: Stage,
    options: { readonly id: string; readonly log: LogType; readonly mapping?: string },
  ): Promise<MigrationBed> {
    const migration = await stage.addMigration(options);
    // So that a few MB are more than a process takes in at once.
    await changeSettings(migration.settingsFile, { limits: { readAheadBytes: '1MB' } });
    const { settings } = await readSettings('load', { file: migration.settingsFile });
    const clock = new SystemClock();
    const { log, store } = await createLog(settings.log, {
      migration: options.id,
      limits: settings.limits,
      clock,
      ids: new RandomIdSource(),
      crashPoint: noCrash,
    });
    return new MigrationBed({
      stage,
      migration,
      source: await connectTo(migration.sourceUrl),
      target: await connectTo(migration.targetUrl),
      log,
      store,
      control: await openControl({ url: settings.control.url }),
    });
  }

  get changes(): string {
    return `${this.migration.id}.changes`;
  }

  get writes(): string {
    return `${this.migration.id}.writes`;
  }

  /** While transform is away: what it remembers beside the log is gone. */
  async loseState(): Promise<void> {
    const { settings } = await readSettings('transform', { file: this.migration.settingsFile });
    await rm(join(settings.state.folder, this.migration.id), { recursive: true });
  }

  get processes(): readonly RoleProcess[] {
    return this.#all;
  }

  process(role: Role): RoleProcess {
    const found = this.#current.get(role);
    if (found === undefined) throw new ChangeoverError('INTERNAL', `${role} was never started`);
    return found;
  }

  async start(
    role: Role,
    options: { readonly crashAt?: `${CrashPointName}:${number}`; readonly takeOver?: boolean } = {},
  ): Promise<RoleProcess> {
    const process = await RoleProcess.start(role, { settingsFile: this.migration.settingsFile, ...options });
    this.#current.set(role, process);
    this.#all.push(process);
    return process;
  }

  async startAll(): Promise<void> {
    await Promise.all(ROLES.map((role) => this.start(role)));
  }

  /** A second one of the role, which is not the one that the bed waits for. */
  async startBeside(role: Role): Promise<RoleProcess> {
    const process = await RoleProcess.start(role, { settingsFile: this.migration.settingsFile });
    this.#all.push(process);
    return process;
  }

  async settings(): Promise<Readonly<Record<string, unknown>>> {
    return JSON.parse(await readFile(this.migration.settingsFile, 'utf8')) as Record<string, unknown>;
  }

  /** Processes that are started from now on read it. */
  async changeSettings(sections: Readonly<Record<string, unknown>>): Promise<void> {
    await changeSettings(this.migration.settingsFile, sections);
  }

  /** Behind everybody's back, as an administrator would. */
  async deleteStream(stream: string): Promise<void> {
    const { broker } = this.stage;
    if (this.migration.log === 'kafka' && broker !== undefined) {
      const admin = new kafkajs.Kafka({ brokers: broker.brokers, logLevel: kafkajs.logLevel.NOTHING }).admin();
      await admin.connect();
      await admin.deleteTopics({ topics: [stream] });
      await admin.disconnect();
      return;
    }
    await using client = await connectTo(((await this.settings())['log'] as { readonly url: string }).url);
    await client.query('DELETE FROM changeover_log.stream WHERE name = $1', [stream]);
  }

  async createStream(stream: string): Promise<void> {
    await this.#store.create(stream);
  }

  /** Asks capture for something; gives the request's id. */
  async request(kind: RequestKind, payload: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const id = new RandomIdSource().uuid();
    await this.#control.requests.submit({ migration: this.migration.id, id, kind, payload });
    return id;
  }

  /** Waits until everything committed by now is in the target. */
  async barrier(timeoutMs = BARRIER_MS): Promise<void> {
    const token = await this.request('barrier');
    await this.until(
      async () => {
        const there = await this.target.query(`SELECT to_regclass('changeover.barrier') IS NOT NULL AS there`);
        if (!(there.rows[0] as { there: boolean }).there) return false;
        const { rowCount } = await this.target.query('SELECT FROM changeover.barrier WHERE migration = $1 AND token = $2', [
          this.migration.id,
          token,
        ]);
        return rowCount === 1;
      },
      'the barrier at the target',
      timeoutMs,
    );
  }

  /** Looks again and again; fails with the processes' last words, also as soon as one that should run has ended with an error. */
  async until(done: () => Promise<boolean> | boolean, what: string, timeoutMs = 30_000): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (!(await done())) {
      const failed = [...this.#current.values()].find((process) => process.exit?.signal === null && process.exit.code !== 0);
      if (failed !== undefined) throw new Error(`waiting for ${what}: ${failed.role} ended\n${failed.lastWords}`);
      if (performance.now() > deadline) throw new Error(`waited ${String(timeoutMs)} ms for ${what}\n${this.lastWords()}`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    }
  }

  /** Resolves with how the process ended; fails if it does not. */
  async ended(process: RoleProcess, timeoutMs = 30_000): Promise<NonNullable<RoleProcess['exit']>> {
    await Promise.race([process.exited, new Promise((resolve) => setTimeout(resolve, timeoutMs).unref())]);
    if (process.exit === undefined) throw new Error(`${process.role} did not end within ${String(timeoutMs)} ms\n${process.lastWords}`);
    return process.exit;
  }

  /** The bed's own session, after the target's server was gone. */
  async reconnect(): Promise<void> {
    await this.target.end().catch(() => undefined);
    this.target = await connectTo(this.migration.targetUrl);
  }

  lastWords(): string {
    return [...this.#current.values()].map((process) => process.lastWords).join('\n');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const process of this.#all) if (process.exit === undefined) process.signal('SIGKILL');
    await Promise.all(this.#all.map((process) => process.exited));
    await Promise.all([this.source.end(), this.target.end(), this.#store.stop(), this.#control[Symbol.asyncDispose]()]);
  }
}

async function changeSettings(file: string, sections: Readonly<Record<string, unknown>>): Promise<void> {
  const settings = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
  await writeFile(file, JSON.stringify({ ...settings, ...sections }, undefined, 2));
}
