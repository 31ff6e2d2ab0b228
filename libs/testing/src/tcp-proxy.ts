import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

import { setTimeout as delay } from 'node:timers/promises';

import { unreachable } from '@changeover/core';

/** `up` is from the client to the server. */
export type Direction = 'up' | 'down';

/**
 * What becomes of a chunk: passed on; swallowed; swallowed and all connections cut (the answer is lost); passed on
 * and then all connections cut (it arrived, but nobody hears what came of it); kept back, with all behind it on the same connection, until {@link TcpProxy.release};
 * passed on in two, so that the receiver reads the first so many bytes before the others.
 */
export type ProxyVerdict = 'forward' | 'drop' | 'cut' | 'cut-after' | 'hold' | { readonly splitAt: number };

/** Long enough for a receiver to have read what came before. */
const BETWEEN_PIECES_MS = 20;

type Pair = { readonly client: Socket; readonly server: Socket; /** Being cut: nothing passes any more. */ muted: boolean };

/** A proxy on 127.0.0.1 whose network fails on demand. */
export class TcpProxy implements AsyncDisposable {
  /** Asked for each chunk, in order, while it is set. Chunks are as TCP delivers them, not messages. */
  onData: ((direction: Direction, chunk: Buffer) => ProxyVerdict) | undefined;

  readonly #listener: Server;
  readonly #pairs = new Set<Pair>();
  readonly #held: (() => void)[] = [];
  #accepting = true;
  #paused = false;

  private constructor(listener: Server) {
    this.#listener = listener;
  }

  /** Listens on a free port; each connection to it is one to `host:port`. */
  static async to(host: string, port: number): Promise<TcpProxy> {
    const listener = createServer({ pauseOnConnect: true, allowHalfOpen: true });
    const proxy = new TcpProxy(listener);
    listener.on('connection', (client) => {
      proxy.#join(client, connect({ host, port, allowHalfOpen: true }));
    });
    await new Promise<void>((resolve, reject) => {
      listener.once('error', reject);
      listener.listen(0, '127.0.0.1', resolve);
    });
    return proxy;
  }

  get port(): number {
    return (this.#listener.address() as AddressInfo).port;
  }

  /** `host:port` to give to a client. */
  get address(): string {
    return `127.0.0.1:${String(this.port)}`;
  }

  /** Open connections. */
  get connections(): number {
    return this.#pairs.size;
  }

  /** Resets all connections; new ones are accepted. */
  cut(): void {
    for (const { client, server } of this.#pairs) {
      client.resetAndDestroy();
      server.resetAndDestroy();
    }
    this.#pairs.clear();
  }

  /** Connections stay open and nothing passes, as when a cable is pulled. New ones are accepted and stay silent too. */
  pause(): void {
    this.#paused = true;
    for (const { client, server } of this.#pairs) {
      client.pause();
      server.pause();
    }
  }

  resume(): void {
    this.#paused = false;
    for (const { client, server } of this.#pairs) {
      client.resume();
      server.resume();
    }
  }

  /** Passes on what was kept back. */
  release(): void {
    for (const pass of this.#held.splice(0)) pass();
  }

  /** Resets connections from now on as soon as they are made; those that are open stay. */
  refuse(): void {
    this.#accepting = false;
  }

  accept(): void {
    this.#accepting = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.refuse();
    this.cut();
    await new Promise<void>((resolve) =>
      this.#listener.close(() => {
        resolve();
      }),
    );
  }

  #join(client: Socket, server: Socket): void {
    const pair: Pair = { client, server, muted: false };
    const close = (): void => {
      this.#pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    client.on('error', close).on('close', close);
    server.on('error', close).on('close', close);
    if (!this.#accepting) {
      client.resetAndDestroy();
      server.destroy();
      return;
    }
    this.#pairs.add(pair);
    client.setNoDelay(true);
    server.setNoDelay(true);
    this.#pipe(pair, 'up');
    this.#pipe(pair, 'down');
    if (!this.#paused) client.resume();
    else server.pause();
  }

  #pipe(pair: Pair, direction: Direction): void {
    const [from, to] = direction === 'up' ? [pair.client, pair.server] : [pair.server, pair.client];
    from.on('data', (chunk) => {
      if (pair.muted) return;
      const verdict = this.onData?.(direction, chunk) ?? 'forward';
      if (typeof verdict === 'object') {
        void this.#split(from, to, [chunk.subarray(0, verdict.splitAt), chunk.subarray(verdict.splitAt)]);
        return;
      }
      switch (verdict) {
        case 'forward':
          if (!to.write(chunk)) this.#waitForDrain(from, to);
          break;
        case 'drop':
          break;
        case 'hold':
          from.pause();
          this.#held.push(() => {
            to.write(chunk);
            from.resume();
          });
          break;
        case 'cut':
          this.cut();
          break;
        case 'cut-after':
          this.#cutAfter(pair, from, to, chunk);
          break;
        default:
          unreachable(verdict);
      }
    });
    from.on('end', () => to.end());
  }

  async #split(from: Socket, to: Socket, [first, second]: readonly [Buffer, Buffer]): Promise<void> {
    from.pause();
    to.write(first);
    await delay(BETWEEN_PIECES_MS);
    to.write(second);
    if (!this.#paused) from.resume();
  }

  #waitForDrain(from: Socket, to: Socket): void {
    from.pause();
    to.once('drain', () => {
      if (!this.#paused) from.resume();
    });
  }

  /** The receiver gets the chunk and an ordinary end, as a reset could overtake the chunk; the sender gets a reset. */
  #cutAfter(pair: Pair, from: Socket, to: Socket, chunk: Buffer): void {
    pair.muted = true;
    to.write(chunk, () => {
      this.#pairs.delete(pair);
      to.destroySoon();
      from.resetAndDestroy();
      this.cut();
    });
  }
}
