import { countWords, NO_POSITION, type ChangeoverError, type Clock, type ErrorCode, type Position } from '@changeover/core';
import type { MappingStatus, Role, RoleState, RoleStatus } from '@changeover/control-postgres';
import { PipelineObserver, type Retry } from '@changeover/pipeline';
import type { Registry } from 'prom-client';

import type { Log } from '../logging/log.js';
import { anonymousMemory } from './anonymous-memory.js';
import { CopyTelemetry } from './copy-telemetry.js';
import { DerivationTelemetry } from './derivation-telemetry.js';
import type { HeldCounts } from './held-counts.js';
import { createMetrics, type RoleMetrics } from './metrics.js';

/** Rates are means over so long. */
const RATE_WINDOW_MS = 5_000;

/** An idle capture still tells its progress once a second; a little more for the way. */
const IDLE_TICK_MS = 2_000;

type Sample = { readonly at: number; readonly records: number; readonly rows: number };

export type RoleTelemetryOptions = {
  readonly migration: string;
  readonly role: Role;
  readonly log: Log;
  readonly clock: Clock;
};

/** What one role's loop tells, as metrics, as the status in its lease row, and in the log. */
export class RoleTelemetry extends PipelineObserver {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #metrics: RoleMetrics;
  readonly #totals = { records: 0, rows: 0, bytes: 0, refusedRows: 0, releasedRows: 0, retries: 0, warnings: 0 };
  readonly #samples: Sample[] = [];
  readonly #copies: CopyTelemetry;
  readonly #derivation: DerivationTelemetry;
  #state: RoleState = 'starting';
  #seq = 0;
  #changesSeq = 0;
  #position: Position = NO_POSITION;
  /** The last thing done of which we know when it was at the source, and when it was done; null: none yet. */
  #lastDone: { readonly sourceTime: number; readonly at: number; readonly delayMs: number } | null = null;
  #captured: number | null = null;
  #retained: number | null = null;
  /** How far what is remembered beside the log is filled from it again; null: it is not, or no more. */
  #refilling: { readonly seq: number; readonly through: number } | null = null;
  #mapping: MappingStatus | null = null;
  #lastError: ErrorCode | null = null;
  #troubled = false;
  /** Called when the loop has shown that all it depends on answers. */
  onProgress: () => void = () => undefined;
  /** Of the role that writes to the target; asked when somebody looks at the metrics. */
  heldCounts: HeldCounts | null = null;

  constructor({ migration, role, log, clock }: RoleTelemetryOptions) {
    super();
    this.#log = log;
    this.#clock = clock;
    this.#copies = new CopyTelemetry(clock);
    this.#derivation = new DerivationTelemetry(clock);
    this.#metrics = createMetrics(
      { migration, role },
      {
        records: () => this.#totals.records,
        rows: () => this.#totals.rows,
        bytes: () => this.#totals.bytes,
        refusedRows: () => this.#totals.refusedRows,
        releasedRows: () => this.#totals.releasedRows,
        heldRows: async () => (await this.heldCounts?.now())?.held ?? null,
        waitingRows: async () => (await this.heldCounts?.now())?.waiting ?? null,
        openRefusedRows: async () => (await this.heldCounts?.now())?.refused ?? null,
        copiedRows: () => this.#copies.rows,
        copiesLeft: () => (role === 'capture' ? this.#copies.left : null),
        retries: () => this.#totals.retries,
        warnings: () => this.#totals.warnings,
        lagSeconds: () => {
          const ms = this.#lagMs();
          return ms === null ? null : ms / 1000;
        },
        lagRecords: () => this.#lagRecords(),
        sequence: () => this.#seq,
        retainedBytes: () => this.#retained,
        memoryBytes: anonymousMemory,
        running: () => (this.#state === 'running' ? 1 : 0),
      },
    );
  }

  get registry(): Registry {
    return this.#metrics.registry;
  }

  get state(): RoleState {
    return this.#state;
  }

  advanced({ records, rows, bytes, seq, changesSeq, position, ts_ms }: Parameters<PipelineObserver['advanced']>[0]): void {
    this.#totals.records += records;
    this.#totals.rows += rows;
    this.#totals.bytes += bytes;
    this.#seq = seq;
    this.#changesSeq = changesSeq;
    this.#position = position as Position;
    // What is new comes behind all that stood there.
    this.#refilling = null;
    // Records of our own may have no commit time at the source.
    if (ts_ms !== null && ts_ms > 0)
      this.#lastDone = { sourceTime: ts_ms, at: this.#clock.monotonic(), delayMs: Math.max(0, this.#clock.now() - ts_ms) };
    this.#healthy();
  }

  applied({ rows, seconds, report }: Parameters<PipelineObserver['applied']>[0]): void {
    this.#totals.refusedRows += report.refused;
    this.#totals.releasedRows += report.released;
    this.#metrics.observeBatch(rows, seconds);
  }

  copied(copy: Parameters<PipelineObserver['copied']>[0]): void {
    this.#copies.take(copy);
    const { table, rows, bytes, finished } = copy;
    if (finished) this.#log.info('a table is copied', { rows, bytes, facts: { table } });
  }

  derived(derivation: Parameters<PipelineObserver['derived']>[0]): void {
    this.#derivation.take(derivation);
    // What it waited for is there.
    if (this.#lastError === 'REFERENCE_MISSING') this.#lastError = null;
  }

  mapped({ hash, seq, refused }: Parameters<PipelineObserver['mapped']>[0]): void {
    this.#mapping = {
      hash,
      record: seq,
      refused: refused.map(({ requestId, hash: other, seq: record, code, reason }) => ({ requestId, hash: other, record, code, reason })),
    };
  }

  refilled({ seq, through }: Parameters<PipelineObserver['refilled']>[0]): void {
    this.#refilling = seq < through ? { seq, through } : null;
  }

  retained(bytes: number): void {
    this.#retained = bytes;
  }

  warning(error: ChangeoverError): void {
    this.#totals.warnings++;
    this.#lastError = error.code;
    this.#log.failure('warn', error);
  }

  /** Sequence of the last record of `changes`, as capture just told it. */
  captured(seq: number): void {
    this.#captured = seq;
  }

  /** The supervised loop begins another run, or ends. */
  entered(state: RoleState): void {
    if (state === this.#state) return;
    this.#state = state;
    // A new try is not yet an end of the trouble.
    this.#log.write(this.#troubled ? 'debug' : 'info', state, { state, position: this.#position, seq: this.#seq });
  }

  /** For `supervise`'s onRetry. */
  retrying({ error, attempt, delayMs, troubledMs, loudness }: Retry): void {
    // Somebody has asked for it: no trouble that a parked target, which nothing is written to, would show as its last.
    if (error.code !== 'TARGET_MOVED') {
      this.#totals.retries++;
      this.#lastError = error.code;
    }
    this.#state = 'waiting';
    this.#troubled = true;
    this.#log.failure(loudness, error, { attempt, delayMs, troubledMs });
  }

  failed(error: ChangeoverError): void {
    this.#state = 'failed';
    this.#lastError = error.code;
    this.#log.failure('error', error);
  }

  status(): RoleStatus {
    const rates = this.#rates();
    const details: Record<string, number | string> = { ...this.#derivation.lines() };
    const copies = this.#copies.status();
    if (this.#refilling !== null) {
      const { seq, through } = this.#refilling;
      details['filling'] = `record ${countWords(seq)} of ${countWords(through)} of changes, ${String(Math.floor((100 * seq) / through))} %`;
    }
    if (this.#retained !== null) details['retainedBytes'] = this.#retained;
    if (this.#totals.refusedRows > 0) details['refusedRows'] = this.#totals.refusedRows;
    if (this.#totals.releasedRows > 0) details['releasedRows'] = this.#totals.releasedRows;
    if (this.#totals.retries > 0) details['retries'] = this.#totals.retries;
    return {
      state: this.#state,
      position: this.#position,
      seq: this.#seq,
      ...rates,
      lagMs: this.#lagMs(),
      lagRecords: this.#lagRecords(),
      lastError: this.#lastError,
      details,
      ...(copies.length === 0 ? {} : { copies }),
      ...(this.#mapping === null ? {} : { mapping: this.#mapping }),
    };
  }

  #healthy(): void {
    this.onProgress();
    if (!this.#troubled) return;
    this.#troubled = false;
    this.#lastError = null;
    this.#log.info('goes on again', { position: this.#position, seq: this.#seq });
  }

  /**
   * Capture tells its progress once a second, which passes all roles: while it comes, lag is what the last one took. When it does not, somebody on
   * the way hangs, be it we, in a batch, or one before us: then nothing is known to be done that is younger than the last.
   */
  #lagMs(): number | null {
    if (this.#lastDone === null) return null;
    const { sourceTime, at, delayMs } = this.#lastDone;
    return this.#clock.monotonic() - at <= IDLE_TICK_MS ? delayMs : Math.max(0, this.#clock.now() - sourceTime);
  }

  #lagRecords(): number | null {
    // Before anything is done here it is not known where we go on.
    return this.#captured === null || this.#changesSeq === 0 ? null : Math.max(0, this.#captured - this.#changesSeq);
  }

  /** From the oldest sample of the window to now; each call adds one. */
  #rates(): { readonly rowsPerSecond: number; readonly recordsPerSecond: number } {
    const now: Sample = { at: this.#clock.monotonic(), records: this.#totals.records, rows: this.#totals.rows };
    while (this.#samples.length > 1 && now.at - (this.#samples[1]?.at ?? now.at) >= RATE_WINDOW_MS) this.#samples.shift();
    const first = this.#samples[0] ?? now;
    this.#samples.push(now);
    const seconds = (now.at - first.at) / 1000;
    const rate = (count: number): number => (seconds > 0 ? Math.round(count / seconds) : 0);
    return { rowsPerSecond: rate(now.rows - first.rows), recordsPerSecond: rate(now.records - first.records) };
  }
}
