import type { ConnectionOptions } from 'node:tls';

/** How to reach Kafka, and how patient to be with it. */
export type KafkaLogSettings = {
  /** `host:port` of brokers to begin with; the others are found through them. */
  readonly brokers: readonly string[];
  /** TLS: `true` for the system's authorities, else what Node's `tls.connect` takes of these. */
  readonly ssl?: boolean | Pick<ConnectionOptions, 'ca' | 'cert' | 'key' | 'passphrase' | 'rejectUnauthorized' | 'servername'>;
  readonly sasl?: {
    readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
    readonly username: string;
    readonly password: string;
  };
  /** What the broker's logs and quotas show. Default `changeover`. */
  readonly clientId?: string;
  /** Copies of a stream's topic when we create it. Default: the broker's default. */
  readonly replicationFactor?: number;
  /** How many of them must have a message before it counts as stored. Default: the broker's default. */
  readonly minInSyncReplicas?: number;
  /** Bytes that one reader may hold before they are delivered, as stored (batches stay compressed until their turn). Default 8 MiB. */
  readonly readAheadBytes?: number;
  /** How long a connection may take to open, in ms. Default 5,000. */
  readonly connectMs?: number;
  /** How long a request may go without an answer before its connection counts as lost, in ms. Default 15,000. */
  readonly requestMs?: number;
  /** How long a call goes on trying (a broker restarts, a partition moves) before it rejects with LOG_UNREACHABLE, in ms. Default 30,000. */
  readonly patienceMs?: number;
};

/** {@link KafkaLogSettings} with every default filled in. */
export type CompleteSettings = Required<Omit<KafkaLogSettings, Optional>> & Pick<KafkaLogSettings, Optional>;
type Optional = 'ssl' | 'sasl' | 'replicationFactor' | 'minInSyncReplicas';

export function withDefaults(settings: KafkaLogSettings): CompleteSettings {
  return {
    clientId: 'changeover',
    readAheadBytes: 8 * 1024 * 1024,
    connectMs: 5_000,
    requestMs: 15_000,
    patienceMs: 30_000,
    ...settings,
  };
}
