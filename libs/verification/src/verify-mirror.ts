import {
  countLines,
  decodeJsonBody,
  tableName,
  type Line,
  type ReadPosition,
  type RecordRef,
  type SourceSnapshot,
  type TableSchema,
} from '@changeover/events';
import { mappingHash } from '@changeover/mapping';
import { ReadBudget, StoredMirror } from '@changeover/pipeline';

import { asStored, compareTable, shapeOf, summed, type TableComparison } from './compare-table.js';
import { notFollowing } from './followed-changes.js';
import { takeOnePlace, type OnePlace } from './one-place.js';
import { idOf, KeyPlaces } from './row-sums.js';
import { isRemembered, StateLooks, type LookOptions } from './state-looks.js';
import { TouchedRows } from './touched-rows.js';
import { requireKnown, type VerificationOptions, type VerificationReport } from './verification.js';

/** Rows that are changed each time between the two looks are left after this. */
const ROUNDS = 4;
/** Rows that may be set aside, by their keys in memory. */
const MOST_ASIDE = 200_000;
/** Lines that are given at once. */
const PIECE_BYTES = 64 * 1024;

export type MirrorOptions = Omit<VerificationOptions, 'converters' | 'openState' | 'limits'> & {
  readonly limits: Omit<VerificationOptions['limits'], 'maxStateBytes'>;
} & LookOptions;

export type MirrorReport = Omit<VerificationReport, 'position' | 'ts_ms'> & {
  /** Rows that were changed in each round between the two looks, so that nothing is said of them. */
  readonly unsettled: number;
  readonly rounds: number;
};

/** Of each table by name: the rows that are to be compared; `all`. */
type Due = ReadonlyMap<string, ReadonlySet<string> | 'all'>;

/**
 * Compares the rows that transform remembers of the source with the source itself, while both go on. Transform's state is seen as it was committed last, which names its record of `changes`;
 * then a snapshot of the source is taken that shows just the records up to one. Rows that the records between the two touch are set aside, and compared in the next round.
 */
export async function verifyMirror(options: MirrorOptions, signal: AbortSignal): Promise<MirrorReport> {
  const { migration, mapping, clock } = options;
  const began = clock.monotonic();
  const compared = new Map<string, TableComparison>();
  let due: Due | null = null;
  let [heldMs, takes, rounds, seq] = [0, 0, 0, 0];
  let notCompared: readonly string[] = [];
  while (rounds < ROUNDS && (due === null || due.size > 0)) {
    rounds++;
    const round = await compareOnce(options, due, signal);
    for (const comparison of round.tables) compared.set(comparison.table, summed(compared.get(comparison.table), comparison, Infinity));
    due = round.aside;
    heldMs += round.place.heldMs;
    takes += round.place.takes;
    seq = round.place.seq;
    notCompared = round.place.told.map(tableName).filter((name) => !options.captured.has(name));
  }
  const left = [...(due ?? [])];
  const whole = left.flatMap(([name, ids]) => (ids === 'all' ? [name] : []));
  if (whole.length > 0) throw notFollowing(`transform is not where the source is, as for ${whole.join(', ')}`);
  const unsettled = left.reduce((sum, [, ids]) => sum + (ids === 'all' ? 0 : ids.size), 0);
  const seconds = (clock.monotonic() - began) / 1000;
  return {
    migration,
    seq,
    mapping: mappingHash(mapping),
    heldMs,
    takes,
    rounds,
    seconds,
    tables: [...compared.values()],
    notCompared,
    unsettled,
  };
}

type Round = {
  readonly place: Pick<OnePlace, 'seq' | 'heldMs' | 'takes' | 'told'>;
  readonly tables: readonly TableComparison[];
  readonly aside: Due;
};

async function compareOnce(options: MirrorOptions, due: Due | null, signal: AbortSignal): Promise<Round> {
  const { log, changes, mapping, limits, onStep, crashPoint, only } = options;
  onStep({ doing: 'placing', table: null, rows: 0 });
  const isOurs = isRemembered(options);
  const isRead = (table: TableSchema): boolean => isOurs(table) && due?.has(tableName(table)) !== false;
  await using looks = new StateLooks(options);
  const hash = mappingHash(mapping);
  const place = await takeOnePlace(
    {
      ...options,
      mapping: hash,
      isRead,
      patienceMs: limits.patienceMs,
      beforeTake: async () => {
        await looks.again();
      },
    },
    signal,
  );
  crashPoint('verify.placed');
  await using source = place.source;
  await place.target[Symbol.asyncDispose]();
  const mirror = StoredMirror.of(looks.last, async (ref: RecordRef) => decodeJsonBody('schema', await log.fetch(changes, ref)).table);
  if (due === null) requireKnown(only, place.tables, 'reads');
  const tables = place.tables.filter((table) => only?.has(tableName(table)) !== false);
  const { logId } = place.target.progress.changes;
  return { place, ...(await compareRound({ ...options, source, tables, mirror, end: { logId, seq: place.seq } }, due, signal)) };
}

export type RoundParts = Pick<MirrorOptions, 'log' | 'changes' | 'clock' | 'limits' | 'onStep' | 'crashPoint'> & {
  readonly source: Pick<SourceSnapshot, 'rows'>;
  readonly tables: readonly TableSchema[];
  readonly mirror: Pick<StoredMirror, 'read' | 'rows'>;
  /** The record of `changes` that the source stands at. */
  readonly end: Pick<ReadPosition, 'logId' | 'seq'>;
};

/** Compares the rows that are due, but for those that are touched between the places of the two; of these, which have to be compared another time. */
export async function compareRound(
  parts: RoundParts,
  due: Due | null,
  signal: AbortSignal,
): Promise<{ readonly tables: readonly TableComparison[]; readonly aside: Due }> {
  const { log, changes, mirror, tables, end, crashPoint } = parts;
  const rows = tables.map((table) => ({ table, ids: null }));
  const touched = new TouchedRows({ log, stream: changes, from: mirror.read, rows, most: MOST_ASIDE });
  await touched.readTo(end, signal);
  const compared: TableComparison[] = [];
  const aside = new Map<string, ReadonlySet<string> | 'all'>();
  for (const table of tables) {
    const name = tableName(table);
    const wanted = due?.get(name) ?? 'all';
    const left = touched.of(table);
    if (left === 'all' || (await mirror.rows(table)) === null) {
      aside.set(name, wanted);
      continue;
    }
    const isDue = (id: string): boolean => !left.has(id) && (wanted === 'all' || wanted.has(id));
    compared.push(await compareRows({ ...parts, table, isDue }, signal));
    crashPoint('verify.compared');
    const again = wanted === 'all' ? left : new Set([...wanted].filter((id) => left.has(id)));
    if (again.size > 0) aside.set(name, again);
  }
  return { tables: compared, aside };
}

type TableParts = RoundParts & { readonly table: TableSchema; readonly isDue: (id: string) => boolean };

async function compareRows(
  { limits, clock, onStep, table, source, mirror, isDue }: TableParts,
  signal: AbortSignal,
): Promise<TableComparison> {
  const budget = new ReadBudget(clock, limits.bytesPerSecond);
  const places = new KeyPlaces(shapeOf(table));
  let rows = 0;
  async function* expected(): AsyncGenerator<Line> {
    for await (const bytes of source.rows(table)) {
      rows += countLines(bytes);
      onStep({ doing: 'reading', table: tableName(table), rows });
      for (const { start, end, key } of places.of(bytes)) if (isDue(idOf(bytes, key))) yield { bytes, start, end };
      budget.spend(bytes.length);
      await budget.ready(signal);
    }
  }
  const found = new KeyPlaces(shapeOf(table));
  // What stands in the mirror is compared as it is: both sides are in the source's words.
  const snapshot = asStored(async function* () {
    let pieces: Buffer[] = [];
    let length = 0;
    for (const { bytes, start, end } of (await mirror.rows(table)) ?? []) {
      const line = bytes.subarray(start, end + 1);
      const [one] = found.of(line);
      if (one === undefined || !isDue(idOf(line, one.key))) continue;
      pieces.push(line);
      length += line.length;
      if (length < PIECE_BYTES) continue;
      yield Buffer.concat(pieces, length);
      [pieces, length] = [[], 0];
    }
    if (length > 0) yield Buffer.concat(pieces, length);
  });
  return compareTable({ table, snapshot, expected, limits, onRows: () => undefined, signal });
}
