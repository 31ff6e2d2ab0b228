import { isIP, connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext, type ConnectionOptions } from 'node:tls';

import { ChangeoverError, type Clock } from '@changeover/core';
import type { StreamName } from '@changeover/events';
import type { ISocketFactory } from 'kafkajs';
import Cluster, { type Broker, type Logger } from 'kafkajs/src/cluster/index.js';

import { patchKafkajs } from './kafkajs-patches.js';
import { judge } from './log-error.js';
import type { CompleteSettings } from './settings.js';

const READ_UNCOMMITTED = 0;
/** Between two tries, in ms: doubled from the first to the last. */
const FIRST_PAUSE = 50;
const LAST_PAUSE = 2_000;
/** A broker that has just started may not know a topic yet; after this long it is gone, in ms. */
const DOUBT_MS = 2_000;

/** kafkajs writes to the console by default; what matters of it reaches us as errors. */
const SILENT: Logger = {
  namespace: () => SILENT,
  error: () => undefined,
  warn: () => undefined,
  info: () => undefined,
  debug: () => undefined,
};

export type LinkOptions = { readonly settings: CompleteSettings; readonly clock: Clock; readonly stream: StreamName };

export type CallOptions = {
  /** For messages: "reading m.changes". */
  readonly doing: string;
  readonly signal: AbortSignal;
  /** How long a topic that nobody knows may still appear, in ms. */
  readonly doubtMs?: number;
};

/** Partition 0 of the stream's topic, as its leader serves it. */
export type Leader = { readonly broker: Broker; readonly cluster: Cluster };

/**
 * Connections of one reader or writer to the leader of one stream, made again whenever something went wrong.
 *
 * Why not kafkajs's Consumer and Producer: a consumer has to join a group, which takes the broker's
 * `group.initial.rebalance.delay.ms` (3 s unless changed) per reader where a fetch takes milliseconds; it resets
 * silently on OFFSET_OUT_OF_RANGE, fetches nothing while a batch is handled, and inflates all it fetched. The
 * producer hides its sequence numbers, of which we must know whether they still hold (see {@link StreamAppender}).
 * So we take what is below them: connections, TLS, SASL, metadata and the protocol's requests.
 */
export class BrokerLink {
  readonly #options: LinkOptions;
  #open: { readonly cluster: Cluster; close(): void } | undefined;
  #tries = 0;

  constructor(options: LinkOptions) {
    patchKafkajs();
    this.#options = options;
  }

  get stream(): StreamName {
    return this.#options.stream;
  }

  /**
   * Runs `work` with the leader; what fails for a moment is tried again over new connections, for as long as the
   * settings' patience. `work` must bear being run twice.
   */
  async call<T>(options: CallOptions, work: (leader: Leader) => Promise<T>): Promise<T> {
    const { clock, settings } = this.#options;
    const { doing, signal, doubtMs = DOUBT_MS } = options;
    const begin = clock.monotonic();
    /** Since when the leader itself says no: while it starts it does not know all of its topics. */
    let saidNoSince: number | undefined;
    for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 2, LAST_PAUSE)) {
      if (signal.aborted) throw new ChangeoverError('LOG_UNREACHABLE', `${doing}: ended`);
      try {
        return await work(await this.#leader());
      } catch (error) {
        const { error: verdict, again } = judge(error, doing);
        this.close();
        const now = clock.monotonic();
        saidNoSince = verdict.code === 'LOG_UNREACHABLE' ? undefined : (saidNoSince ?? now);
        const end = saidNoSince === undefined ? begin + settings.patienceMs : saidNoSince + doubtMs;
        if (!again || signal.aborted || now + pause > end) throw verdict;
      }
      await clock.sleep(pause, signal);
    }
  }

  /** Closes the connections; requests under way reject at once. The next call opens new ones. */
  close(): void {
    this.#open?.close();
    this.#open = undefined;
  }

  async #leader(): Promise<Leader> {
    this.#open ??= openCluster(this.#options.settings, this.#tries++);
    const { cluster } = this.#open;
    const topic = this.stream;
    await cluster.connect();
    await cluster.addTargetTopic(topic);
    const [nodeId] = Object.keys(cluster.findLeaderForPartitions(topic, [0]));
    if (nodeId === undefined) throw new ChangeoverError('LOG_UNREACHABLE', `partition 0 of ${topic} has no leader`);
    return { broker: await cluster.findBroker({ nodeId }), cluster };
  }
}

function openCluster(settings: CompleteSettings, turn: number): { readonly cluster: Cluster; close(): void } {
  const sockets = new Set<Socket>();
  let closed = false;
  const ssl = sslOptions(settings);
  const socketFactory: ISocketFactory = ({ host, port, onConnect }) => {
    // kafkajs turns it into a connection error of its own.
    if (closed) throw new ChangeoverError('LOG_UNREACHABLE', 'the link was closed');
    const servername = isIP(host) === 0 ? { servername: host } : {};
    const socket = ssl === undefined ? connectTcp({ host, port }, onConnect) : connectTls({ host, port, ...servername, ...ssl }, onConnect);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 10_000);
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    return socket;
  };
  const first = turn % settings.brokers.length;
  const cluster = new Cluster({
    logger: SILENT,
    socketFactory,
    // Each try begins with another broker.
    brokers: [...settings.brokers.slice(first), ...settings.brokers.slice(0, first)],
    ssl,
    sasl: saslOptions(settings),
    clientId: settings.clientId,
    connectionTimeout: settings.connectMs,
    authenticationTimeout: settings.connectMs,
    requestTimeout: settings.requestMs,
    enforceRequestTimeout: true,
    metadataMaxAge: 300_000,
    // Only we try again: kafkajs would go on for as long as it likes, also on a topic that is gone.
    retry: { retries: 0, initialRetryTime: FIRST_PAUSE },
    allowAutoTopicCreation: false,
    maxInFlightRequests: 1,
    isolationLevel: READ_UNCOMMITTED,
  });
  return {
    cluster,
    close: () => {
      closed = true;
      // An error, because kafkajs rejects what waits for an answer on `error` and `end` only, not on `close`.
      for (const socket of sockets) socket.destroy(new ChangeoverError('LOG_UNREACHABLE', 'the link was closed'));
    },
  };
}

/**
 * What `tls.connect` takes besides the address. Keys and certificates are read here: what a bad one throws there,
 * kafkajs takes for a broker that is down.
 */
export function sslOptions({ ssl = false }: CompleteSettings): ConnectionOptions | undefined {
  if (ssl === false) return undefined;
  const options = ssl === true ? {} : ssl;
  try {
    return { ...options, secureContext: createSecureContext(options) };
  } catch (cause) {
    throw new ChangeoverError('BAD_SETTINGS', `the setting ssl holds a key or certificate that cannot be used: ${String(cause)}`, {
      cause,
    });
  }
}

/** A copy: kafkajs puts a function into what it is given, and the settings are not ours. */
export function saslOptions({ sasl }: CompleteSettings): CompleteSettings['sasl'] {
  return sasl && { ...sasl };
}
