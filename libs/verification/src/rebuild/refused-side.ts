import { formatRows, type RefusedVersion, type TableSchema, type TargetSnapshot } from '@changeover/events';

import { shapeOf } from '../compare-table.js';
import { KeyPlaces } from '../row-sums.js';

type Fields = readonly string[];
type Wanted = { readonly fields: Fields; readonly told: ReadonlySet<number> };

/**
 * One side of a table with rows that its target refuses. Which earlier version stands instead of a refused one, if any, depends on which changes load took together, and so
 * does whether rows that refer to it are refused as well: what both sides have to agree on is the version that should be there. So such rows are set apart, on both sides,
 * and compared by themselves. They are few: load stops where they are many.
 */
export class RefusedSide {
  /** Of what stands, or should stand, on this side, as one text each. */
  readonly keys: ReadonlySet<string>;
  readonly #snapshot: TargetSnapshot;
  readonly #table: TableSchema;
  readonly #places: KeyPlaces;
  readonly #gone: readonly string[];
  readonly #wanted: ReadonlyMap<string, Wanted>;
  /** Rows that stand under keys that are set apart; filled by {@link rows}. */
  readonly #standing = new Map<string, Fields>();

  private constructor(snapshot: TargetSnapshot, table: TableSchema, gone: readonly string[], wanted: ReadonlyMap<string, Wanted>) {
    this.#snapshot = snapshot;
    this.#table = table;
    this.#places = new KeyPlaces(shapeOf(table));
    this.#gone = gone;
    this.#wanted = wanted;
    this.keys = new Set([...gone, ...wanted.keys()]);
  }

  static async of(snapshot: TargetSnapshot, table: TableSchema): Promise<RefusedSide> {
    const places = new KeyPlaces(shapeOf(table));
    const gone: string[] = [];
    const wanted = new Map<string, Wanted>();
    const lineOf = (row: Exclude<RefusedVersion['wanted'], null>): Promise<Buffer> =>
      snapshot.asCompared(table, formatRows([table.columns.map(({ name }) => row[name] ?? null)]));
    for (const version of await snapshot.refused(table)) {
      if (version.stands !== null) gone.push(keyOf(places, await lineOf(version.stands)));
      if (version.wanted === null) continue;
      const line = await lineOf({ ...version.stands, ...version.wanted });
      const told = table.columns.flatMap(({ name }, place) => (Object.hasOwn(version.wanted ?? {}, name) ? [place] : []));
      wanted.set(keyOf(places, line), { fields: fieldsOf(line, 0, line.length - 1), told: new Set(told) });
    }
    return new RefusedSide(snapshot, table, gone, wanted);
  }

  /** The rows of the table but those under these keys. */
  async *rows(apart: ReadonlySet<string>): AsyncGenerator<Buffer> {
    if (apart.size === 0) {
      yield* this.#snapshot.rows(this.#table);
      return;
    }
    this.#standing.clear();
    for await (const lines of this.#snapshot.rows(this.#table)) {
      const kept: Buffer[] = [];
      for (const { start, end, key } of this.#places.of(lines)) {
        const id = key.map((field) => lines.toString('latin1', field.start, field.end)).join('\t');
        // Of rows without a key there may be several.
        if (apart.has(id)) this.#standing.set(id, [...fieldsOf(lines, start, end), ...(this.#standing.has(id) ? ['again'] : [])]);
        else kept.push(lines.subarray(start, end + 1));
      }
      if (kept.length > 0) yield Buffer.concat(kept);
    }
  }

  /** The row that stands under a key that was set apart. */
  standing(key: string): Fields | null {
    return this.#standing.get(key) ?? null;
  }

  /** The row that should be there under it, and the columns of which that is known; null: none. */
  shouldBe(key: string): { readonly fields: Fields; readonly told: ReadonlySet<number> | 'all' } | null {
    const wanted = this.#wanted.get(key);
    if (wanted !== undefined) return wanted;
    const fields = this.#gone.includes(key) ? null : this.standing(key);
    return fields === null ? null : { fields, told: 'all' };
  }
}

/** Both sides have been read without these. */
export function compareRefused(
  live: RefusedSide,
  rebuilt: RefusedSide,
  apart: ReadonlySet<string>,
): { readonly rows: number; readonly differing: number; readonly otherwise: number } {
  let [differing, otherwise] = [0, 0];
  for (const key of apart) {
    const [one, other] = [live.shouldBe(key), rebuilt.shouldBe(key)];
    if (one === null || other === null ? one !== other : !isSame(one, other)) differing++;
    if (live.standing(key)?.join('\t') !== rebuilt.standing(key)?.join('\t')) otherwise++;
  }
  return { rows: apart.size, differing, otherwise };
}

type ShouldBe = Exclude<ReturnType<RefusedSide['shouldBe']>, null>;

function isSame(one: ShouldBe, other: ShouldBe): boolean {
  const isTold = ({ told }: ShouldBe, place: number): boolean => told === 'all' || told.has(place);
  return (
    one.fields.length === other.fields.length &&
    one.fields.every((field, place) => !isTold(one, place) || !isTold(other, place) || field === other.fields[place])
  );
}

function keyOf(places: KeyPlaces, line: Buffer): string {
  const [found] = places.of(line);
  return (found?.key ?? []).map(({ start, end }) => line.toString('latin1', start, end)).join('\t');
}

function fieldsOf(bytes: Buffer, start: number, end: number): Fields {
  return bytes.toString('latin1', start, end).split('\t');
}
