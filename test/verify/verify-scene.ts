import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

import { CONVERTERS } from '@changeover/cleaning';
import { openControl, type ControlDatabase } from '@changeover/control-postgres';
import { noCrash, RandomIdSource, SystemClock, type CrashPointName } from '@changeover/core';
import type { Decision, SourceSnapshots, TargetReader } from '@changeover/events';
import { connectTo, Random, Stage, type LogType } from '@changeover/example-crm';
import {
  createSourceSnapshots,
  createTargetReader,
  loadMapping,
  lookAtState,
  openState,
  readSettings,
  type AllSettings,
} from '@changeover/shell';
import { InMemoryStateStore } from '@changeover/testing';
import {
  verify,
  verifyAndRepair,
  verifyChosen,
  verifyMirror,
  type Choice,
  type ChosenReport,
  type MirrorReport,
  type RepairedReport,
  type VerificationOptions,
  type VerificationReport,
} from '@changeover/verification';
import type pg from 'pg';

import { MigrationBed } from '../crash/migration-bed.js';
import { decideOn, MAPPING, SOURCE, TARGET, writeOn } from './verify-tables.js';

const SELECTED = ['public.company', 'public.person', 'public.tag', 'public.visit'];
const FIRST_WRITES_MS = 500;
const NEVER = new AbortController().signal;
const CLI = fileURLToPath(new URL('../../apps/cli/bin/changeover.mjs', import.meta.url));

/** A point, or its n-th pass. */
export type CrashPass = CrashPointName | `${CrashPointName}:${number}`;

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
  #operator: Promise<void> = Promise.resolve();
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

  /** So many users write as fast as they go; every other one does not wait until its commits are on disk. An operator corrects what they write. */
  async letLoose(users: number, pauseMs = 0): Promise<void> {
    this.#stopping = false;
    for (let user = 0; user < users; user++) {
      const client = await connectTo(this.bed.migration.sourceUrl);
      if (user % 2 === 1) await client.query('SET synchronous_commit = off');
      this.#clients.push(client);
      this.#writers.push(writeOn(client, this.#random.fork(this.#forks++), () => this.#stopping, pauseMs));
    }
    if (users > 0) this.#operator = this.#decideOn();
  }

  /** Gives how many transactions they committed; resolves when the target has them all. */
  async calm(): Promise<number> {
    this.#stopping = true;
    const committed = await Promise.all(this.#writers);
    await this.#operator;
    await Promise.all(this.#clients.map((client) => client.end()));
    this.#writers = [];
    this.#clients = [];
    await this.bed.barrier();
    return committed.reduce((sum, count) => sum + count, 0);
  }

  async verify(snapshots: SourceSnapshots = this.#snapshots): Promise<VerificationReport> {
    return verify(await this.#options(snapshots), NEVER);
  }

  async repair(deleteExtra: boolean): Promise<RepairedReport> {
    return verifyAndRepair(await this.#options(this.#snapshots), { deleteExtra }, NEVER);
  }

  async verifyMirror(): Promise<MirrorReport> {
    const { migration, state } = this.#settings;
    return verifyMirror({ ...(await this.#options(this.#snapshots)), lookAtState: () => lookAtState(state, migration) }, NEVER);
  }

  async verifyChosen(choice: Choice): Promise<ChosenReport> {
    const { migration, state } = this.#settings;
    const options = { ...(await this.#options(this.#snapshots)), lookAtState: () => lookAtState(state, migration) };
    return verifyChosen(options, choice, NEVER);
  }

  async #options(snapshots: SourceSnapshots): Promise<VerificationOptions> {
    const { migration, limits } = this.#settings;
    const [clock, ids] = [new SystemClock(), new RandomIdSource()];
    return {
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
      crashPoint: noCrash,
      clock,
      limits: {
        partitions: 256,
        bytesLookedAt: 10_000_000,
        named: 100,
        values: false,
        bytesPerSecond: Infinity,
        maxStateBytes: limits.stateBytes,
        patienceMs: 60_000,
      },
    };
  }

  /** `verify`, in a process of its own, which dies at a point. */
  async command(crashAt?: CrashPass, more: readonly string[] = []): ReturnType<VerifyScene['run']> {
    return this.run(['verify', ...more], crashAt);
  }

  /** A command, in a process of its own, which dies at a point; `meanwhile`: what is done to it. */
  async run(
    [name = '', ...words]: readonly string[],
    crashAt?: CrashPass,
    meanwhile?: (command: ChildProcess) => Promise<void>,
  ): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null; readonly said: string }> {
    const child = spawn(process.execPath, [CLI, name, ...words, '--config', this.bed.migration.settingsFile], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_OPTIONS: '', ...(crashAt === undefined ? {} : { CHANGEOVER_CRASH_AT: crashAt }) },
    });
    const [out, err, [code, signal]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>,
      meanwhile?.(child),
    ]);
    return { code, signal, said: out + err };
  }

  /** While transform is away, puts one text in the place of another of the same length wherever it remembers it; gives in how many entries. */
  async alterState(from: string, to: string, spaces: readonly string[] = ['m', 'e']): Promise<number> {
    const { bed } = this;
    const { migration, state: settings } = this.#settings;
    expect(await bed.process('transform').stop()).toEqual({ code: 0, signal: null });
    let altered = 0;
    {
      const open = { migration, clock: new SystemClock(), ids: new RandomIdSource(), onLost: () => undefined };
      await using state = await openState(settings, open);
      for (const space of spaces) {
        for (const { key, value } of state.entries(Buffer.from(space), null)) {
          if (!value.includes(from)) continue;
          state.put(Buffer.from(key), Buffer.from(value.toString('latin1').replace(from, to), 'latin1'));
          altered++;
        }
      }
      await state.commit(state.place as Buffer);
    }
    await bed.start('transform');
    return altered;
  }

  /** The file of a mapping that is not in force. */
  async otherMapping(): Promise<string> {
    const file = join(this.#folder, 'other-mapping.json');
    await writeFile(file, JSON.stringify({ ...MAPPING, rules: MAPPING.rules.slice(0, 1) }));
    return file;
  }

  /** Folders that verifications have made beside the state of transform. */
  async scratchFolders(): Promise<readonly string[]> {
    const names = await readdir(this.#settings.state.folder);
    return names.filter((name) => name.startsWith(`${this.#settings.migration}.`));
  }

  get snapshots(): SourceSnapshots {
    return this.#snapshots;
  }

  get reader(): TargetReader {
    return this.#reader;
  }

  get settings(): AllSettings {
    return this.#settings;
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

  #decideOn(): Promise<void> {
    const submit = (decisions: readonly Decision[]): Promise<string> => this.bed.request('correct', { decisions });
    return decideOn(submit, this.#random.fork(this.#forks++), () => this.#stopping);
  }

  async #fill(): Promise<void> {
    const until = performance.now() + FIRST_WRITES_MS;
    await writeOn(this.bed.source, this.#random.fork(this.#forks++), () => performance.now() > until);
    await this.bed.source.query('DELETE FROM visit');
  }
}
