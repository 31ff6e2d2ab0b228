import { ChangeoverError, invariant, SystemClock, type Clock } from '@changeover/core';
import { MessageStore, type Retention, type StoredMessage, type StreamName } from '@changeover/events';
import pg from 'pg';

import { encodeBlocks, type EncodedBlock } from './block-codec.js';
import { streamMissing } from './log-error.js';
import { readStream } from './read-stream.js';
import { APPEND, BOUNDS, CREATE_STREAM, CREATE_TABLES, LOCK_SCHEMA, REMOVE_STREAM, TABLES_EXIST } from './schema.js';
import { Session } from './session.js';
import { withDefaults, type CompleteSettings, type PostgresLogSettings } from './settings.js';

/**
 * The embedded log: streams as tables of a database of our own. One append is one row ("block") and one round trip;
 * it resolves when its commit is flushed. A reader waits on NOTIFY.
 *
 * Sessions are taken from a pool per call, a reader keeps its own while it reads. A session that met an error, or
 * was left in the middle of something, is closed and never used again.
 */
export class PostgresMessageStore extends MessageStore {
  readonly #settings: CompleteSettings;
  readonly #clock: Clock;
  readonly #pool: pg.Pool;
  readonly #sessions = new Set<Session>();
  readonly #appending = new Set<StreamName>();
  readonly #endReaders = new Set<() => void>();
  #stopped = false;

  constructor(settings: PostgresLogSettings, clock: Clock = new SystemClock()) {
    super();
    this.#settings = withDefaults(settings);
    this.#clock = clock;
    this.#pool = openPool(this.#settings);
    // An idle connection that breaks is the pool's to replace; it need not end the process.
    this.#pool.on('error', () => undefined);
    // Nor need one that breaks while it is handed over, when neither the pool nor a session listens: its next query fails.
    this.#pool.on('connect', (client) => client.on('error', () => undefined));
  }

  create(stream: StreamName): Promise<'created' | 'exists'> {
    return this.#withSession(async (session) => {
      const [tables] = await session.query<{ complete: boolean }>({ text: TABLES_EXIST });
      if (tables?.complete !== true) {
        await inTransaction(session, async () => {
          await session.query({ text: LOCK_SCHEMA });
          await session.query({ text: CREATE_TABLES });
        });
      }
      const made = await session.count({ text: CREATE_STREAM, values: [stream] });
      return made === 1 ? 'created' : 'exists';
    });
  }

  /** Nobody but an administrator takes anything away. */
  async retention(stream: StreamName): Promise<Retention> {
    await this.bounds(stream);
    return { ms: null, bytes: null };
  }

  remove(stream: StreamName): Promise<void> {
    return this.#withSession(async (session) => {
      const [tables] = await session.query<{ complete: boolean }>({ text: TABLES_EXIST });
      if (tables?.complete === true) await session.query({ text: REMOVE_STREAM, values: [stream] });
    });
  }

  bounds(stream: StreamName): Promise<{ readonly start: number; readonly end: number }> {
    return this.#withSession(async (session) => {
      const [row] = await session.query<{ stream_end: string; stream_start: string | null }>({
        name: 'bounds',
        text: BOUNDS,
        values: [stream],
      });
      if (row === undefined) throw streamMissing(stream);
      const end = Number(row.stream_end);
      return { start: row.stream_start === null ? end : Number(row.stream_start), end };
    });
  }

  async append(stream: StreamName, messages: readonly Buffer[]): Promise<number> {
    invariant(messages.length > 0, 'an append needs a message');
    invariant(!this.#appending.has(stream), `an append to ${stream} is under way`);
    this.#appending.add(stream);
    try {
      const blocks = await encodeBlocks(messages);
      return await this.#withSession((session) => store(session, stream, blocks));
    } finally {
      this.#appending.delete(stream);
    }
  }

  async *read(
    stream: StreamName,
    from: number,
    options: { readonly signal: AbortSignal; readonly until?: number },
  ): AsyncGenerator<readonly StoredMessage[]> {
    const { signal, until = Infinity } = options;
    const ending = new AbortController();
    let session: Session | undefined;
    const end = (): void => {
      ending.abort();
      // A query under way would hold the reader for as long as the server likes.
      session?.release(true);
    };
    signal.addEventListener('abort', end, { once: true });
    this.#endReaders.add(end);
    try {
      if (signal.aborted || this.#stopped) return;
      session = await this.#open();
      yield* readStream(session, {
        stream,
        from,
        until,
        signal: ending.signal,
        pageBytes: Math.ceil(this.#settings.readAheadBytes / 2),
        pollMs: this.#settings.pollMs,
      });
    } catch (error) {
      // Whatever the abort broke is no error of the log.
      if (!ending.signal.aborted) throw error;
    } finally {
      signal.removeEventListener('abort', end);
      this.#endReaders.delete(end);
      if (session !== undefined) this.#close(session);
    }
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    for (const end of this.#endReaders) end();
    for (const session of this.#sessions) session.release(true);
    await this.#pool.end();
  }

  async #withSession<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const session = await this.#open();
    try {
      return await work(session);
    } finally {
      this.#close(session);
    }
  }

  async #open(): Promise<Session> {
    if (this.#stopped) throw stopped();
    const session = await Session.open(this.#pool, this.#clock);
    if (this.#stopped) {
      session.release(true);
      throw stopped();
    }
    this.#sessions.add(session);
    return session;
  }

  #close(session: Session): void {
    this.#sessions.delete(session);
    session.release();
  }
}

function openPool(settings: CompleteSettings): pg.Pool {
  return new pg.Pool({
    connectionString: settings.url,
    ...(settings.ssl === undefined ? {} : { ssl: settings.ssl }),
    application_name: settings.applicationName,
    // A reader keeps its session, so this bounds readers and appends together; the server's own limit is usually lower.
    max: 64,
    connectionTimeoutMillis: settings.connectMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    // The server's limit comes first, so that a slow statement ends there too, and not only for us.
    statement_timeout: settings.requestMs,
    query_timeout: settings.requestMs + 1_000,
    // A process frozen inside a large append must not keep the stream's row locked.
    idle_in_transaction_session_timeout: settings.requestMs,
  });
}

async function store(session: Session, stream: StreamName, blocks: readonly EncodedBlock[]): Promise<number> {
  if (blocks.length === 1) return storeBlock(session, stream, blocks[0] as EncodedBlock);
  return inTransaction(session, async () => {
    let first: number | undefined;
    for (const block of blocks) {
      const offset = await storeBlock(session, stream, block);
      first ??= offset;
    }
    return first as number;
  });
}

async function storeBlock(session: Session, stream: StreamName, block: EncodedBlock): Promise<number> {
  const [row] = await session.query<{ first_offset: string }>({
    name: 'append',
    text: APPEND,
    values: [stream, block.messageCount, block.codec, block.data],
  });
  if (row === undefined) throw streamMissing(stream);
  return Number(row.first_offset);
}

/** An error rolls back by closing the session. */
async function inTransaction<T>(session: Session, work: () => Promise<T>): Promise<T> {
  try {
    await session.query({ text: 'begin' });
    const result = await work();
    await session.query({ text: 'commit' });
    return result;
  } catch (error) {
    session.release(true);
    throw error;
  }
}

function stopped(): ChangeoverError {
  return new ChangeoverError('LOG_UNREACHABLE', 'the message store was stopped');
}
