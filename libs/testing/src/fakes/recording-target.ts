import { ChangeoverError, invariant } from '@changeover/core';
import {
  HELD_COLUMNS,
  HELD_TABLE,
  parseRows,
  tableName,
  TargetWriter,
  type ApplyReport,
  type Frame,
  type Held,
  type LoadBatch,
  type LoadProgress,
  type PreflightFinding,
  type RefusalLimit,
  type SchemaLookup,
  type Stopping,
  type TargetSession,
} from '@changeover/events';

type Row = readonly (string | null | undefined)[];

/** One committed transaction of the target. `refusals`: how many rows it was allowed to refuse. */
export type AppliedBatch = {
  readonly transactions: readonly number[];
  readonly staged: boolean;
  readonly progress: LoadProgress;
  readonly refusals: RefusalLimit;
};

/**
 * A target in memory that applies row by row, without any of the real one's cleverness, and refuses what it should never be given:
 * a row twice, a change of a row that is not there. Rows are found by the columns that their schema calls key.
 */
export class RecordingTarget extends TargetWriter {
  readonly batches: AppliedBatch[] = [];
  readonly barriers: LoadBatch['barriers'][number][] = [];
  /** The next apply fails: `before` the commit, or `after` it, so that its answer is lost. */
  failNext: 'before' | 'after' | null = null;
  progress: LoadProgress | null = null;
  /** Load is held there: the record of `changes` beyond which it may not go. */
  holdThrough: number | null = null;
  /** How often it was told so, since the last commit. */
  heldBack = 0;
  #tables = new Map<string, Map<string, Row>>();
  #owner = 0;
  #waiting: { readonly done: () => boolean; readonly resolve: () => void }[] = [];

  /** The table's rows, by key. */
  rows(table: string): readonly Row[] {
    return [...(this.#tables.get(table) ?? new Map<string, Row>())].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
  }

  /** Resolves at the first commit, or attempt while load is held, behind which `done` holds. */
  async until(done: () => boolean): Promise<void> {
    if (done()) return;
    await new Promise<void>((resolve) => this.#waiting.push({ done, resolve }));
  }

  override preflight(): Promise<readonly PreflightFinding[]> {
    return Promise.resolve([]);
  }

  override open(): Promise<TargetSession> {
    const owner = ++this.#owner;
    let staged: { readonly frames: Frame[]; readonly schemas: SchemaLookup } | null = null;
    const session: TargetSession = {
      progress: this.progress,
      apply: (batch, schemas) => {
        const frames = batch.transactions.flatMap((transaction) => transaction.frames);
        return this.#commit({ owner, frames, schemas, batch, staged: false });
      },
      stage: (frames, schemas) => {
        staged ??= { frames: [], schemas };
        staged.frames.push(...frames.map((frame) => ({ ...frame, rows: Buffer.from(frame.rows) })));
        return Promise.resolve();
      },
      applyStaged: (progress, refusals = 'few') => {
        invariant(staged !== null, 'nothing was staged');
        const { frames, schemas } = staged;
        if (!this.#isHeld(progress)) staged = null;
        return this.#commit({
          owner,
          frames,
          schemas,
          batch: { transactions: [{ seq: progress.writes.seq, frames, refusals }], progress, barriers: [] },
          staged: true,
        });
      },
      discardStaged: () => {
        staged = null;
        return Promise.resolve();
      },
      stopping: () => Promise.resolve(this.#stopping()),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
    return Promise.resolve(session);
  }

  override findBarrier(token: string): ReturnType<TargetWriter['findBarrier']> {
    const barrier = this.barriers.find((known) => known.token === token);
    if (barrier === undefined || this.progress === null) return Promise.resolve(null);
    return Promise.resolve({ seq: barrier.seq, position: this.progress.position, held: 0, waiting: 0, refused: 0 });
  }

  override stop(): Promise<void> {
    return Promise.resolve();
  }

  #commit({
    owner,
    frames,
    schemas,
    batch,
    staged,
  }: {
    readonly owner: number;
    readonly frames: readonly Frame[];
    readonly schemas: SchemaLookup;
    readonly batch: LoadBatch;
    readonly staged: boolean;
  }): Promise<ApplyReport | Held> {
    if (owner !== this.#owner) return Promise.reject(new ChangeoverError('FENCED', 'another session owns the target'));
    if (this.holdThrough !== null && this.#isHeld(batch.progress)) {
      this.heldBack++;
      const held = { held: { through: this.holdThrough } };
      this.#wake();
      return Promise.resolve(held);
    }
    const failing = this.failNext;
    this.failNext = null;
    const lost = new ChangeoverError('TARGET_UNREACHABLE', 'the connection was lost');
    if (failing === 'before') return Promise.reject(lost);
    const next = new Map(Array.from(this.#tables, ([name, rows]) => [name, new Map(rows)]));
    for (const frame of frames) applyFrame(next, frame, schemas);
    this.#tables = next;
    this.progress = batch.progress;
    this.barriers.push(...batch.barriers);
    this.heldBack = 0;
    const transactions = batch.transactions.map((transaction) => transaction.seq);
    const refusals = batch.transactions.some((transaction) => transaction.refusals === 'any') ? 'any' : 'few';
    this.batches.push({ transactions, staged, progress: batch.progress, refusals });
    this.#wake();
    if (failing === 'after') return Promise.reject(lost);
    return Promise.resolve({ inserted: 0, updated: 0, deleted: 0, refused: 0, released: 0 });
  }

  #stopping(): Stopping {
    const stopped = this.rows(tableName(HELD_TABLE)).flatMap((row) => {
      const value = (column: (typeof HELD_COLUMNS)[number]): string => row[HELD_COLUMNS.indexOf(column)] ?? '';
      const problems = JSON.parse(value('problems')) as readonly { readonly rule?: string; readonly severity?: string }[];
      const problem = problems.find(({ severity }) => severity === 'stop');
      if (problem === undefined || value('state') !== 'held') return [];
      return [{ sinceMs: Number(value('since_ms')), first: { table: value('target'), rule: problem.rule ?? '' } }];
    });
    const sinces = [...new Set(stopped.map(({ sinceMs }) => sinceMs))].sort((a, b) => a - b);
    return {
      bySince: sinces.map((sinceMs) => ({ sinceMs, rows: stopped.filter((row) => row.sinceMs === sinceMs).length })),
      first: stopped.find(({ sinceMs }) => sinceMs === sinces[0])?.first ?? null,
    };
  }

  #isHeld(progress: LoadProgress): boolean {
    return this.holdThrough !== null && progress.changes.seq > this.holdThrough;
  }

  #wake(): void {
    const reached = this.#waiting.filter((wait) => wait.done());
    this.#waiting = this.#waiting.filter((wait) => !reached.includes(wait));
    for (const { resolve } of reached) resolve();
  }
}

function applyFrame(tables: Map<string, Map<string, Row>>, frame: Frame, schemas: SchemaLookup): void {
  const schema = schemas(frame.schemaSeq);
  const name = `${schema.schema}.${schema.table}`;
  const rows = tables.get(name) ?? new Map<string, Row>();
  tables.set(name, rows);
  if (frame.op === 't') {
    rows.clear();
    return;
  }
  const keyOf = (row: Row): string => JSON.stringify(schema.columns.flatMap((column, index) => (column.key ? [row[index]] : [])));
  const lines = parseRows(frame.rows);
  const perRow = frame.op === 'u' && frame.before !== 'none' ? 2 : 1;
  invariant(
    lines.length === frame.rowCount * perRow,
    `a frame says ${String(frame.rowCount)} rows and holds ${String(lines.length)} lines`,
  );
  for (let at = 0; at < lines.length; at += perRow) {
    const before = lines[at] as Row;
    const after = lines[at + perRow - 1] as Row;
    const key = keyOf(before);
    invariant(
      rows.has(key) !== (frame.op === 'c'),
      `${frame.op} of a row of ${name} that is ${rows.has(key) ? 'there already' : 'not there'}`,
    );
    const old = rows.get(key);
    if (frame.op !== 'c') rows.delete(key);
    if (frame.op !== 'd')
      rows.set(
        keyOf(after),
        after.map((value, index) => (value === undefined ? old?.[index] : value)),
      );
  }
}
