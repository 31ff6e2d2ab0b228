import { z } from 'zod';

import { bytes } from './bytes.js';
import { duration } from './duration.js';
import { isPostgresUrl, POSTGRES_URL_FORM } from './postgres-url.js';

/** Long enough for any name people give, short enough for slot and topic names made from it. */
export const MIGRATION_ID = /^[a-z][a-z0-9_]{0,30}$/;

const postgresUrl = z.string().refine(isPostgresUrl, { error: POSTGRES_URL_FORM });

const qualified = z.string().regex(/^[^.]+\..+$/, { error: 'must be of the form schema.table; the first dot separates the two' });

const port = z.int().min(0).max(65_535);

const migration = z
  .string()
  .regex(MIGRATION_ID, { error: 'must begin with a letter and hold at most 31 of a-z, 0-9 and _' })
  .describe('Name of the migration. Slot, streams and leases are named after it, so it never changes once started.');

const source = z
  .discriminatedUnion('type', [
    z.strictObject({
      type: z.literal('postgres').describe('PostgreSQL 14 to 18, read through logical replication.'),
      url: postgresUrl.describe(
        'The old database. The user needs REPLICATION and must own the captured tables, or a superuser makes the publication.',
      ),
      schemas: z
        .array(z.string().min(1))
        .min(1)
        .optional()
        .describe('Capture every table of these schemas. Default: `public`, unless `tables` names some.'),
      tables: z
        .array(qualified)
        .min(1)
        .optional()
        .describe(
          'Capture these tables, as `schema.table`, in addition to `schemas`. The first dot separates the two: a table may have dots in its name, a schema may not.',
        ),
      exclude: z.array(qualified).optional().describe('Tables of `schemas` that are not captured.'),
      tablesWithoutKey: z
        .enum(['refuse', 'full', 'insert-only'])
        .default('refuse')
        .describe(
          'What to do with a table that has neither primary key nor replica identity: `refuse` names it as an error; `full` captures it if it has REPLICA IDENTITY FULL; ' +
            '`insert-only` captures inserts, and **PostgreSQL then refuses updates and deletes of that table to everybody**.',
        ),
      maxRetainedBytes: z
        .strictObject({
          warn: bytes().prefault('2GB').describe('Warn from here on.'),
          release: bytes()
            .prefault('20GB')
            .describe(
              'Let go of the source and stop as SOURCE_RETENTION from here on, before its disk is full. A new migration is needed then.',
            ),
        })
        .prefault({})
        .describe('Limits on the write-ahead log that the source keeps for us while we are behind or away.'),
      copy: z
        .strictObject({
          parallel: z.int().min(1).max(16).default(2).describe('Tables at a time; each takes a connection to the source.'),
          chunkBytes: bytes()
            .prefault('2MB')
            .describe('Read at once of a table, in one short transaction. Two of them may be in memory for each table at a time.'),
          bytesPerSecond: bytes()
            .optional()
            .describe(
              'The most that is read of all tables together, so that the people who work with the source notice nothing. Default: no limit.',
            ),
        })
        .prefault({})
        .describe('How the rows are copied that were there before the start, or came with a table later.'),
    }),
  ])
  .describe('The old database.');

const target = z
  .discriminatedUnion('type', [
    z.strictObject({
      type: z.literal('postgres').describe('PostgreSQL 14 to 18.'),
      url: postgresUrl.describe('The new database. The user needs to write the mapped tables and to create the schema `changeover`.'),
      synchronousCommit: z
        .enum(['off', 'on'])
        .default('off')
        .describe(
          '`synchronous_commit` of ordinary batches. `off` is safe, because progress is lost together with the data and both come again; barriers always wait for the disk.',
        ),
      existingRows: z
        .enum(['refuse', 'leave'])
        .default('refuse')
        .describe(
          'What becomes of rows that stand in a table before its first load: `refuse` stops as TARGET_NOT_EMPTY; `leave` never changes or deletes them, ' +
            'and stops, also as TARGET_NOT_EMPTY, when a row of the source has the key of one of them. At most 100,000 of a table can be left, and only where it has a unique index on its key. ' +
            'A row of the source that wants a unique value of one of them is refused, as any row is. A foreign key that names one of them refers to it. They are known by their keys: do not change those.',
        ),
      checkpoints: z
        .strictObject({
          every: duration().describe('From one to the next, as `15min`, `1h` or `1d`.'),
          keep: z.int().min(1).max(10_000).default(24).describe('So many of them stay; those that were given a name stay anyway.'),
        })
        .optional()
        .describe('Load makes checkpoints by itself, called after the time. Left out: none but those that somebody makes.'),
    }),
  ])
  .describe('The new database.');

const kafka = z.strictObject({
  type: z.literal('kafka').describe('Apache Kafka 3.9 or 4.x.'),
  brokers: z
    .array(z.string().regex(/^[^@/]+:[0-9]+$/, { error: 'must be of the form host:port' }))
    .min(1)
    .describe('Bootstrap servers, as `host:port`.'),
  ssl: z
    .union([
      z.boolean(),
      z.strictObject({
        caFile: z.string().optional().describe('PEM file with the authorities to trust. Default: those of the system.'),
        certFile: z.string().optional().describe('PEM file with our certificate, for mutual TLS.'),
        keyFile: z.string().optional().describe('PEM file with its key.'),
      }),
    ])
    .default(false)
    .describe('TLS: `true` for the system’s authorities, or files, relative to the settings file.'),
  sasl: z
    .strictObject({
      mechanism: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']).describe('How to log in.'),
      username: z.string().min(1).describe('User.'),
      password: z.string().min(1).describe('Password; best as `env:NAME`.'),
    })
    .optional()
    .describe('Credentials. Default: none.'),
  replicationFactor: z.int().min(1).optional().describe('Copies of each topic that we create. Default: the broker’s default.'),
  minInSyncReplicas: z
    .int()
    .min(1)
    .optional()
    .describe('How many of them must have a message before it counts as stored. Default: the broker’s default.'),
});

const embeddedType = z.literal('embedded').describe('A table in a PostgreSQL of our own.');
const embeddedUrl = postgresUrl.describe(
  'The database that holds the log. `changeover up` starts one under `.changeover/` if this is missing.',
);

const LOG_WORDS = 'The event log, which is the truth: keep it, back it up.';
const log = z.discriminatedUnion('type', [z.strictObject({ type: embeddedType, url: embeddedUrl }), kafka]).describe(LOG_WORDS);
const logOrOurs = z
  .discriminatedUnion('type', [z.strictObject({ type: embeddedType, url: embeddedUrl.optional() }), kafka])
  .prefault({ type: 'embedded' })
  .describe(LOG_WORDS);

const CONTROL_WORDS = 'The control database: leases, status, operators’ requests.';
const controlUrl = postgresUrl.describe(
  'A PostgreSQL database; the schema `changeover_control` is made in it. `changeover up` starts one under `.changeover/` if this is missing.',
);
const control = z.strictObject({ url: controlUrl }).describe(CONTROL_WORDS);
const controlOrOurs = z.strictObject({ url: controlUrl.optional() }).prefault({}).describe(CONTROL_WORDS);

const mapping = z
  .string()
  .min(1)
  .optional()
  .describe(
    'File with the mapping (TypeScript, JavaScript or JSON), relative to the settings file. Default: every table and column keeps its name.',
  );

const state = z
  .strictObject({
    folder: z
      .string()
      .min(1)
      .default('.changeover/state')
      .describe(
        'Folder for what transform remembers beside the log, relative to the settings file; each migration has a folder of its own in it. On a local disk. If it is lost, it is filled again from the log.',
      ),
  })
  .prefault({})
  .describe('What transform remembers beside the log: the rows of the old database, and what became of them.');

const http = z
  .strictObject({
    host: z
      .string()
      .min(1)
      .default('127.0.0.1')
      .describe('Address that `/health/live`, `/health/ready` and `/metrics` are served on. They have no log-in: keep them inside.'),
    ports: z
      .strictObject({
        capture: port.default(8701).describe('Port of the capture.'),
        transform: port.default(8702).describe('Port of the transform.'),
        load: port.default(8703).describe('Port of the load.'),
      })
      .prefault({})
      .describe('Port per process. 0 takes any free one.'),
  })
  .prefault({})
  .describe('Health and metrics.');

const limits = z
  .strictObject({
    readAheadBytes: bytes().prefault('16MB').describe('What a process may read ahead of its work, in memory.'),
    batchBytes: bytes().prefault('8MB').describe('Size from which a batch is not made larger. One record may be larger than this.'),
    stateBytes: bytes().prefault('8MB').describe('What transform may have changed of its state, in memory, before it commits it.'),
    moveBytes: bytes()
      .prefault('256MB')
      .describe('What `changeover rewind` and `forward` may hold in memory of the rows that have changed between two places.'),
    derivationThreads: z
      .int()
      .min(0)
      .max(16)
      .optional()
      .describe(
        'Threads of transform, beside its own, that derive large tables for the first time; verify and rebuild use as many. 0: none. Left out: two fewer than there are processors, at most 4. Each takes about 80 MB, and more where rows are large.',
      ),
    batchRows: z.int().min(1).default(10_000).describe('Rows from which a batch is not made larger. One source transaction may have more.'),
  })
  .prefault({})
  .describe('Bounds on memory and batches. They never depend on how much data there is.');

const logging = z
  .strictObject({
    level: z.enum(['debug', 'info', 'warn', 'error']).default('info').describe('The least important lines that are written.'),
  })
  .prefault({})
  .describe('Logs go to standard output, one JSON object a line. They never hold values of a record.');

const everywhere = { migration, control, log, http, limits, logging };

/** One schema per app: what it reads of the one settings file. */
export const APP_SCHEMAS = {
  capture: z.strictObject({ ...everywhere, source, mapping }),
  transform: z.strictObject({ ...everywhere, mapping, state }),
  load: z.strictObject({ ...everywhere, target }),
  cli: z.strictObject({ ...everywhere, source, target, mapping, state, log: logOrOurs, control: controlOrOurs }),
} as const;

export type App = keyof typeof APP_SCHEMAS;
export type SettingsOf<A extends App> = z.output<(typeof APP_SCHEMAS)[A]>;

export type CaptureSettings = SettingsOf<'capture'>;
export type TransformSettings = SettingsOf<'transform'>;
export type LoadSettings = SettingsOf<'load'>;
/** As the file has it: the embedded services' addresses may be missing. */
export type CliSettings = SettingsOf<'cli'>;
/** What all three roles need, nothing missing. */
export type AllSettings = CaptureSettings & TransformSettings & LoadSettings;

export type SourceSettings = CaptureSettings['source'];
export type StateSettings = TransformSettings['state'];
export type TargetSettings = LoadSettings['target'];
export type LogSettings = CaptureSettings['log'];
export type KafkaSettings = Extract<LogSettings, { readonly type: 'kafka' }>;

/** The same settings with an address for each service that the file leaves to us. */
export function completeSettings(settings: CliSettings, ours: { readonly url: string }): AllSettings {
  const { log: given, control: where } = settings;
  return {
    ...settings,
    log: given.type === 'embedded' ? { type: 'embedded', url: given.url ?? ours.url } : given,
    control: { url: where.url ?? ours.url },
  };
}

/** Whether {@link completeSettings} would fill in anything. */
export function needsEmbeddedServices({ log: given, control: where }: CliSettings): boolean {
  return where.url === undefined || (given.type === 'embedded' && given.url === undefined);
}
