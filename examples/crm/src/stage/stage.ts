import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { invariant } from '@changeover/core';
import { startKafka, startPostgres, type RunningKafka, type RunningPostgres, type StartKafkaOptions } from '@changeover/local-services';

import { createDatabase } from './connect.js';

export type LogType = 'embedded' | 'kafka';

export type StageOptions = {
  /** `any`: the broker given by address will do; `own`: one that may be killed. */
  readonly broker: 'none' | 'any' | 'own';
  /** Where the broker keeps its data, if it is to be looked at; it is one of our own then. */
  readonly brokerData?: string;
  /** PostgreSQL settings of the two CRMs' servers. */
  readonly postgresSettings?: Readonly<Record<string, string>>;
};

export type MigrationOptions = {
  readonly id: string;
  readonly log: LogType;
  /** A mapping's file; without one every table keeps its names. */
  readonly mapping?: string;
  /** An old database that is there. Default: a new one, empty. */
  readonly sourceUrl?: string;
  /** The tables that move, `schema.table`. Default: all of `public`. */
  readonly tables?: readonly string[];
  /** The server on which the new database is made. Default: the stage's. */
  readonly targetServerUrl?: string;
  /** Of its settings. */
  readonly limits?: { readonly derivationThreads?: number };
};

/** One migration on a stage: its databases and its settings file. */
export type StagedMigration = {
  readonly id: string;
  readonly log: LogType;
  /** The old database. */
  readonly sourceUrl: string;
  /** The new database. */
  readonly targetUrl: string;
  readonly settingsFile: string;
};

/**
 * All that migrations need on one machine: a server for old databases, one for new ones, one for Changeover's own, and
 * a broker if asked for. Closing it leaves nothing behind.
 */
export class Stage implements AsyncDisposable {
  /** For logs and the like; goes with the stage. */
  readonly directory: string;
  readonly source: RunningPostgres;
  readonly target: RunningPostgres;
  readonly own: RunningPostgres;
  readonly broker: RunningKafka | undefined;

  private constructor(parts: Pick<Stage, 'directory' | 'source' | 'target' | 'own' | 'broker'>) {
    this.directory = parts.directory;
    this.source = parts.source;
    this.target = parts.target;
    this.own = parts.own;
    this.broker = parts.broker;
  }

  static async open(options: StageOptions): Promise<Stage> {
    const settings = options.postgresSettings ?? {};
    const started = await Promise.allSettled([
      startPostgres({ own: true, settings }),
      startPostgres({ own: true, settings }),
      startPostgres({ own: true }),
      options.broker === 'none' ? Promise.resolve(undefined) : startKafka(brokerOptions(options)),
    ] as const);
    const [source, target, own, broker] = started;
    if (source.status === 'rejected' || target.status === 'rejected' || own.status === 'rejected' || broker.status === 'rejected') {
      for (const server of started) if (server.status === 'fulfilled') await server.value?.stop();
      throw started.find((server) => server.status === 'rejected')?.reason;
    }
    const directory = await mkdtemp(join(tmpdir(), 'changeover-stage-'));
    return new Stage({ directory, source: source.value, target: target.value, own: own.value, broker: broker.value });
  }

  /** Creates a migration's databases and settings. */
  async addMigration(options: MigrationOptions): Promise<StagedMigration> {
    const { id, log, mapping, tables, limits = {} } = options;
    const sourceUrl = options.sourceUrl ?? (await createDatabase(this.source.url, `${id}_old`));
    const targetUrl = await createDatabase(options.targetServerUrl ?? this.target.url, `${id}_new`);
    const settings = {
      migration: id,
      source: { type: 'postgres', url: sourceUrl, ...(tables === undefined ? { schemas: ['public'] } : { tables }) },
      target: { type: 'postgres', url: targetUrl },
      log: await this.#logSettings(id, log),
      control: { url: await createDatabase(this.own.url, `${id}_control`) },
      // Any free ports: several stages may stand on one machine.
      http: { ports: { capture: 0, transform: 0, load: 0 } },
      ...(mapping === undefined ? {} : { mapping }),
      limits,
    };
    const settingsFile = join(this.directory, `${id}.json`);
    await writeFile(settingsFile, JSON.stringify(settings, undefined, 2), { mode: 0o600 });
    return { id, log, sourceUrl, targetUrl, settingsFile };
  }

  logFile(name: string): string {
    return join(this.directory, `${name}.log`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.source.stop(), this.target.stop(), this.own.stop(), this.broker?.stop()]);
    await rm(this.directory, { recursive: true, force: true });
  }

  async #logSettings(id: string, log: LogType): Promise<Record<string, unknown>> {
    if (log === 'embedded') return { type: 'embedded', url: await createDatabase(this.own.url, `${id}_log`) };
    invariant(this.broker !== undefined, 'a migration on Kafka needs a stage with a broker');
    return { type: 'kafka', brokers: this.broker.brokers };
  }
}

function brokerOptions({ broker, brokerData }: StageOptions): StartKafkaOptions {
  return { own: broker === 'own', ...(brokerData === undefined ? {} : { own: true, dataDir: brokerData }) };
}
