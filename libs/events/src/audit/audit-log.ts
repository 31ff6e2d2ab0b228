import { ChangeoverError } from '@changeover/core';

import type { MessageStore, StreamName } from '../log/message-store.port.js';
import { auditStream, StreamAudit, type AuditedBatch } from './audit-stream.js';
import type { LogFinding, Problem } from './finding.js';
import { OriginCheck, RecordMarks } from './origins.js';
import { RecordOrder } from './record-order.js';
import { StreamSummary, type StreamFacts } from './stream-summary.js';

export type LogStream = 'changes' | 'writes';

/** Messages read, of those that there were when it began. */
export type AuditProgress = { readonly stream: StreamName; readonly done: number; readonly all: number };

export type AuditOptions = {
  readonly store: MessageStore;
  readonly streams: Readonly<Record<LogStream, StreamName>>;
  /** What is reported. `changes` is read for what `writes` names all the same. */
  readonly which: readonly LogStream[];
  /** Findings that are kept; the others are counted. */
  readonly kept: number;
  readonly onProgress: (progress: AuditProgress) => void;
  readonly signal: AbortSignal;
};

export type LogReport = {
  /** False: it was told to stop before it had read everything. */
  readonly complete: boolean;
  readonly streams: readonly StreamFacts[];
  /** Streams that do not exist: of `writes` no finding, as transform makes it when it first runs. */
  readonly missing: readonly StreamName[];
  readonly findings: readonly LogFinding[];
  /** All that was found, those included that are not in `findings`. */
  readonly found: number;
};

type Bounds = { readonly start: number; readonly end: number };

/**
 * Reads the log from its beginning to where it ends now, and says all that is wrong with it. Both streams are read side by side, `changes` never further
 * ahead than `writes` needs, so the memory is that of what a store reads ahead, of the tables' forms and of the findings that are kept.
 *
 * @throws ChangeoverError LOG_MISSING: there is no `changes`; LOG_UNREACHABLE, LOG_DENIED
 */
export async function auditLog(options: AuditOptions): Promise<LogReport> {
  const { store, streams, which } = options;
  // Writes first: what it names is in changes by then.
  const writes = which.includes('writes') ? await boundsOf(store, streams.writes) : null;
  const changes = await store.bounds(streams.changes);
  const findings = new Findings(options.kept);
  const progress = { done: 0, all: (writes === null ? 0 : writes.end - writes.start) + changes.end - changes.start };
  const read = (stream: LogStream, bounds: Bounds): Reading => new Reading(options, { stream, bounds, findings, progress });
  const ofChanges = read('changes', changes);
  const ofWrites = writes === null ? null : read('writes', writes);
  const marks = new RecordMarks();
  const advance = async (): Promise<boolean> => {
    const batch = await ofChanges.next();
    for (const { verdict } of batch?.messages ?? []) {
      if (verdict.type === 'entry' && verdict.entry.header.last && ofWrites !== null) marks.add(verdict.entry);
    }
    return batch !== null;
  };
  const origins = new OriginCheck(marks, which.includes('changes'));
  for (let batch = await ofWrites?.next(); batch != null; batch = await ofWrites?.next()) {
    for (const { verdict } of batch.messages) {
      if (verdict.type !== 'entry' || !verdict.entry.header.last) continue;
      const needed = verdict.entry.header.from?.seq ?? 0;
      while (marks.through < needed && (await advance()));
      if (options.signal.aborted) break;
      ofWrites?.report(origins.take(verdict.entry));
    }
  }
  if (which.includes('changes')) while (await advance());
  await ofChanges.stop();
  const readings = [...(which.includes('changes') ? [ofChanges] : []), ...(ofWrites === null ? [] : [ofWrites])];
  return {
    complete: !options.signal.aborted,
    streams: readings.map((reading) => reading.facts()),
    missing: which.includes('writes') && writes === null ? [streams.writes] : [],
    findings: findings.kept,
    found: findings.count,
  };
}

/** One stream being read. */
class Reading {
  readonly #name: StreamName;
  readonly #bounds: Bounds;
  readonly #audit: StreamAudit;
  readonly #batches: AsyncGenerator<AuditedBatch, void>;
  readonly #summary = new StreamSummary();
  readonly #findings: Findings | null;
  readonly #step: (done: number) => void;
  #at: number;

  constructor(
    { store, streams, which, onProgress, signal }: AuditOptions,
    of: {
      readonly stream: LogStream;
      readonly bounds: Bounds;
      readonly findings: Findings;
      readonly progress: { done: number; readonly all: number };
    },
  ) {
    const { bounds, progress } = of;
    this.#name = streams[of.stream];
    this.#bounds = bounds;
    this.#at = bounds.start;
    this.#audit = new StreamAudit(bounds.start === 0 ? RecordOrder.fromBeginning() : RecordOrder.fromSomewhere());
    this.#batches = auditStream(this.#audit, store, this.#name, { ...bounds, signal });
    this.#findings = which.includes(of.stream) ? of.findings : null;
    this.#step = (done) => {
      progress.done += done;
      onProgress({ stream: this.#name, done: progress.done, all: progress.all });
    };
  }

  /** Null: it has ended. */
  async next(): Promise<AuditedBatch | null> {
    const step = await this.#batches.next();
    if (step.done === true) return null;
    const batch = step.value;
    this.#step(batch.reached - this.#at);
    this.#at = batch.reached;
    this.#summary.take(batch);
    this.report([...batch.problems, ...batch.messages.flatMap(({ problems }) => problems)]);
    return batch;
  }

  report(problems: readonly Problem[]): void {
    for (const problem of problems) {
      this.#summary.found(problem.code);
      this.#findings?.add({ stream: this.#name, ...problem });
    }
  }

  async stop(): Promise<void> {
    await this.#batches.return();
  }

  facts(): StreamFacts {
    const { logId, unfinished } = this.#audit;
    return this.#summary.facts({ stream: this.#name, ...this.#bounds, logId, unfinished });
  }
}

class Findings {
  readonly kept: LogFinding[] = [];
  count = 0;
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  add(finding: LogFinding): void {
    this.count++;
    if (this.kept.length < this.#most) this.kept.push(finding);
  }
}

async function boundsOf(store: MessageStore, stream: StreamName): Promise<Bounds | null> {
  try {
    return await store.bounds(stream);
  } catch (error) {
    if (error instanceof ChangeoverError && error.code === 'LOG_MISSING') return null;
    throw error;
  }
}
