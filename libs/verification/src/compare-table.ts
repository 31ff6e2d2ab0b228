import {
  tableName,
  formatRows,
  parseRows,
  type Line,
  type RefusedVersion,
  type TableSchema,
  type TargetSnapshot,
} from '@changeover/events';

import { idOf, KeyPlaces, partitionOf, RowSums, type RowShape } from './row-sums.js';

/** Lines that are put into the target's words at once. */
const CHUNK_BYTES = 256 * 1024;
const LF = 0x0a;

export type CompareLimits = {
  /** A power of two; the memory that a comparison takes is about 40 bytes for each. */
  readonly partitions: number;
  /** Bytes of rows of partitions that differ which are looked at one by one; those of further ones are only known to differ. */
  readonly bytesLookedAt: number;
  /** Differences that are named. */
  readonly named: number;
  /** Whether their values are told as well. */
  readonly values: boolean;
};

/** `missing`: the target lacks it; `extra`: it should not be there; `different`: other values; `refused`: the list of refused rows says something else of it. */
export type DifferenceKind = 'missing' | 'extra' | 'different' | 'refused';

export type Difference = {
  readonly kind: DifferenceKind;
  /** As the target has it; null: the table has no key. */
  readonly key: readonly (string | null)[] | null;
  /** Those that differ. */
  readonly columns: readonly string[];
  /** Where they were asked for: what should be there in these columns, or in all, and what is, as text; null: no row. */
  readonly values?: { readonly expected: Values | null; readonly found: Values | null };
};

type Values = Readonly<Record<string, string | null>>;

/** A row that differs, whole: what it takes to bring it in order. Lines of COPY text. */
export type DifferingRow = {
  readonly table: TableSchema;
  readonly kind: DifferenceKind;
  readonly columns: readonly string[];
  /** Its key, as {@link idOf} gives it; null: nothing finds it, as its table has no key, or several rows have the same one. */
  readonly id: string | null;
  /** In the source's words; null: it should not be there. */
  readonly expected: Buffer | null;
  /** As compared; null: it is not there. */
  readonly found: Buffer | null;
  /** Whether the target refuses a version of it: load tries that again by itself. `missed`: it lacks the row that load was to change, and will not get it so. */
  readonly refused: 'no' | 'yes' | 'missed';
};

export type TableComparison = {
  /** `schema.table` at the target. */
  readonly table: string;
  /** Rows that should be there, and rows that are. */
  readonly expected: number;
  readonly found: number;
  /** Rows that the target refuses: they count as they stand there. */
  readonly refused: number;
  /** All that were found, by kind. */
  readonly counts: Readonly<Record<DifferenceKind, number>>;
  /** The first of them. */
  readonly differences: readonly Difference[];
  /** Partitions that differ and were not looked at, as there was too much in them: at least as many rows differ besides. */
  readonly unlooked: number;
};

export type CompareParts = {
  readonly table: TableSchema;
  readonly snapshot: Pick<TargetSnapshot, 'rows' | 'asCompared' | 'refused'>;
  /** The rows that should be there, in the source's words; asked for once or twice. */
  readonly expected: () => Iterable<Line> | AsyncIterable<Line>;
  readonly limits: CompareLimits;
  readonly onRows: (rows: number) => void;
  /** Whether a row is compared, by its id in the target's words; of others nothing is said. Left out: all are. */
  readonly isDue?: ((id: string) => boolean) | undefined;
  /** Told of each row that differs and was looked at. */
  readonly onDiffering?: (row: DifferingRow) => void;
  readonly signal: AbortSignal;
};

/** Rows that are in the same words as those that should be there; none of them is refused. */
export function asStored(rows: () => AsyncIterable<Buffer>): CompareParts['snapshot'] {
  return { rows, asCompared: (_, lines) => Promise.resolve(lines), refused: () => Promise.resolve([]) };
}

/**
 * Compares a table with what it should hold. Both sides are summed up in partitions; of those that differ the rows are read once more, on both sides in the same
 * snapshots, and compared one by one.
 */
export async function compareTable(parts: CompareParts): Promise<TableComparison> {
  const { table, snapshot, limits } = parts;
  const shape = shapeOf(table);
  const refusals = new Refusals(await snapshot.refused(table), table, shape);
  const [expected, found] = [new RowSums(limits.partitions, shape), new RowSums(limits.partitions, shape)];
  for await (const { lines } of expectedLines(parts, refusals)) expected.add(lines);
  for await (const { lines } of foundLines(parts)) found.add(lines);
  const differing = expected.differing(found);
  const looked = within(differing, limits.bytesLookedAt);
  const differences = looked.size === 0 ? [] : await differencesIn(parts, refusals, shape, looked);
  const refused = await refusals.wrong(snapshot, parts.isDue);
  if (parts.onDiffering !== undefined) for (const row of await refusals.missed(snapshot)) parts.onDiffering(row);
  const all = [...refused, ...differences];
  return {
    table: tableName(table),
    expected: expected.rows,
    found: found.rows,
    refused: refusals.count,
    counts: countsOf(all),
    differences: all.slice(0, limits.named),
    unlooked: differing.length - looked.size,
  };
}

/** The partitions whose rows are looked at one by one: as many of those that differ as may be in memory. */
function within(differing: readonly { readonly partition: number; readonly bytes: number }[], bytes: number): ReadonlySet<number> {
  const looked = new Set<number>();
  let left = bytes;
  for (const { partition, bytes: some } of differing) {
    if (some > left) continue;
    left -= some;
    looked.add(partition);
  }
  return looked;
}

/** Whole lines, in the target's words, and the same as they were told: in number and order the same. */
type Piece = { readonly lines: Buffer; readonly told: Buffer };

async function* expectedLines(parts: CompareParts, refusals: Refusals): AsyncGenerator<Piece> {
  const { table, snapshot, expected, onRows, signal } = parts;
  const due = dueOf(parts);
  refusals.begin();
  let pieces: Buffer[] = [];
  let [bytes, rows] = [0, 0];
  const flush = async (): Promise<Piece> => {
    signal.throwIfAborted();
    const told = Buffer.concat(pieces, bytes);
    const lines = await snapshot.asCompared(table, told);
    onRows(rows);
    [pieces, bytes, rows] = [[], 0, 0];
    return due({ lines, told });
  };
  for await (const line of refusals.laidOver(expected())) {
    pieces.push(line.bytes.subarray(line.start, line.end + 1));
    bytes += line.end + 1 - line.start;
    rows++;
    if (bytes >= CHUNK_BYTES) yield await flush();
  }
  if (rows > 0) yield await flush();
}

async function* foundLines(parts: CompareParts): AsyncGenerator<Piece> {
  const { table, snapshot, signal } = parts;
  const due = dueOf(parts);
  for await (const lines of snapshot.rows(table)) {
    signal.throwIfAborted();
    yield due({ lines, told: lines });
  }
}

/** Leaves out what is not due. */
function dueOf({ table, isDue }: CompareParts): (piece: Piece) => Piece {
  if (isDue === undefined) return (piece) => piece;
  const places = new KeyPlaces(shapeOf(table));
  return ({ lines, told }) => {
    const [left, leftTold]: [Buffer[], Buffer[]] = [[], []];
    let from = 0;
    for (const { start, end, key } of places.of(lines)) {
      const to = lines === told ? end : told.indexOf(LF, from);
      if (isDue(idOf(lines, key))) {
        left.push(lines.subarray(start, end + 1));
        leftTold.push(told.subarray(from, to + 1));
      }
      from = to + 1;
    }
    const some = Buffer.concat(left);
    return { lines: some, told: lines === told ? some : Buffer.concat(leftTold) };
  };
}

/** A row as it is compared, and as it was told; without the end of its line, as Latin-1. */
type Row = { readonly line: string; readonly told: string };

type Side = Map<string, Row[]>;

async function differencesIn(parts: CompareParts, refusals: Refusals, shape: RowShape, looked: ReadonlySet<number>): Promise<Difference[]> {
  const places = new KeyPlaces(shape);
  const { partitions } = parts.limits;
  const collect = async (pieces: AsyncIterable<Piece>): Promise<Side> => {
    const side: Side = new Map();
    for await (const { lines, told } of pieces) {
      let from = 0;
      for (const { start, end, key } of places.of(lines)) {
        const to = lines === told ? end : told.indexOf(LF, from);
        if (looked.has(partitionOf(lines, key, partitions))) {
          const id = idOf(lines, key);
          const rows = side.get(id);
          const line = lines.toString('latin1', start, end);
          const text = lines === told ? line : told.toString('latin1', from, to);
          // Nearly always it is the same, and then kept once.
          const row = { line, told: text === line ? line : text };
          if (rows === undefined) side.set(id, [row]);
          else rows.push(row);
        }
        from = to + 1;
      }
    }
    return side;
  };
  const expected = await collect(expectedLines({ ...parts, onRows: () => undefined }, refusals));
  const found = await collect(foundLines(parts));
  const keyed = shape.keys.length > 0;
  const refused = parts.onDiffering === undefined ? new Set<string>() : await refusals.ids(parts.snapshot);
  const differences: Difference[] = [];
  for (const id of new Set([...expected.keys(), ...found.keys()])) {
    const [ours, theirs] = [expected.get(id) ?? [], found.get(id) ?? []];
    const [wanted, there] = without(ours, theirs);
    const key = keyed ? valuesOf(id) : null;
    const isOne = keyed && ours.length <= 1 && theirs.length <= 1;
    for (let index = 0; index < Math.max(wanted.length, there.length); index++) {
      const [wants, has] = [wanted[index] ?? null, there[index] ?? null];
      const [line, other] = [wants?.line ?? null, has?.line ?? null];
      const columns = line === null || other === null ? [] : columnsThatDiffer(parts.table, line, other);
      const values = parts.limits.values
        ? { values: { expected: named(parts.table, line, columns), found: named(parts.table, other, columns) } }
        : {};
      const kind = line === null ? 'extra' : other === null ? 'missing' : 'different';
      differences.push({ kind, key, columns, ...values });
      const [should, is] = [lineFrom(wants?.told), lineFrom(other)];
      const isListed = refused.has(id) ? 'yes' : 'no';
      parts.onDiffering?.({ table: parts.table, kind, columns, id: isOne ? id : null, expected: should, found: is, refused: isListed });
    }
  }
  return differences;
}

function lineFrom(text: string | null | undefined): Buffer | null {
  return text == null ? null : Buffer.from(`${text}\n`, 'latin1');
}

/** What is left on each side of what the other does not have as well. */
function without(ours: readonly Row[], theirs: readonly Row[]): readonly [readonly Row[], readonly Row[]] {
  const left = [...theirs];
  const missing = ours.filter(({ line }) => {
    const at = left.findIndex((other) => other.line === line);
    if (at !== -1) left.splice(at, 1);
    return at === -1;
  });
  return [missing, left];
}

function columnsThatDiffer({ columns }: TableSchema, one: string, other: string): readonly string[] {
  // A tab within a value is escaped.
  const [ours, theirs] = [one.split('\t'), other.split('\t')];
  return columns.flatMap(({ name }, place) => (ours[place] === theirs[place] ? [] : [name]));
}

/** Of these columns, or of all where none are named. */
function named({ columns }: TableSchema, line: string | null, only: readonly string[]): Values | null {
  if (line === null) return null;
  const values = valuesOf(line);
  const there = columns.map(({ name }, place) => [name, values[place] ?? null] as const);
  return Object.fromEntries(only.length === 0 ? there : there.filter(([name]) => only.includes(name)));
}

export function valuesOf(fields: string): readonly (string | null)[] {
  return (parseRows(Buffer.from(`${fields}\n`, 'latin1'))[0] ?? []).map((value) => value ?? null);
}

function countsOf(differences: readonly Difference[]): TableComparison['counts'] {
  const counts = { missing: 0, extra: 0, different: 0, refused: 0 };
  for (const { kind } of differences) counts[kind]++;
  return counts;
}

/** Other rows of the same table were compared before; at most `named` differences are named. */
export function summed(before: TableComparison | undefined, more: TableComparison, named: number): TableComparison {
  if (before === undefined) return more;
  const counts = { ...before.counts };
  for (const kind of Object.keys(counts) as DifferenceKind[]) counts[kind] += more.counts[kind];
  return {
    table: more.table,
    expected: before.expected + more.expected,
    found: before.found + more.found,
    refused: before.refused + more.refused,
    counts,
    differences: [...before.differences, ...more.differences].slice(0, named),
    unlooked: before.unlooked + more.unlooked,
  };
}

export function shapeOf({ columns }: TableSchema): RowShape {
  return { columns: columns.length, keys: columns.flatMap(({ key }, place) => (key ? [place] : [])) };
}

type Refusal = { readonly wanted: Buffer | null; readonly stands: Buffer | null; readonly isMissed: boolean; expected: Buffer | null };

/**
 * Rows that the target refuses: what should be there then is what stands there instead. That the version refused is the one that should be there is compared as
 * well, so that the list cannot hide anything.
 */
class Refusals {
  readonly #table: TableSchema;
  readonly #shape: RowShape;
  readonly #places: KeyPlaces;
  /** By key of the version that is wanted. */
  readonly #wanted = new Map<string, Refusal[]>();
  /** Rows that should be gone. */
  readonly #unwanted: Refusal[] = [];
  readonly count: number;

  constructor(refused: readonly RefusedVersion[], table: TableSchema, shape: RowShape) {
    this.#table = table;
    this.#shape = shape;
    this.#places = new KeyPlaces(shape);
    this.count = refused.length;
    for (const { wanted, stands, isMissed = false } of refused) {
      const refusal: Refusal = {
        wanted: wanted === null ? null : this.#line({ ...stands, ...wanted }),
        stands: stands === null ? null : this.#line(stands),
        isMissed: isMissed && stands === null,
        expected: null,
      };
      if (refusal.wanted === null) {
        this.#unwanted.push(refusal);
        continue;
      }
      const id = this.#id({ bytes: refusal.wanted, start: 0, end: refusal.wanted.length - 1 });
      this.#wanted.set(id, [...(this.#wanted.get(id) ?? []), refusal]);
    }
  }

  begin(): void {
    for (const refusals of this.#wanted.values()) for (const refusal of refusals) refusal.expected = null;
  }

  async *laidOver(lines: Iterable<Line> | AsyncIterable<Line>): AsyncGenerator<Line> {
    if (this.count === 0) {
      yield* lines;
      return;
    }
    for await (const line of lines) {
      const refusal = this.#wanted.get(this.#id(line))?.find(({ expected }) => expected === null);
      if (refusal === undefined) {
        yield line;
        continue;
      }
      refusal.expected = Buffer.from(line.bytes.subarray(line.start, line.end + 1));
      yield* standing(refusal);
    }
    for (const refusals of this.#wanted.values()) for (const refusal of refusals) if (refusal.expected === null) yield* standing(refusal);
    for (const refusal of this.#unwanted) yield* standing(refusal);
  }

  /** Versions on the list that are not what should be there, of rows that are due. */
  async wrong(snapshot: Pick<TargetSnapshot, 'asCompared'>, isDue: CompareParts['isDue']): Promise<Difference[]> {
    const wrong: Difference[] = [];
    for (const refusals of this.#wanted.values()) {
      for (const { wanted, expected } of refusals) {
        const is = await snapshot.asCompared(this.#table, wanted as Buffer);
        if (isDue?.(this.#id({ bytes: is, start: 0, end: is.length - 1 })) === false) continue;
        const should = expected === null ? null : await snapshot.asCompared(this.#table, expected);
        if (should?.equals(is) === true) continue;
        const text = (line: Buffer): string => line.toString('latin1', 0, line.length - 1);
        const columns = should === null ? [] : columnsThatDiffer(this.#table, text(is), text(should));
        const key =
          this.#shape.keys.length === 0
            ? null
            : valuesOf(this.#id({ bytes: wanted as Buffer, start: 0, end: (wanted as Buffer).length - 1 }));
        wrong.push({ kind: 'refused', key, columns });
      }
    }
    return wrong;
  }

  /** Rows that are not there, and that load was to change: as they should be. */
  async missed(snapshot: Pick<TargetSnapshot, 'asCompared'>): Promise<readonly DifferingRow[]> {
    if (this.#shape.keys.length === 0) return [];
    const missed = [...this.#wanted.values()].flat().flatMap(({ isMissed, expected }) => (isMissed && expected !== null ? [expected] : []));
    const lines = await snapshot.asCompared(this.#table, Buffer.concat(missed));
    return Array.from(this.#places.of(lines), ({ key }, index): DifferingRow => {
      const expected = missed[index] as Buffer;
      return { table: this.#table, kind: 'missing', columns: [], id: idOf(lines, key), expected, found: null, refused: 'missed' };
    });
  }

  /** Of the rows on the list, as differences know them. */
  async ids(snapshot: Pick<TargetSnapshot, 'asCompared'>): Promise<ReadonlySet<string>> {
    const all = [...this.#unwanted, ...[...this.#wanted.values()].flat()];
    const told = all.flatMap(({ wanted, stands }) => [wanted, stands]).filter((line) => line !== null);
    const lines = await snapshot.asCompared(this.#table, Buffer.concat(told));
    return new Set(Array.from(this.#places.of(lines), ({ key }) => idOf(lines, key)));
  }

  #line(row: Readonly<Record<string, string | null>>): Buffer {
    return formatRows([this.#table.columns.map(({ name }) => row[name] ?? null)]);
  }

  #id({ bytes, start, end }: Line): string {
    const line = bytes.subarray(start, end + 1);
    const [found] = this.#places.of(line);
    return idOf(line, found?.key ?? []);
  }
}

function* standing({ stands }: Refusal): Generator<Line> {
  if (stands !== null) yield { bytes: stands, start: 0, end: stands.length - 1 };
}
