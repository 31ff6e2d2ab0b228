import { noCrash, RandomIdSource, SystemClock } from '@changeover/core';
import {
  encodeFrameHeader,
  encodeJsonBody,
  SequencedLog,
  tableName,
  type LogWriter,
  type ProgressBody,
  type RecordRef,
  type TableSchema,
} from '@changeover/events';
import { mappingHash, parseMapping } from '@changeover/mapping';
import { LoadLoop, SilentObserver, TransformLoop, type PipelineObserver } from '@changeover/pipeline';
import { PostgresTarget } from '@changeover/target-postgres';
import {
  inserted,
  InMemoryMessageStore,
  InMemoryStateStore,
  MemoryStorage,
  StateStorage,
  testDatabase,
  textTable,
} from '@changeover/testing';

const CONTACT = textTable('contact', ['id', 'email', 'created', 'boss']);
const NOTE = textTable('note', ['id', 'contact']);
const TABLES = [CONTACT, NOTE];
const [CHANGES, WRITES] = ['m.changes', 'm.writes'];
const [CONTACTS, ADDRESSES, RECORD_ROWS] = [300, 70, 20];

const TARGET = `
  CREATE SCHEMA app;
  CREATE TABLE app.person (id int PRIMARY KEY, email text UNIQUE, boss int REFERENCES app.person);
  CREATE TABLE app.subscriber (id int PRIMARY KEY, email text UNIQUE, boss int REFERENCES app.subscriber);
  CREATE TABLE app.note (id int PRIMARY KEY, subscriber int NOT NULL REFERENCES app.subscriber);
`;

/** The same contacts twice: of those with one address the last one has it; the others have none, or are held. */
const contacts = (target: string, otherwise: 'empty' | 'held') => ({
  source: 'public.contact',
  target,
  columns: { id: { column: 'id' }, email: { column: 'email' }, boss: { column: 'boss' } },
  key: ['id'],
  requires: [{ parent: target, key: [{ column: 'boss' }] }],
  unique: [{ columns: ['email'], order: [{ column: 'created', descending: true }], otherwise }],
});

const MAPPING = parseMapping({
  rules: [
    contacts('app.person', 'empty'),
    contacts('app.subscriber', 'held'),
    {
      source: 'public.note',
      target: 'app.note',
      columns: { id: { column: 'id' }, subscriber: { column: 'contact' } },
      key: ['id'],
      requires: [{ parent: 'app.subscriber', key: [{ column: 'contact' }] }],
    },
  ],
});

type Contact = { readonly id: number; readonly email: string | null; readonly boss: number | null };

/** Every third has no address, and the one before it as its boss: it comes with that one, and goes with it. */
const SOURCE = Array.from({ length: CONTACTS }, (_, id): Contact =>
  id % 3 === 2 ? { id, email: null, boss: id - 1 } : { id, email: `a${String(id % ADDRESSES)}@example.com`, boss: null },
);

async function copied(storage: MemoryStorage): Promise<void> {
  const log = new SequencedLog(new InMemoryMessageStore(storage), new RandomIdSource());
  const writer = await log.openWriter(CHANGES, { writerId: 'capture', create: true });
  const refs = new Map<TableSchema, RecordRef>();
  for (const table of TABLES) {
    const body = encodeJsonBody('schema', { table, previous: null });
    refs.set(table, (await writer.append([{ kind: 'schema', body, last: true }]))[0] as RecordRef);
  }
  const copies = Object.fromEntries(TABLES.map((table) => [tableName(table), { since: 1 }]));
  await progress(writer, { copies } as Partial<ProgressBody>);
  const activation = { requestId: 'r', hash: mappingHash(MAPPING), mapping: MAPPING };
  await writer.append([{ kind: 'mapping-activated', body: encodeJsonBody('mapping-activated', activation), last: true }]);
  const number = (id: number): string => String(id).padStart(3, '0');
  const rows = new Map([
    [CONTACT, SOURCE.map(({ id, email, boss }) => [number(id), email, number(id), boss === null ? null : number(boss)])],
    [NOTE, SOURCE.map(({ id }) => [number(1000 + id), number(id)])],
  ]);
  for (const [table, of] of rows) {
    const { rows: bytes, ...event } = inserted(table, ...of);
    const ref = refs.get(table) as RecordRef;
    const body = [encodeFrameHeader({ ...event, op: 'r', schemaSeq: ref.seq }, bytes.length), bytes];
    await writer.append([{ kind: 'snapshot-chunk', body, last: true, facts: { schemas: [ref], rows: of.length, ts_ms: 1 } }]);
  }
  // Where nothing is copied any more everything is derived; with the one behind it that has ended.
  await progress(writer, {});
  await progress(writer, {});
}

async function progress(writer: LogWriter, more: Partial<ProgressBody>): Promise<void> {
  const body = {
    ...{ phase: 'streaming', position: null, systemId: 's', timeline: 1, schemas: {} },
    ...{ requests: { through: 0, beyond: [] }, mapping: null },
    ...more,
  } as unknown as ProgressBody;
  await writer.append([{ kind: 'progress', body: encodeJsonBody('progress', body), last: true }]);
}

/** Runs one of the loops until the last record of `changes` is through it. */
async function through(storage: MemoryStorage, run: (observer: SilentObserver, signal: AbortSignal) => Promise<void>): Promise<void> {
  const { seq } = await new SequencedLog(new InMemoryMessageStore(storage), new RandomIdSource()).head(CHANGES);
  const abort = new AbortController();
  const observer = new SilentObserver();
  observer.advanced = ({ changesSeq }) => {
    if (changesSeq >= seq) abort.abort();
  };
  await run(observer, abort.signal);
}

function shouldStand(): unknown {
  const last = new Map(SOURCE.map(({ id, email }) => [email, id]));
  const wins = ({ id, email }: Contact): boolean => email === null || last.get(email) === id;
  const subscribes = ({ boss, ...one }: Contact): boolean => wins({ ...one, boss }) && (boss === null || wins(SOURCE[boss] as Contact));
  const away = SOURCE.filter((one) => !subscribes(one));
  return {
    people: SOURCE.map((one) => [one.id, wins(one) ? one.email : null, one.boss]),
    subscribers: SOURCE.filter(subscribes).map(({ id, email, boss }) => [id, email, boss]),
    notes: SOURCE.filter(subscribes).map(({ id }) => [1000 + id, id]),
    held: [
      ...away.map((one) => ['app.subscriber', one.id, wins(one) ? 'waiting' : 'held']),
      ...away.map(({ id }) => ['app.note', 1000 + id, 'waiting']),
    ],
    refused: 0,
  };
}

it.each([
  ['each record by itself', 1],
  ['all of them at once', 1_000_000],
])(
  'rivals that come later in the first copy have the value in the end, with those that stood on the others gone: %s',
  async (_, maxBatchRows) => {
    await using database = await testDatabase();
    const sql = await database.connect();
    await sql.query(TARGET);
    const storage = new MemoryStorage();
    await copied(storage);
    const log = (): SequencedLog => new SequencedLog(new InMemoryMessageStore(storage), new RandomIdSource());
    const parts = { clock: new SystemClock(), ids: new RandomIdSource() };

    await through(storage, (observer, signal) =>
      new TransformLoop({
        ...{ migration: 'm', changes: CHANGES, writes: WRITES, log: log(), converters: {}, observer, crashPoint: noCrash, ...parts },
        openState: () => Promise.resolve(new InMemoryStateStore(new StateStorage())),
        mapping: () => Promise.resolve(MAPPING),
        limits: { maxQueuedBytes: 1e6, maxStateBytes: 1e6, recordRows: RECORD_ROWS },
      }).run(signal),
    );
    const changed = { updated: 0, deleted: 0 };
    const target = new PostgresTarget({ url: database.url, migration: 'm' });
    await through(storage, (observer, signal) => {
      const counting: PipelineObserver = observer;
      counting.applied = ({ report }) => {
        changed.updated += report.updated;
        changed.deleted += report.deleted;
      };
      return new LoadLoop({
        ...{ writes: WRITES, log: log(), target, observer, ...parts },
        limits: { maxBatchRows, maxBatchBytes: 1e6, maxQueuedBytes: 1e6 },
      }).run(signal);
    });

    await target.stop();

    // Those that came first were there, and were changed, or taken away: else this showed nothing.
    if (maxBatchRows === 1) expect(Math.min(changed.updated, changed.deleted)).toBeGreaterThan(50);
    const rows = async (text: string): Promise<unknown> => (await sql.query<unknown[]>({ text, rowMode: 'array' })).rows;
    expect({
      people: await rows('SELECT id, email, boss FROM app.person ORDER BY id'),
      subscribers: await rows('SELECT id, email, boss FROM app.subscriber ORDER BY id'),
      notes: await rows('SELECT id, subscriber FROM app.note ORDER BY id'),
      held: await rows('SELECT target, source_key::int, state FROM changeover.held ORDER BY target DESC, source_key::int'),
      refused: (await sql.query('SELECT 1 FROM changeover.refused')).rowCount,
    }).toEqual(shouldStand());
  },
  60_000,
);
