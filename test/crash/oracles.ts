import { decodeJsonBody, FrameReader, parseRows } from '@changeover/events';

import { LEDGER_TABLES, type Ledger } from './ledger.js';
import type { MigrationBed } from './migration-bed.js';

/** O1: every row and column of both sides, but for the rows that the target says it refuses. Gives what differs, in words. */
export async function differences(bed: MigrationBed): Promise<string[]> {
  const found: string[] = [];
  const refused = await bed.target.query<{ row: string; stands: boolean }>(
    `SELECT table_name || ' ' || (wanted ->> 'id') AS row, stands IS NOT NULL AS stands FROM changeover.refused WHERE migration = $1 AND to_seq IS NULL`,
    [bed.migration.id],
  );
  const excused = new Set(refused.rows.map(({ row }) => row));
  for (const table of LEDGER_TABLES) {
    const query = `SELECT id::text, t::text AS whole FROM ${table} t`;
    const source = new Map((await bed.source.query<{ id: string; whole: string }>(query)).rows.map((row) => [row.id, row.whole]));
    const target = new Map((await bed.target.query<{ id: string; whole: string }>(query)).rows.map((row) => [row.id, row.whole]));
    for (const [id, whole] of source) {
      const name = `${table} ${id}`;
      if (excused.has(name)) {
        if (target.has(id)) found.push(`${name} is said to be refused and is there`);
      } else if (!target.has(id)) found.push(`${name} is missing`);
      else if (target.get(id) !== whole) found.push(`${name} differs`);
    }
    for (const id of target.keys()) if (!source.has(id)) found.push(`${table} ${id} is extra`);
  }
  return found;
}

/** Which record of `changes` holds each transaction of the journal, and how often. */
export type JournalInLog = ReadonlyMap<number, readonly number[]>;

/** Reads the whole of `changes`, as any reader does. */
export async function readJournal(bed: MigrationBed): Promise<JournalInLog> {
  const found = new Map<number, number[]>();
  const { seq: last } = await bed.log.head(bed.changes);
  const journalSchemas = new Set<number>();
  const frames = new FrameReader();
  let inRecord: number[] = [];
  let expected = 1;
  for await (const batch of bed.log.read(bed.changes, null, new AbortController().signal)) {
    for (const item of batch) {
      if (item.type === 'abandoned') continue;
      const { header, body } = item.entry;
      if (header.kind === 'schema' && decodeJsonBody('schema', item.entry).table.table === 'journal') journalSchemas.add(header.seq);
      if (header.kind === 'transaction') {
        if (header.part === 1) {
          inRecord = [];
          frames.reset();
        }
        for (const frame of frames.push(body)) {
          if (journalSchemas.has(frame.schemaSeq)) inRecord.push(...parseRows(frame.rows).map((row) => Number(row[0])));
        }
        if (header.last) for (const tx of inRecord) found.set(tx, [...(found.get(tx) ?? []), header.seq]);
      }
      if (!header.last) continue;
      if (header.seq !== expected) throw new Error(`record ${String(header.seq)} of ${bed.changes} where ${String(expected)} was expected`);
      expected++;
      if (header.seq >= last) return found;
    }
  }
  return found;
}

/** O2: each committed transaction exactly once, none that was rolled back. */
export function journalFaults(log: JournalInLog, ledger: Ledger): string[] {
  const found: string[] = [];
  for (const tx of ledger.committed) {
    const records = log.get(tx) ?? [];
    if (records.length !== 1) found.push(`transaction ${String(tx)} was committed and is in ${String(records.length)} records`);
  }
  for (const tx of log.keys())
    if (!ledger.committed.has(tx) && !ledger.maybe.has(tx)) found.push(`transaction ${String(tx)} was never committed`);
  return found;
}

const WATCH = `
  CREATE SCHEMA oracle;
  CREATE TABLE oracle.row_write (n bigint GENERATED ALWAYS AS IDENTITY, xid xid8 DEFAULT pg_current_xact_id(), table_name text, op text, key bigint, tx bigint);
  CREATE TABLE oracle.progress (n bigint GENERATED ALWAYS AS IDENTITY, xid xid8 DEFAULT pg_current_xact_id(), writes_seq bigint, changes_seq bigint);
  CREATE FUNCTION oracle.note_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO oracle.row_write (table_name, op, key, tx)
      VALUES (TG_TABLE_NAME, TG_OP, CASE TG_OP WHEN 'DELETE' THEN OLD.id ELSE NEW.id END, (to_jsonb(CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END) ->> 'tx')::bigint);
    RETURN NULL;
  END $$;
  CREATE FUNCTION oracle.note_progress() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO oracle.progress (writes_seq, changes_seq) VALUES (NEW.writes_seq, NEW.changes_seq);
    RETURN NULL;
  END $$;
  ${LEDGER_TABLES.map((table) => `CREATE TRIGGER oracle AFTER INSERT OR UPDATE OR DELETE ON ${table} FOR EACH ROW EXECUTE FUNCTION oracle.note_row();`).join('\n')}
  CREATE TRIGGER oracle AFTER UPDATE ON changeover.progress FOR EACH ROW WHEN (NEW.writes_seq IS DISTINCT FROM OLD.writes_seq) EXECUTE FUNCTION oracle.note_progress();
`;

/** From now on the target itself notes each row write and each move of progress, with their transaction. */
export async function watchTarget(bed: MigrationBed): Promise<void> {
  await bed.target.query(WATCH);
}

/**
 * O3: progress only goes up; who writes rows moves progress in the same transaction; and what a transaction leaves in a row came from
 * exactly the records that its progress says: behind those of the transaction before, up to its own. So nothing is applied twice, and
 * nothing overtakes.
 */
export async function applyFaults(bed: MigrationBed, log: JournalInLog): Promise<string[]> {
  const found: string[] = [];
  const progress = await bed.target.query<{ xid: string; writes: string; changes: string }>(
    'SELECT xid::text, writes_seq AS writes, changes_seq AS changes FROM oracle.progress ORDER BY n',
  );
  const ranges = new Map<string, readonly [after: number, through: number]>();
  let last = { writes: 0, changes: 0 };
  progress.rows.forEach(({ xid, writes, changes }, index) => {
    const next = { writes: Number(writes), changes: Number(changes) };
    if (next.writes <= last.writes || next.changes < last.changes)
      found.push(`progress went from ${JSON.stringify(last)} to ${JSON.stringify(next)}`);
    if (ranges.has(xid)) found.push(`transaction ${xid} moved progress twice`);
    if (index > 0) ranges.set(xid, [last.changes, next.changes]);
    last = next;
  });
  const first = progress.rows[0]?.xid;
  const refused = await bed.target.query<{ id: string }>(`SELECT DISTINCT coalesce(wanted, stands) ->> 'id' AS id FROM changeover.refused`);
  const retried = new Set(refused.rows.map(({ id }) => id));
  // What a transaction leaves behind counts: to exchange unique values it may write a row twice.
  const writes = await bed.target.query<{ xid: string; row: string; key: string; tx: string | null }>(
    `SELECT DISTINCT ON (xid, table_name, key) xid::text, table_name || ' ' || key AS row, key, CASE op WHEN 'DELETE' THEN NULL ELSE tx END AS tx
       FROM oracle.row_write ORDER BY xid, table_name, key, n DESC`,
  );
  if (writes.rows.length === 0) found.push('the target noted no write: the oracle is blind');
  for (const { xid, row, key, tx } of writes.rows) {
    const range = ranges.get(xid);
    if (range === undefined) {
      if (xid !== first) found.push(`${row} was written by transaction ${xid}, which moved no progress`);
    } else if (tx !== null && !retried.has(key)) {
      const seq = log.get(Number(tx))?.[0];
      if (seq === undefined || seq <= range[0] || seq > range[1]) {
        found.push(
          `${row} holds what record ${String(seq)} says, written by a batch of the records behind ${String(range[0])} up to ${String(range[1])}`,
        );
      }
    }
  }
  return found;
}

/** O4, sampled until it is closed: what the source was told is safe is in the log. */
export class AcknowledgementWatch implements AsyncDisposable {
  samples = 0;
  readonly faults: string[] = [];
  readonly #bed: MigrationBed;
  readonly #running: Promise<void>;
  /** What the slot confirmed when there was nothing in the log yet. */
  #created: string | undefined;
  #closed = false;

  constructor(bed: MigrationBed) {
    this.#bed = bed;
    this.#running = this.#run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      await this.#sample().catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  }

  /** First what was acknowledged, then where the log ends: the other way round the log may have grown in between. */
  async #sample(): Promise<void> {
    const { rows } = await this.#bed.source.query<{ confirmed: string | null }>(
      'SELECT confirmed_flush_lsn::text AS confirmed FROM pg_replication_slots WHERE database = current_database()',
    );
    const confirmed = rows[0]?.confirmed;
    if (confirmed === undefined || confirmed === null) return;
    const head = await this.#bed.log.head(this.#bed.changes);
    this.samples++;
    // A position is an LSN whose halves are padded, so that it sorts.
    const padded = confirmed
      .split('/')
      .map((half) => half.padStart(8, '0'))
      .join('/');
    // A slot confirms from its creation on what lies before it; nothing of that is ever in the log.
    if (head.pos === '') this.#created ??= padded;
    if (padded > (head.pos === '' ? (this.#created ?? '') : head.pos))
      this.faults.push(`the slot confirms ${padded}, the log ends at ${head.pos}`);
  }
}
