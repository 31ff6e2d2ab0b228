import { ChangeoverError } from '@changeover/core';

/** Which tables are captured. Names are as the catalogue holds them, unquoted: `crm.contacts`. */
export type TableSelection = {
  /** Every permanent table of these schemas. Default: `public`, if `tables` names none. */
  readonly schemas?: readonly string[];
  /** These tables, `schema.table`. */
  readonly tables?: readonly string[];
  /** Not these, `schema.table`. */
  readonly exclude?: readonly string[];
};

/**
 * What to do with a table by whose rows nothing can be found (no primary key, no replica identity):
 * - `refuse`: an error, with the lines that would help;
 * - `full`: capture it if it has REPLICA IDENTITY FULL (each update and delete then logs the whole old row);
 * - `insert-only`: capture it as it is. **PostgreSQL then refuses updates and deletes of that table to everybody**; only
 *   for tables that are really never updated.
 */
export type TablesWithoutKey = 'refuse' | 'insert-only' | 'full';

export type PostgresSourceSettings = {
  /** `postgres://user:password@host:port/database?sslmode=…`; a user with REPLICATION. */
  readonly url: string;
  /** The migration's id: the slot and the publication are `changeover_<id>`, with `-` written as `_`. */
  readonly migration: string;
  readonly tables?: TableSelection;
  /** Default `refuse`. */
  readonly tablesWithoutKey?: TablesWithoutKey;
  /** How often the source is told what is safe, in ms; default 2000, never more than a third of its wal_sender_timeout. */
  readonly statusIntervalMs?: number;
  /** What may be read ahead of the reader, in bytes; default 16 MB. */
  readonly readAheadBytes?: number;
};

/** The settings with every default filled in and every name derived. */
export type SourceConfig = {
  readonly url: string;
  /** Names the slot, the publication and the prefix of our marks. */
  readonly slot: string;
  readonly applicationName: string;
  readonly schemas: readonly string[];
  readonly tables: readonly { readonly schema: string; readonly table: string }[];
  readonly exclude: readonly string[];
  readonly tablesWithoutKey: TablesWithoutKey;
  readonly statusIntervalMs: number;
  readonly readAheadBytes: number;
};

const SLOT_NAME = /^[a-z0-9_]{1,63}$/;
const DEFAULT_STATUS_INTERVAL_MS = 2000;
const DEFAULT_READ_AHEAD_BYTES = 16 * 1024 * 1024;

/** BAD_SETTINGS if something does not fit. Connects nowhere. */
export function sourceConfig(settings: PostgresSourceSettings): SourceConfig {
  const slot = `changeover_${settings.migration.replaceAll('-', '_')}`;
  if (!SLOT_NAME.test(slot) || settings.migration === '') {
    throw new ChangeoverError(
      'BAD_SETTINGS',
      `the migration's id ${JSON.stringify(settings.migration)} does not fit: 1 to 52 of a-z, 0-9, _ and -`,
    );
  }
  const statusIntervalMs = settings.statusIntervalMs ?? DEFAULT_STATUS_INTERVAL_MS;
  const readAheadBytes = settings.readAheadBytes ?? DEFAULT_READ_AHEAD_BYTES;
  if (!(statusIntervalMs >= 1))
    throw new ChangeoverError('BAD_SETTINGS', `statusIntervalMs is ${String(statusIntervalMs)}, which is no duration`);
  if (!(readAheadBytes >= 1)) throw new ChangeoverError('BAD_SETTINGS', `readAheadBytes is ${String(readAheadBytes)}, which is no size`);
  const tables = (settings.tables?.tables ?? []).map(splitName);
  return {
    url: checkedUrl(settings.url),
    slot,
    applicationName: `changeover-${settings.migration}-capture`,
    schemas: settings.tables?.schemas ?? (tables.length === 0 ? ['public'] : []),
    tables,
    exclude: settings.tables?.exclude ?? [],
    tablesWithoutKey: settings.tablesWithoutKey ?? 'refuse',
    statusIntervalMs,
    readAheadBytes,
  };
}

/** The URL without a name for the session: ours is how a take-over finds us. The text never enters a message: it holds the password. */
function checkedUrl(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed === null || !/^postgres(ql)?:$/.test(parsed.protocol)) {
    throw new ChangeoverError('BAD_SETTINGS', "the source's url is not of the form postgres://user:password@host:port/database");
  }
  parsed.searchParams.delete('application_name');
  return parsed.toString();
}

function splitName(name: string): { schema: string; table: string } {
  const dot = name.indexOf('.');
  if (dot < 1 || dot === name.length - 1)
    throw new ChangeoverError('BAD_SETTINGS', `${JSON.stringify(name)} is not of the form schema.table`);
  return { schema: name.slice(0, dot), table: name.slice(dot + 1) };
}
