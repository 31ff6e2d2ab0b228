import { ChangeoverError, type ChangeoverError as Failure, type Clock, type Position } from '@changeover/core';
import pg from 'pg';

import { writePosition } from './lsn.js';
import { destroySession, openSession, type SessionOptions } from './session.js';
import { sourceError } from './source-error.js';

const POSTGRES_EPOCH_MS = 946_684_800_000;
const STATUS_UPDATE = 0x72; // r
const CLOSE_TIMEOUT_MS = 2000;

export type StartOptions = {
  readonly slot: string;
  readonly publication: string;
  /** Each message of the stream; its bytes are valid only during the call. What it throws ends the stream. */
  readonly onMessage: (message: Buffer) => void;
  /** The stream ended, for whatever reason but {@link ReplicationConnection.close}. Called once. */
  readonly onEnd: (error: Failure) => void;
};

/** The parts of pg's Connection that its types leave out. */
type CopyConnection = pg.Connection & { sendCopyFromChunk(chunk: Buffer): void; endCopyFrom(): void };

/**
 * A walsender of our own: pg's connection and message parser, without its queries. The server is asked for protocol
 * version 1, so that it holds back a transaction until it commits, and starts where the slot stands (`0/0`).
 */
export class ReplicationConnection {
  readonly #client: pg.Client;
  readonly #clock: Clock;
  #started = false;
  #ended = false;
  #lastReceived: number;

  private constructor(client: pg.Client, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
    this.#lastReceived = clock.monotonic();
  }

  /** SOURCE_UNREACHABLE, SOURCE_DENIED (also without REPLICATION), BAD_SETTINGS. */
  static async open(session: SessionOptions, clock: Clock): Promise<ReplicationConnection> {
    return new ReplicationConnection(await openSession({ ...session, replication: true }), clock);
  }

  /** The walsender's process id at the server. */
  get processId(): number {
    return (this.#client as pg.Client & { readonly processID: number }).processID;
  }

  /** Milliseconds since the source last sent anything. */
  get silentMs(): number {
    return this.#clock.monotonic() - this.#lastReceived;
  }

  /** Resolves when the slot is ours. SOURCE_BUSY while it is somebody else's, SOURCE_LOST if it is gone. */
  start(options: StartOptions): Promise<void> {
    const sql = [
      `START_REPLICATION SLOT ${pg.escapeIdentifier(options.slot)} LOGICAL 0/0 (`,
      `"proto_version" '1', "publication_names" ${pg.escapeLiteral(pg.escapeIdentifier(options.publication))}, "messages" 'true')`,
    ].join('');
    return new Promise((resolve, reject) => {
      const end = (cause: unknown): void => {
        if (this.#ended) return;
        this.#ended = true;
        const error = sourceError(cause, 'stream');
        destroySession(this.#client);
        if (this.#started) options.onEnd(error);
        else reject(error);
      };
      this.#client.connection.once('replicationStart', () => {
        this.#started = true;
        this.#lastReceived = this.#clock.monotonic();
        resolve();
      });
      this.#client.once('end', () => {
        end(new ChangeoverError('SOURCE_UNREACHABLE', 'the source ended the replication connection'));
      });
      this.#client.query(
        new ReplicationCommand(
          sql,
          (message) => {
            if (this.#ended) return;
            this.#lastReceived = this.#clock.monotonic();
            try {
              options.onMessage(message);
            } catch (error) {
              end(error);
            }
          },
          end,
        ),
      );
    });
  }

  /**
   * Tells the source what is safe: written, flushed and applied are the same to us. Never throws: a connection that is
   * gone reports its end by itself.
   */
  sendStatus(safe: Position, replyRequested: boolean): void {
    if (this.#ended) return;
    const status = Buffer.alloc(34);
    status[0] = STATUS_UPDATE;
    writePosition(status, 1, safe);
    writePosition(status, 9, safe);
    writePosition(status, 17, safe);
    status.writeBigInt64BE(BigInt(Math.trunc(this.#clock.now()) - POSTGRES_EPOCH_MS) * 1000n, 25);
    status[33] = replyRequested ? 1 : 0;
    this.#connection.sendCopyFromChunk(status);
  }

  pause(): void {
    this.#connection.stream.pause();
  }

  resume(): void {
    this.#lastReceived = this.#clock.monotonic();
    this.#connection.stream.resume();
  }

  /** Ends the stream from our side; what was sent before reaches the server first. */
  async close(): Promise<void> {
    const wasEnded = this.#ended;
    this.#ended = true;
    if (wasEnded) return;
    const closing = new AbortController();
    const closed = new Promise<void>((resolve) => {
      this.#client.once('end', resolve);
    });
    if (this.#started) this.#connection.endCopyFrom();
    // A paused socket would never see the other side's end.
    this.#connection.stream.resume();
    void this.#client.end().catch(() => undefined);
    await Promise.race([closed, this.#clock.sleep(CLOSE_TIMEOUT_MS, closing.signal)]);
    closing.abort();
    destroySession(this.#client);
  }

  get #connection(): CopyConnection {
    return this.#client.connection as CopyConnection;
  }
}

/** START_REPLICATION as pg's client runs queries: it holds the connection and raises no promise per message. */
class ReplicationCommand implements pg.Submittable {
  readonly #sql: string;
  readonly #onMessage: (message: Buffer) => void;
  readonly #onEnd: (cause: unknown) => void;

  constructor(sql: string, onMessage: (message: Buffer) => void, onEnd: (cause: unknown) => void) {
    this.#sql = sql;
    this.#onMessage = onMessage;
    this.#onEnd = onEnd;
  }

  submit(connection: pg.Connection): void {
    connection.query(this.#sql);
  }

  handleCopyData(message: { readonly chunk: Buffer }): void {
    this.#onMessage(message.chunk);
  }

  handleError(error: unknown): void {
    this.#onEnd(error);
  }

  handleCommandComplete(): void {
    this.#onEnd(new ChangeoverError('SOURCE_UNREACHABLE', 'the source ended the stream'));
  }

  handleReadyForQuery(): void {
    this.#onEnd(new ChangeoverError('SOURCE_UNREACHABLE', 'the source ended the stream'));
  }
}
