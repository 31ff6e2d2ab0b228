import { startPostgres, type RunningPostgres } from '@changeover/local-services';
import pg from 'pg';

import { until } from './until.js';

/** A server whose commits can be held where they are in the stream and nobody sees them yet: they wait for a standby that does not exist. */
export class HidingServer implements AsyncDisposable {
  /** Its commits wait for no standby. */
  readonly client: pg.Client;
  readonly #server: RunningPostgres;

  private constructor(server: RunningPostgres, client: pg.Client) {
    this.#server = server;
    this.client = client;
  }

  static async open(ddl: string): Promise<HidingServer> {
    const server = await startPostgres({ major: 18, own: true });
    const client = await connect(server.url, 'local');
    await client.query(ddl);
    return new HidingServer(server, client);
  }

  get url(): string {
    return this.#server.url;
  }

  /** Resolves when the commit is on its way to the readers of the log; `committed` when everybody sees it. */
  async hide(statements: string): Promise<{ committed: Promise<unknown> }> {
    await this.#waitFor('nobody');
    const committed = (await connect(this.url, 'on')).query(`begin; ${statements}; commit`);
    await until(this.client, `exists (select from pg_stat_activity where wait_event = 'SyncRep')`);
    return { committed };
  }

  reveal(): Promise<void> {
    return this.#waitFor('');
  }

  async #waitFor(standby: string): Promise<void> {
    await this.client.query(`alter system set synchronous_standby_names = '${standby}'`);
    await this.client.query('select pg_reload_conf()');
    await until(this.client, `current_setting('synchronous_standby_names') = '${standby}'`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.end();
    await this.#server.stop();
  }
}

async function connect(url: string, synchronous: 'on' | 'local'): Promise<pg.Client> {
  const client = new pg.Client(url);
  client.on('error', () => undefined);
  await client.connect();
  await client.query(`set synchronous_commit = ${synchronous}`);
  return client;
}
