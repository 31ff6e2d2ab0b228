import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { ChangeoverError, type Clock, type CrashPoint, type IdSource } from '@changeover/core';
import {
  SequencedLog,
  type ChangeSource,
  type Checkpoints,
  type ColumnTypes,
  type EventLog,
  type HeldRowList,
  type RefusedRetries,
  type MessageStore,
  type RebuiltTables,
  type SampleTables,
  type SourceSnapshots,
  type StateLook,
  type StateStore,
  type TableCatalogue,
  type TargetMoves,
  type TargetReader,
  type TargetRows,
  type TargetWriter,
} from '@changeover/events';
import type { KafkaLogSettings } from '@changeover/log-kafka';
import { PostgresMessageStore } from '@changeover/log-postgres';
import { PostgresSource, PostgresSourceCatalogue, PostgresSourceSnapshots, type PostgresSourceSettings } from '@changeover/source-postgres';
import { emptyStoredState, LmdbStateStore, lookAtStoredState, storedStateBytes } from '@changeover/state-lmdb';
import {
  PostgresCheckpoints,
  PostgresColumnTypes,
  PostgresHeldRowList,
  PostgresRefusedRetries,
  PostgresRebuiltTables,
  PostgresSampleTables,
  PostgresTarget,
  PostgresTargetCatalogue,
  PostgresTargetMoves,
  PostgresTargetReader,
  PostgresTargetRows,
} from '@changeover/target-postgres';

import type { CaptureSettings, KafkaSettings, LogSettings, SourceSettings, StateSettings, TargetSettings } from '../settings/schema.js';

/** What any adapter may need beside its own section of the settings. */
export type AdapterContext = {
  readonly migration: string;
  readonly limits: CaptureSettings['limits'];
  readonly clock: Clock;
  /** How long a call to a log on Kafka goes on trying, and waits for an answer. Default: as long as a running migration should. */
  readonly logPatienceMs?: number;
};

type OfType<Settings extends { readonly type: string }, Type extends Settings['type']> = Extract<Settings, { readonly type: Type }>;
/** One line per technology: nothing outside this file and the technology's own lib names it. */
type Registry<Settings extends { readonly type: string }, Port> = {
  readonly [Type in Settings['type']]: (settings: OfType<Settings, Type>, context: AdapterContext) => Port;
};

const SOURCES: Registry<SourceSettings, ChangeSource> = {
  postgres: (settings, { migration, limits, clock }) =>
    new PostgresSource({ ...selected(settings, migration), readAheadBytes: limits.readAheadBytes }, clock),
};

/** What tables the two ends have. */
const SOURCE_CATALOGUES: Registry<SourceSettings, TableCatalogue> = {
  postgres: (settings, { migration }) => new PostgresSourceCatalogue(selected(settings, migration)),
};

const SOURCE_SNAPSHOTS: Registry<SourceSettings, SourceSnapshots> = {
  postgres: (settings, { migration, clock }) => new PostgresSourceSnapshots(selected(settings, migration), clock),
};

const TARGET_CATALOGUES: Registry<TargetSettings, TableCatalogue> = {
  postgres: ({ url }, { migration }) => new PostgresTargetCatalogue({ url, migration }),
};

const TARGET_ROWS: Registry<TargetSettings, TargetRows> = {
  postgres: ({ url }, { migration }) => new PostgresTargetRows({ url, migration }),
};

const COLUMN_TYPES: Registry<TargetSettings, ColumnTypes> = {
  postgres: ({ url }, { migration }) => new PostgresColumnTypes({ url, migration }),
};

type ReaderParts = { readonly ids: IdSource; readonly crashPoint?: CrashPoint };

const TARGET_READERS: Registry<TargetSettings, (parts: ReaderParts) => TargetReader> = {
  postgres:
    ({ url }, { migration, clock }) =>
    (parts) =>
      new PostgresTargetReader({ url, migration, clock, ...parts }),
};

const CHECKPOINTS: Registry<TargetSettings, Checkpoints> = {
  postgres: ({ url }, { migration }) => new PostgresCheckpoints({ url, migration }),
};

const TARGET_MOVES: Registry<TargetSettings, (ids: IdSource, crashPoint: CrashPoint) => TargetMoves> = {
  postgres:
    ({ url }, { migration, clock, limits }) =>
    (ids, crashPoint) =>
      new PostgresTargetMoves({ url, migration, clock, ids, crashPoint, maxBytes: limits.moveBytes }),
};

const HELD_ROW_LISTS: Registry<TargetSettings, HeldRowList> = {
  postgres: ({ url }, { migration }) => new PostgresHeldRowList({ url, migration }),
};

const REFUSED_RETRIES: Registry<TargetSettings, RefusedRetries> = {
  postgres: ({ url }, { migration }) => new PostgresRefusedRetries({ url, migration }),
};

const TARGETS: Registry<TargetSettings, (crashPoint: CrashPoint) => TargetWriter> = {
  postgres:
    ({ url, synchronousCommit, existingRows }, { migration }) =>
    (crashPoint) =>
      new PostgresTarget({ url, migration, synchronousCommit, existingRows, crashPoint }),
};

const SAMPLE_TABLES: Registry<TargetSettings, (schema: string) => SampleTables> = {
  postgres:
    ({ url }, { migration }) =>
    (schema) =>
      new PostgresSampleTables({ url, migration, schema }),
};

type RebuiltPlace = { readonly id: string; readonly schema: string; readonly crashPoint: CrashPoint };

const REBUILT_TABLES: Registry<TargetSettings, (place: RebuiltPlace) => RebuiltTables> = {
  postgres:
    ({ url }, { migration, clock }) =>
    ({ id, schema, crashPoint }) =>
      new PostgresRebuiltTables({ url, migration, clock, id, schema, crashPoint }),
};

const STORES: Registry<LogSettings, Promise<MessageStore>> = {
  embedded: ({ url }, { migration, limits, clock }) =>
    Promise.resolve(
      new PostgresMessageStore({ url, applicationName: `changeover-${migration}-log`, readAheadBytes: limits.readAheadBytes }, clock),
    ),
  kafka: async (settings, { migration, limits, clock, logPatienceMs }) => {
    // Two hundred files that who writes to no broker does not wait for.
    const { KafkaMessageStore } = await import('@changeover/log-kafka');
    return new KafkaMessageStore(
      {
        ...(await kafkaLog(settings)),
        clientId: `changeover-${migration}`,
        readAheadBytes: limits.readAheadBytes,
        ...(logPatienceMs !== undefined && { patienceMs: logPatienceMs, requestMs: logPatienceMs }),
      },
      clock,
    );
  },
};

/** The source of the settings. Connects when it is first asked for something. */
export function createSource(settings: SourceSettings, context: AdapterContext): ChangeSource {
  return SOURCES[settings.type](settings, context);
}

/** The tables that the settings select at the source. Connects when it is asked. */
export function createSourceCatalogue(settings: SourceSettings, context: AdapterContext): TableCatalogue {
  return SOURCE_CATALOGUES[settings.type](settings, context);
}

/** Snapshots of the source. Connects when one is opened. */
export function createSourceSnapshots(settings: SourceSettings, context: AdapterContext): SourceSnapshots {
  return SOURCE_SNAPSHOTS[settings.type](settings, context);
}

/** The tables of the target. Connects when it is asked. */
export function createTargetCatalogue(settings: TargetSettings, context: AdapterContext): TableCatalogue {
  return TARGET_CATALOGUES[settings.type](settings, context);
}

/** Rows of the target, whoever has written them. Connects when it is asked. */
export function createTargetRows(settings: TargetSettings, context: AdapterContext): TargetRows {
  return TARGET_ROWS[settings.type](settings, context);
}

/** What the columns of the target take. Connects when it is asked. */
export function createColumnTypes(settings: TargetSettings, context: AdapterContext): ColumnTypes {
  return COLUMN_TYPES[settings.type](settings, context);
}

/** What the target lists as held, waiting and refused. Connects when it is asked. */
export function createHeldRowList(settings: TargetSettings, context: AdapterContext): HeldRowList {
  return HELD_ROW_LISTS[settings.type](settings, context);
}

/** Has load try rows again that the target refuses. Connects when it is asked. */
export function createRefusedRetries(settings: TargetSettings, context: AdapterContext): RefusedRetries {
  return REFUSED_RETRIES[settings.type](settings, context);
}

/** Reads the target of the settings where load is. Connects when it is asked. */
export function createTargetReader(settings: TargetSettings, context: AdapterContext & ReaderParts): TargetReader {
  const { ids, crashPoint } = context;
  return TARGET_READERS[settings.type](settings, context)({ ids, ...(crashPoint && { crashPoint }) });
}

/** The checkpoints of the target. Connects when it is asked. */
export function createCheckpoints(settings: TargetSettings, context: AdapterContext): Checkpoints {
  return CHECKPOINTS[settings.type](settings, context);
}

/** Takes the target of the settings to other places. Connects when it is asked. */
export function createTargetMoves(
  settings: TargetSettings,
  context: AdapterContext & { readonly ids: IdSource; readonly crashPoint: CrashPoint },
): TargetMoves {
  return TARGET_MOVES[settings.type](settings, context)(context.ids, context.crashPoint);
}

/** The target of the settings. Connects when it is opened. */
export function createTarget(settings: TargetSettings, context: AdapterContext & { readonly crashPoint: CrashPoint }): TargetWriter {
  return TARGETS[settings.type](settings, context)(context.crashPoint);
}

/** Tables for a sample of the rows, in a schema of the target. Connects when it is first asked for something. */
export function createSampleTables(settings: TargetSettings, context: AdapterContext, schema: string): SampleTables {
  return SAMPLE_TABLES[settings.type](settings, context)(schema);
}

/** The migration's tables once more, in a schema of the target. Connects when it is first asked for something. */
export function createRebuiltTables(settings: TargetSettings, context: AdapterContext, place: RebuiltPlace): RebuiltTables {
  return REBUILT_TABLES[settings.type](settings, context)(place);
}

/** Opens what transform remembers beside the log. `onLost` is told that something was there which cannot be used: it begins empty then. */
export async function openState(
  { folder }: StateSettings,
  {
    migration,
    clock,
    ids,
    onLost,
  }: Pick<AdapterContext, 'migration' | 'clock'> & {
    readonly ids: IdSource;
    readonly onLost: (warning: ChangeoverError) => void;
  },
): Promise<StateStore> {
  const store = await LmdbStateStore.open({ folder: stateFolder({ folder }, migration), name: stateName(migration), clock, ids });
  if (store.lost !== null) {
    const message = 'what transform remembered beside the log cannot be used and is filled again from the log';
    onLost(new ChangeoverError('STATE_LOST', `${message}: ${store.lost}`, { facts: { why: store.lost } }));
  }
  return store;
}

/** Opens a state of which nothing is kept, in a folder of its own, whose owner takes it away. */
export function openScratchState(
  folder: string,
  { migration, clock, ids }: Pick<AdapterContext, 'migration' | 'clock'> & { readonly ids: IdSource },
): Promise<StateStore> {
  return LmdbStateStore.open({ folder, name: `${migration}.scratch`, clock, ids });
}

/** Where the migration's state lies. */
export function stateFolder({ folder }: StateSettings, migration: string): string {
  return join(folder, migration);
}

/** The bytes of what transform remembers beside the log; null: nothing. Makes nothing, and disturbs nobody. */
export function stateBytes(settings: StateSettings, migration: string): Promise<number | null> {
  return storedStateBytes(stateFolder(settings, migration));
}

/** Looks at what transform has committed last of what it remembers beside the log, and disturbs nobody; null: nothing. */
export function lookAtState(settings: StateSettings, migration: string): Promise<StateLook | null> {
  return lookAtStoredState({ folder: stateFolder(settings, migration), name: stateName(migration) });
}

/** Forgets what transform remembers beside the log, so that it is filled again from there. A transform that runs is fenced (STATE_FENCED). */
export async function emptyState(
  settings: StateSettings,
  { migration, clock, ids }: Pick<AdapterContext, 'migration' | 'clock'> & { readonly ids: IdSource },
): Promise<void> {
  await emptyStoredState({ folder: stateFolder(settings, migration), name: stateName(migration), clock, ids });
}

function stateName(migration: string): string {
  return `${migration}.writes`;
}

/** An event log and the store below it, which is what has to be stopped. */
export type OpenLog = { readonly log: EventLog; readonly store: MessageStore };

/** The event log of the settings. Connects when it is first asked for something. */
export async function createLog(
  settings: LogSettings,
  context: AdapterContext & { readonly ids: IdSource; readonly crashPoint: CrashPoint },
): Promise<OpenLog> {
  // The union's members and the registry's lines go together; TypeScript cannot see that across an index.
  const create = STORES[settings.type] as (settings: LogSettings, context: AdapterContext) => Promise<MessageStore>;
  const store = await create(settings, context);
  return { store, log: new SequencedLog(store, context.ids, context.crashPoint) };
}

function selected({ url, schemas, tables, exclude, tablesWithoutKey }: SourceSettings, migration: string): PostgresSourceSettings {
  const selection = { ...(schemas && { schemas }), ...(tables && { tables }), ...(exclude && { exclude }) };
  return { url, migration, tables: selection, tablesWithoutKey };
}

async function kafkaLog({ brokers, ssl, sasl, replicationFactor, minInSyncReplicas }: KafkaSettings): Promise<KafkaLogSettings> {
  return {
    brokers,
    ssl: typeof ssl === 'boolean' ? ssl : await readTls(ssl),
    ...(sasl && { sasl }),
    ...(replicationFactor !== undefined && { replicationFactor }),
    ...(minInSyncReplicas !== undefined && { minInSyncReplicas }),
  };
}

async function readTls({
  caFile,
  certFile,
  keyFile,
}: Exclude<KafkaSettings['ssl'], boolean>): Promise<{ ca?: Buffer; cert?: Buffer; key?: Buffer }> {
  return {
    ...(caFile !== undefined && { ca: await readPem(caFile) }),
    ...(certFile !== undefined && { cert: await readPem(certFile) }),
    ...(keyFile !== undefined && { key: await readPem(keyFile) }),
  };
}

async function readPem(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw new ChangeoverError('BAD_SETTINGS', `log.ssl: ${file} cannot be read`, { cause });
  }
}
