import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { ChangeoverError, type Clock } from '@changeover/core';
import { changeoverCommand, connectTo, ServiceProcess, type LogType, type Service, type Stage } from '@changeover/example-crm';
import { escapeIdentifier } from 'pg';

import { selfTimes, type CpuProfile, type SelfTime } from '../cpu-profile.js';
import { bytesBelow } from '../disk-usage.js';
import { childRunning } from '../process-usage.js';
import type { StepProcess } from '../step-cpu.js';
import type { CopyRoute, LeftBehind } from './copy-route.js';
import type { CopyScene } from './copy-scene.js';
import { releaseSlot } from './native-copy.js';
import { localPid } from './plain-copy.js';
import { dropDatabase, fillWith } from './target-database.js';

const SERVICES = ['capture', 'transform', 'load'] as const satisfies readonly Service[];
/** Transform's child, which writes its state. */
const STATE_WRITER = 'state writer';
/** The command that compares. */
const VERIFY = 'verify';

export type ChangeoverCopyOptions = {
  readonly stage: Stage;
  readonly scene: CopyScene;
  readonly log: LogType;
  readonly clock: Clock;
  /** Where the broker keeps its data; undefined: nobody can look. */
  readonly brokerData: string | undefined;
  readonly profile: boolean;
};

/** Changeover as three separate processes on one of the two logs. */
export function changeoverCopy(options: ChangeoverCopyOptions): CopyRoute {
  return { name: options.log, prepare: (turn) => ChangeoverCopy.prepare(options, turn) };
}

class ChangeoverCopy {
  readonly targetUrl: string;
  readonly ours = [...SERVICES, STATE_WRITER, VERIFY];
  readonly #options: ChangeoverCopyOptions;
  readonly #id: string;
  readonly #settingsFile: string;
  #processes: readonly ServiceProcess[] = [];
  #writer: number | undefined;
  #verifying: number | undefined;

  private constructor(
    options: ChangeoverCopyOptions,
    parts: { readonly id: string; readonly targetUrl: string; readonly settingsFile: string },
  ) {
    this.#options = options;
    this.#id = parts.id;
    this.#settingsFile = parts.settingsFile;
    this.targetUrl = parts.targetUrl;
  }

  static async prepare(options: ChangeoverCopyOptions, turn: number): Promise<ChangeoverCopy> {
    const { stage, scene, log } = options;
    const { sourceUrl, targetServerUrl, tables, changeover } = scene;
    const id = `copy_${log}_${String(turn)}`;
    const mapping = join(stage.directory, `${id}-mapping.json`);
    await writeFile(mapping, JSON.stringify(changeover.mapping ?? {}));
    const where = targetServerUrl === undefined ? {} : { targetServerUrl };
    const { targetUrl, settingsFile } = await stage.addMigration({ id, log, mapping, sourceUrl, tables, ...where });
    await fillWith(targetUrl, changeover.ddl);
    return new ChangeoverCopy(options, { id, targetUrl, settingsFile });
  }

  get arrivals(): CopyScene['changeover']['arrivals'] {
    return this.#options.scene.changeover.arrivals;
  }

  readonly begin = async (): Promise<void> => {
    const { stage, clock } = this.#options;
    this.#processes = await Promise.all(
      SERVICES.map((service) => {
        const logFile = stage.logFile(`${this.#id}-${service}`);
        return ServiceProcess.start({ service, settingsFile: this.#settingsFile, logFile, clock, nodeArgs: this.#nodeArgs(service) });
      }),
    );
  };

  readonly failure = async (): Promise<never> => Promise.race(this.#processes.map((started) => started.failure()));

  readonly steps = async (): Promise<Readonly<Record<string, StepProcess>>> => {
    const { stage, scene, log } = this.#options;
    const ours = Object.fromEntries(this.#processes.map(({ service, pid }) => [service, pid]));
    const { transform } = ours;
    if (this.#writer === undefined && transform !== undefined) this.#writer = await childRunning(transform, '{"task":"write"');
    return {
      source: localPid(scene, stage, 'source'),
      target: localPid(scene, stage, 'target'),
      ...(log === 'kafka' ? { log: stage.broker?.pid, control: stage.own.pid } : { log: stage.own.pid }),
      ...ours,
      ...(this.#writer === undefined ? {} : { [STATE_WRITER]: this.#writer }),
      ...(this.#verifying === undefined ? {} : { [VERIFY]: this.#verifying }),
    };
  };

  readonly finish = async (): Promise<LeftBehind> => {
    await this.#requireHeld();
    const logBytes = await this.#logBytes();
    const stateBytes = await bytesBelow(this.#stateFolder);
    const verifySeconds = await this.#verify();
    await Promise.all(this.#processes.map((started) => started.stop()));
    return { logBytes, stateBytes, verifySeconds, profiles: await this.#profiles() };
  };

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#processes.map((started) => started.stop()));
    const { sourceUrl } = this.#options.scene;
    const name = `changeover_${this.#id}`;
    await using source = await connectTo(sourceUrl);
    await source.query(releaseSlot(name));
    await source.query(`DROP PUBLICATION IF EXISTS ${escapeIdentifier(name)}`);
    await dropDatabase(this.targetUrl);
  }

  /** What the rules hold is in the list, and nothing was refused: else less was done than it seems. */
  async #requireHeld(): Promise<void> {
    await using client = await connectTo(this.targetUrl);
    const { rows } = await client.query<{ held: number; refused: number }>(
      'SELECT (SELECT count(*)::int FROM changeover.held) AS held, (SELECT count(*)::int FROM changeover.refused WHERE to_seq IS NULL) AS refused',
    );
    const { held = -1, refused = -1 } = rows[0] ?? {};
    const expected = this.#options.scene.changeover.held;
    if (held === expected && refused === 0) return;
    throw new ChangeoverError(
      'INTERNAL',
      `${String(held)} rows are held and ${String(refused)} refused, where ${String(expected)} and 0 should be`,
    );
  }

  /** Compares every row: what differs ends the run. */
  async #verify(): Promise<number> {
    const onStarted = (pid: number): void => {
      this.#verifying = pid;
    };
    const report = await changeoverCommand(['verify', '--json'], { settingsFile: this.#settingsFile, onStarted });
    this.#verifying = undefined;
    return (JSON.parse(report) as { readonly seconds: number }).seconds;
  }

  /** Of both streams. */
  async #logBytes(): Promise<number | null> {
    const { stage, log, brokerData } = this.#options;
    if (log === 'kafka')
      return brokerData === undefined
        ? null
        : bytesBelow(join(brokerData, 'data'), (path) => path.includes(`/${this.#id}.`) && path.endsWith('.log'));
    await using client = await connectTo(stage.own.url);
    const { rows } = await client.query<{ bytes: string }>('SELECT pg_database_size($1) - pg_database_size($2) AS bytes', [
      `${this.#id}_log`,
      'template1',
    ]);
    return Number(rows[0]?.bytes);
  }

  get #stateFolder(): string {
    return join(this.#options.stage.directory, '.changeover', 'state', this.#id);
  }

  #nodeArgs(service: Service): readonly string[] {
    if (!this.#options.profile) return [];
    return ['--cpu-prof', `--cpu-prof-dir=${this.#options.stage.directory}`, `--cpu-prof-name=${this.#profileName(service)}`];
  }

  #profileName(service: Service): string {
    return `${this.#id}-${service}.cpuprofile`;
  }

  async #profiles(): Promise<Readonly<Record<string, readonly SelfTime[]>>> {
    if (!this.#options.profile) return {};
    const profiles: Record<string, readonly SelfTime[]> = {};
    for (const service of SERVICES) {
      const file = await readFile(join(this.#options.stage.directory, this.#profileName(service)), 'utf8');
      profiles[service] = selfTimes(JSON.parse(file) as CpuProfile);
    }
    return profiles;
  }
}
