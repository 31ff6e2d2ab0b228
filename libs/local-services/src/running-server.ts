import { ChangeoverError } from '@changeover/core';

import type { PostgresMajor } from './choose-service.js';
import type { SecureListener } from './secure-listener.js';

export type ServerOrigin = 'given' | 'docker' | 'embedded' | 'java';

/** How one kind of server (a process of ours, a container, somebody else's) begins and ends. */
export type ServerLife = {
  readonly origin: ServerOrigin;
  /** The server's process on this machine, where there is one. */
  pid(): number | undefined;
  /** Ends the server with all its processes by SIGKILL; resolves when they are gone. */
  kill(): Promise<void>;
  /** Starts it on the same address and data; resolves when it answers. */
  start(): Promise<void>;
  /** Ends it in order; resolves when it is gone. */
  stop(): Promise<void>;
  /** Ends it for good, with the data where we made the place for it. */
  remove(): Promise<void>;
};

/** A server that answers. Ends with the process that started it, however that ends. */
export class RunningServer implements AsyncDisposable {
  readonly #life: ServerLife;

  constructor(life: ServerLife) {
    this.#life = life;
  }

  get origin(): ServerOrigin {
    return this.#life.origin;
  }

  /** The server's process on this machine (PostgreSQL: the postmaster), where there is one: for measurements. */
  get pid(): number | undefined {
    return this.#life.pid();
  }

  /** SIGKILL to the server and its children. Its address and data stay; `restart` brings it back. */
  async kill(): Promise<void> {
    await this.#life.kill();
  }

  /** Stops it in order if it runs, and starts it again on the same address and data. Resolves when it answers. */
  async restart(): Promise<void> {
    await this.#life.stop();
    await this.#life.start();
  }

  /** Stops it for good. Data goes too, unless the caller named its place. A given server is left alone. May be called again. */
  async stop(): Promise<void> {
    await this.#life.remove();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

export class RunningPostgres extends RunningServer {
  /** A superuser's URL of the database `postgres`, with wal_level=logical. */
  readonly url: string;
  readonly major: PostgresMajor;

  constructor(life: ServerLife, url: string, major: PostgresMajor) {
    super(life);
    this.url = url;
    this.major = major;
  }
}

export class RunningKafka extends RunningServer {
  /** `host:port` of each broker. */
  readonly brokers: string[];
  /** The way in with TLS and a password, where it was asked for. */
  readonly secure: SecureListener | undefined;

  constructor(life: ServerLife, brokers: readonly string[], secure?: SecureListener) {
    super(life);
    this.brokers = [...brokers];
    this.secure = secure;
  }
}

/** Somebody else's server: it can be used, not ended. */
export function givenServer(what: string): ServerLife {
  const refuse = (): Promise<void> =>
    Promise.reject(
      new ChangeoverError(
        'SERVICE_MISSING',
        `${what} was given by address and is not ours to stop; ask for a server of your own (own: true)`,
      ),
    );
  return { origin: 'given', pid: () => undefined, kill: refuse, start: refuse, stop: refuse, remove: () => Promise.resolve() };
}
