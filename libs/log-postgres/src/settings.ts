import type { ConnectionOptions } from 'node:tls';

/** Where the embedded log lives and how patient we are with it. */
export type PostgresLogSettings = {
  /** Connection string of a database of our own. Never logged: it may hold a password. */
  readonly url: string;
  /** TLS, where the connection string does not say it. */
  readonly ssl?: ConnectionOptions | boolean;
  /** What pg_stat_activity shows. Default `changeover-log`. */
  readonly applicationName?: string;
  /** Bytes that one reader may hold before they are delivered, as stored (blocks stay compressed until their turn). Default 8 MiB. */
  readonly readAheadBytes?: number;
  /** How long a connection may take to open, in ms. Default 5,000. */
  readonly connectMs?: number;
  /** How long one statement may take before the connection counts as lost, in ms. Default 30,000. */
  readonly requestMs?: number;
  /**
   * A reader that waits for NOTIFY looks by itself this often, in ms. Default 2,000. It finds what tells nobody: a
   * stream that was deleted, a connection that is only half there.
   */
  readonly pollMs?: number;
};

/** {@link PostgresLogSettings} with every default filled in. */
export type CompleteSettings = Required<Omit<PostgresLogSettings, 'ssl'>> & Pick<PostgresLogSettings, 'ssl'>;

export function withDefaults(settings: PostgresLogSettings): CompleteSettings {
  return {
    applicationName: 'changeover-log',
    readAheadBytes: 8 * 1024 * 1024,
    connectMs: 5_000,
    requestMs: 30_000,
    pollMs: 2_000,
    ...settings,
  };
}
