import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

import { ChangeoverError } from '@changeover/core';

import { freePort } from './free-port.js';
import { classPath, kafkaJars } from './kafka-jars.js';
import { brokerSettings } from './kafka-settings.js';
import { endOfFile, OwnedProcess } from './owned-process.js';
import { RunningKafka, type ServerLife } from './running-server.js';
import { makeSecureListener, type MadeListener } from './secure-listener.js';
import { untilKafkaAnswers } from './until-answers.js';

export type JavaKafkaOptions = {
  readonly settings: Readonly<Record<string, string>>;
  readonly dataDir?: string | undefined;
  readonly port?: number | undefined;
};

type Ports = { readonly broker: number; readonly controller: number };

/** Any valid one will do: it names a cluster of one node that nobody joins. */
const CLUSTER_ID = 'Y2hhbmdlb3Zlci1sb2NhbA';

/** One KRaft node, broker and controller in one Java process, on jars from Maven Central. */
export async function startJavaKafka(options: JavaKafkaOptions & { readonly secure: boolean }): Promise<RunningKafka> {
  const classes = classPath(await kafkaJars());
  const home = options.dataDir === undefined ? await mkdtemp(join(tmpdir(), 'changeover-kafka-')) : resolve(options.dataDir);
  await mkdir(home, { recursive: true });
  const ports = { broker: options.port ?? (await freePort()), controller: await freePort() };
  const secure = options.secure ? await makeSecureListener(home, `127.0.0.1:${String(await freePort())}`) : undefined;
  const server = new JavaKafka(options, classes, home, ports, secure);
  try {
    await server.format();
    await server.start();
  } catch (error) {
    await server.remove();
    throw error;
  }
  return new RunningKafka(server, [server.address], secure?.access);
}

class JavaKafka implements ServerLife {
  readonly origin = 'java';
  readonly #options: JavaKafkaOptions;
  readonly #classes: string;
  readonly #home: string;
  readonly #ports: Ports;
  readonly #secure: MadeListener | undefined;
  #process: OwnedProcess | undefined;

  constructor(options: JavaKafkaOptions, classes: string, home: string, ports: Ports, secure: MadeListener | undefined) {
    this.#options = options;
    this.#classes = classes;
    this.#home = home;
    this.#ports = ports;
    this.#secure = secure;
  }

  get address(): string {
    return `127.0.0.1:${String(this.#ports.broker)}`;
  }

  pid(): number | undefined {
    return this.#process?.alive === true ? this.#process.pid : undefined;
  }

  /** Writes the settings (ports may differ from last time) and, in an empty place, makes the storage. */
  async format(): Promise<void> {
    const controller = `127.0.0.1:${String(this.#ports.controller)}`;
    const forClients = [`PLAINTEXT://${this.address}`, ...(this.#secure?.access.brokers ?? []).map((address) => `SASL_SSL://${address}`)];
    const settings = brokerSettings({
      listeners: [...forClients, `CONTROLLER://${controller}`].join(),
      'advertised.listeners': forClients.join(),
      'controller.quorum.voters': `1@${controller}`,
      'log.dirs': join(this.#home, 'data'),
      ...this.#secure?.settings,
      ...this.#options.settings,
    });
    const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
    await writeFile(this.#settingsFile, lines.join(''));
    if (existsSync(join(this.#home, 'data/meta.properties'))) return;
    const args = [
      '-Xshare:auto',
      '-XX:TieredStopAtLevel=1',
      '-cp',
      this.#classes,
      'kafka.tools.StorageTool',
      'format',
      '-t',
      CLUSTER_ID,
      '-c',
      this.#settingsFile,
      ...(this.#secure?.formatArgs ?? []),
    ];
    await promisify(execFile)('java', args, { cwd: this.#home }).catch((cause: unknown) => {
      throw new ChangeoverError('SERVICE_MISSING', `Kafka's storage could not be formatted: ${String(cause)}`, { cause });
    });
  }

  async start(): Promise<void> {
    const started = await OwnedProcess.spawn({
      command: 'java',
      args: ['-Xmx512m', '-Xms128m', '-XX:+ExitOnOutOfMemoryError', '-cp', this.#classes, 'kafka.Kafka', this.#settingsFile],
      cwd: this.#home,
      logFile: join(this.#home, 'broker.log'),
      orphanSignal: 'KILL',
      orphanedData: this.#options.dataDir === undefined ? this.#home : undefined,
    });
    this.#process?.release();
    this.#process = started;
    await untilKafkaAnswers([this.address], {
      what: 'Kafka',
      alive: () => started.alive,
      lastWords: () => endOfFile(join(this.#home, 'broker.log')),
    });
  }

  async kill(): Promise<void> {
    await this.#process?.kill();
  }

  async stop(): Promise<void> {
    await this.#process?.end('SIGTERM');
  }

  async remove(): Promise<void> {
    const temporary = this.#options.dataDir === undefined;
    // Nobody will read temporary data again: no need for the seconds of an orderly shutdown.
    await this.#process?.end(temporary ? 'SIGKILL' : 'SIGTERM');
    if (temporary) await rm(this.#home, { recursive: true, force: true, maxRetries: 5 });
    this.#process?.release();
  }

  get #settingsFile(): string {
    return join(this.#home, 'server.properties');
  }
}
