import type { RunningServer } from '@changeover/local-services';

/**
 * One server per key for all tests of a spec file: the one given by the environment (the test runner starts one for
 * the whole run), else one of this file's own, stopped after its last test.
 */
export class SharedServers<Key, Server extends RunningServer> {
  readonly #start: (key: Key) => Promise<Server>;
  readonly #servers = new Map<Key, Promise<Server>>();

  constructor(start: (key: Key) => Promise<Server>) {
    this.#start = start;
    // Jest has the hook only while it collects the file's tests, which is when this module is imported.
    if (typeof afterAll === 'function') afterAll(() => this.#stop(), 60_000);
  }

  get(key: Key): Promise<Server> {
    let server = this.#servers.get(key);
    if (server === undefined) {
      server = this.#start(key);
      this.#servers.set(key, server);
    }
    return server;
  }

  async #stop(): Promise<void> {
    const started = await Promise.allSettled(this.#servers.values());
    this.#servers.clear();
    await Promise.all(started.map((server) => (server.status === 'fulfilled' ? server.value.stop() : Promise.resolve())));
  }
}
