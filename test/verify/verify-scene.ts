import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { CONVERTERS } from '@changeover/cleaning';
import { openControl, type ControlDatabase } from '@changeover/control-postgres';
import { RandomIdSource, SystemClock } from '@changeover/core';
import type { SourceSnapshots, TargetReader } from '@changeover/events';
import { connectTo, Random, Stage, type LogType } from '@changeover/example-crm';
import { createSourceSnapshots, createTargetReader, loadMapping, readSettings, type AllSettings } from '@changeover/shell';
import { InMemoryStateStore } from '@changeover/testing';
import { verify, type VerificationReport } from '@changeover/verification';
import type pg from 'pg';

import { MigrationBed } from '../crash/migration-bed.js';
import { MAPPING, SOURCE, TARGET, writeOn } from './verify-tables.js';

const SELECTED = ['public.company', 'public.person', 'public.tag', 'public.visit'];
const FIRST_WRITES_MS = 500;

/** A migration with its three processes, users who can be let loose on its source, and a verifier. */
export class VerifyScene implements AsyncDisposable {
  readonly bed: MigrationBed;
  readonly #stage: Stage;
  readonly #folder: string;
  readonly #settings: AllSettings;
  readonly #snapshots: SourceSnapshots;
  readonly #reader: TargetReader;
  readonly #control: ControlDatabase;
  readonly #random: Random;
  #stopping = false;
  #writers: Promise<number>[] = [];
  #clients: pg.Client[] = [];
  #forks = 0;

  private constructor(
    parts: Pick<VerifyScene, 'bed'> & {
      readonly stage: Stage;
      readonly folder: string;
      readonly settings: AllSettings;
      readonly control: ControlDatabase;
      readonly random: Random;
    },
  ) {
    this.bed = parts.bed;
    this.#stage = parts.stage;
    this.#folder = parts.folder;
    this.#settings = parts.settings;
    this.#control = parts.control;
    this.#random = parts.random;
    const { migration, limits } = parts.settings;
    const context = { migration, limits, clock: new SystemClock(), ids: new RandomIdSource() };
    this.#snapshots = createSourceSnapshots(parts.settings.source, context);
    this.#reader = createTargetReader(parts.settings.target, context);
  }

  static async open(log: LogType, { id, seed }: { readonly id: string; readonly seed: number }): Promise<VerifyScene> {
    console.log(`seed ${String(seed)} (SEED=${String(seed)} repeats it)`);
    const random = new Random(seed);
    const folder = await mkdtemp(join(tmpdir(), 'changeover-verify-'));
    const stage = await Stage.open({ broker: log === 'kafka' ? 'any' : 'none' });
    let bed: MigrationBed | null = null;
    try {
      const mapping = join(folder, 'mapping.json');
      await writeFile(mapping, JSON.stringify(MAPPING));
      bed = await MigrationBed.open(stage, { id: `${id}_${log}_${String(process.pid)}`, log, mapping });
      await bed.source.query(SOURCE);
      await bed.target.query(TARGET);
      const { source } = (await bed.settings()) as { readonly source: Readonly<Record<string, unknown>> };
      await bed.changeSettings({ source: { ...source, tablesWithoutKey: 'full' } });
      const { settings } = await readSettings('cli', { file: bed.migration.settingsFile });
      const control = await openControl({ url: settings.control.url as string });
      const scene = new VerifyScene({ bed, stage, folder, settings: settings as AllSettings, control, random });
      // Something to be copied first; rows without a key have to come through the stream.
      await scene.#fill();
      await bed.startAll();
      await bed.barrier();
      return scene;
    } catch (error) {
      await bed?.[Symbol.asyncDispose]();
      await stage[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** So many users write as fast as they go; every other one does not wait until its commits are on disk. */
  async letLoose(users: number, pauseMs = 0): Promise<void> {
    this.#stopping = false;
    for (let user = 0; user < users; user++) {
      const client = await connectTo(this.bed.migration.sourceUrl);
      if (user % 2 === 1) await client.query('SET synchronous_commit = off');
      this.#clients.push(client);
      this.#writers.push(writeOn(client, this.#random.fork(this.#forks++), () => this.#stopping, pauseMs));
    }
  }

  /** Gives how many transactions they committed; resolves when the target has them all. */
  async calm(): Promise<number> {
    this.#stopping = true;
    const committed = await Promise.all(this.#writers);
    await Promise.all(this.#clients.map((client) => client.end()));
    this.#writers = [];
    this.#clients = [];
    await this.bed.barrier();
    return committed.reduce((sum, count) => sum + count, 0);
  }

  async verify(snapshots: SourceSnapshots = this.#snapshots): Promise<VerificationReport> {
    const { migration, limits } = this.#settings;
    const [clock, ids] = [new SystemClock(), new RandomIdSource()];
    return await verify(
      {
        migration,
        changes: this.bed.changes,
        writes: this.bed.writes,
        log: this.bed.log,
        snapshots,
        target: this.#reader,
        mapping: await loadMapping(this.#settings.mapping),
        converters: CONVERTERS,
        captured: new Set(SELECTED),
        openState: () => Promise.resolve(new InMemoryStateStore()),
        requestBarrier: async () => {
          const id = ids.uuid();
          await this.#control.requests.submit({ migration, id, kind: 'barrier', payload: {} });
          return id;
        },
        onStep: () => undefined,
        clock,
        limits: {
          partitions: 256,
          rowsLookedAt: 10_000,
          named: 100,
          values: false,
          bytesPerSecond: Infinity,
          maxStateBytes: limits.stateBytes,
          patienceMs: 60_000,
        },
      },
      new AbortController().signal,
    );
  }

  get snapshots(): SourceSnapshots {
    return this.#snapshots;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping = true;
    await Promise.allSettled(this.#writers);
    await Promise.allSettled(this.#clients.map((client) => client.end()));
    await this.#snapshots.stop();
    await this.#reader.stop();
    await this.#control[Symbol.asyncDispose]();
    await this.bed[Symbol.asyncDispose]();
    await this.#stage[Symbol.asyncDispose]();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #fill(): Promise<void> {
    const until = performance.now() + FIRST_WRITES_MS;
    await writeOn(this.bed.source, this.#random.fork(this.#forks++), () => performance.now() > until);
    await this.bed.source.query('DELETE FROM visit');
  }
}
