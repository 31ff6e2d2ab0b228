import {
  ALLOCATED_TABLE,
  formatRows,
  HELD_NOW_TABLE,
  HELD_TABLE,
  tableName,
  type Line,
  type RefusedVersion,
  type TableSchema,
  type TargetSnapshot,
} from '@changeover/events';
import type { DrivingRow, StoredDerivation } from '@changeover/pipeline';

import { shapeOf, type CompareParts } from './compare-table.js';
import type { ComparedTables } from './compared-tables.js';
import type { LastWords } from './last-words.js';
import { copyOf, inChunks, joined, keysFrom } from './row-chunks.js';
import { idOf, KeyPlaces } from './row-sums.js';
import { fieldsOf, keysOf } from './touched-rows.js';

/** Ours at the target, which `writes` tells of. */
export const OWN_TABLES: readonly TableSchema[] = [HELD_TABLE, ALLOCATED_TABLE];

/** The target as it is in one round, and what tells what should be there. */
export type TargetSides = {
  readonly target: TargetSnapshot;
  /** What transform remembers to have written. */
  readonly derivation: StoredDerivation;
  /** What `writes` has said last of each row, from where this verification begins. */
  readonly words: LastWords;
  readonly signal: AbortSignal;
};

/** How many rows of a table there should be, and how many there are. */
export type TargetCount = { readonly table: string; readonly expected: number; readonly found: number };

/** By the keys of the version that is wanted and of the one that stands; null: there is none. */
type KnownRefusal = { readonly version: RefusedVersion; readonly wanted: string | null; readonly stands: string | null };

/**
 * Rows of the target, held against what transform remembers to have written. Of rows that it has written since it was looked at the last record of `writes` says what they should be.
 */
export class ChosenTarget {
  readonly #tables: ComparedTables;
  readonly #once: boolean;
  readonly #seen = new Map<string, Set<string>>();
  #refusals: { readonly of: TargetSnapshot; readonly known: Map<string, Promise<readonly KnownRefusal[]>> } | null = null;
  #leftOut = 0;

  /** `once`: a row is met several times, and compared the first time. */
  constructor(tables: ComparedTables, { once }: { readonly once: boolean }) {
    this.#tables = tables;
    this.#once = once;
  }

  /** Rows that stand instead of refused ones of which nothing is known. */
  get leftOut(): number {
    return this.#leftOut;
  }

  /** `keys`: of those of these that were not written there should be no row. */
  async written(table: TableSchema, written: readonly Line[], sides: TargetSides, keys: readonly string[] = []): Promise<void> {
    const wanted = new Map<string, Buffer | null>();
    const key = keysOf(table);
    const named = await sides.target.asCompared(key.keys, keysFrom(keys));
    for (const { key: spans } of key.places.of(named)) wanted.set(idOf(named, spans), null);
    const lines = await sides.target.asCompared(table, joined(written));
    let index = 0;
    for (const { key } of new KeyPlaces(shapeOf(table)).of(lines)) wanted.set(idOf(lines, key), copyOf(written[index++] as Line));
    await this.#compare(table, wanted, sides);
  }

  async held(rows: readonly DrivingRow[], written: readonly Line[], sides: TargetSides): Promise<void> {
    const wanted = new Map<string, Buffer | null>(rows.map((row) => [sides.derivation.heldId(row), null]));
    const places = new KeyPlaces(shapeOf(HELD_NOW_TABLE));
    for (const line of written) {
      const bytes = copyOf(line);
      for (const { key } of places.of(bytes)) wanted.set(idOf(bytes, key), bytes);
    }
    await this.#compare(HELD_NOW_TABLE, wanted, sides);
  }

  /** Rows that `writes` touched, whatever led to it: their last words are what should be there. */
  async touched(sides: TargetSides): Promise<void> {
    for (const table of [...sides.derivation.targets, ...OWN_TABLES]) {
      const said = sides.words.of(table);
      if (said === 'all') continue;
      const name = table === HELD_TABLE ? HELD_NOW_TABLE : table;
      for (const chunk of inChunks(said))
        await this.#compare(name, new Map(chunk.map(([id, { line }]) => [id, inWordsOf(name, line)])), sides);
    }
  }

  /** Of all tables that rules write. */
  async *counts({ target, derivation, words }: TargetSides): AsyncGenerator<TargetCount> {
    for (const table of derivation.targets) {
      let expected = derivation.count(table) + words.net(table, derivation.read.seq);
      for (const { wanted, stands } of await target.refused(table)) expected += Number(stands !== null) - Number(wanted !== null);
      yield { table: tableName(table), expected, found: await target.count(table) };
    }
  }

  /** Rows of the target by key, each with what it should be as transform remembers it; null: it should not be there. */
  async #compare(table: TableSchema, remembered: ReadonlyMap<string, Buffer | null>, sides: TargetSides): Promise<void> {
    const { target, derivation, signal } = sides;
    const said = sides.words.of(table === HELD_NOW_TABLE ? HELD_TABLE : table);
    const seen = this.#seen.get(tableName(table)) ?? new Set<string>();
    this.#seen.set(tableName(table), seen);
    const wanted = new Map<string, Buffer | null>();
    for (const [id, line] of remembered) {
      if (seen.has(id)) continue;
      if (this.#once) seen.add(id);
      const word = said === 'all' ? undefined : said.get(id);
      // What was written since the state was looked at is not in it.
      wanted.set(id, word !== undefined && word.seq > derivation.read.seq ? inWordsOf(table, word.line) : line);
    }
    const refused: RefusedVersion[] = [];
    for (const refusal of await this.#refused(table, sides)) {
      const { version } = refusal;
      if (wanted.has(refusal.wanted ?? refusal.stands ?? '')) {
        refused.push(version);
        // Where it stands under another key, that one is looked at as well.
        if (refusal.stands !== null && !wanted.has(refusal.stands)) wanted.set(refusal.stands, null);
      } else if (refusal.stands !== null && wanted.has(refusal.stands)) {
        // It stands there instead of a row of another key, which is to be known as well.
        const word = refusal.wanted === null || said === 'all' ? undefined : said.get(refusal.wanted);
        if (refusal.wanted === null || word === undefined) {
          wanted.delete(refusal.stands);
          this.#leftOut++;
          continue;
        }
        refused.push(version);
        wanted.set(refusal.wanted, word.line);
        if (this.#once) seen.add(refusal.wanted);
      }
    }
    if (wanted.size === 0) return;
    const keys = keysFrom(wanted.keys());
    const lines = [...wanted.values()].flatMap((line): Line[] => (line === null ? [] : [{ bytes: line, start: 0, end: line.length - 1 }]));
    const snapshot: CompareParts['snapshot'] = {
      rows: () => target.find(table, keys),
      asCompared: (form, told) => target.asCompared(form, told),
      refused: () => Promise.resolve(refused),
    };
    await this.#tables.compare({ table, expected: () => lines, snapshot, signal });
  }

  /** What the target refuses of the table. It is read once in each round. */
  async #refused(table: TableSchema, { target }: TargetSides): Promise<readonly KnownRefusal[]> {
    if (this.#refusals?.of !== target) this.#refusals = { of: target, known: new Map() };
    const { known } = this.#refusals;
    const name = tableName(table);
    const refused = known.get(name) ?? refusalsOf(table, target);
    known.set(name, refused);
    return refused;
  }
}

async function refusalsOf(table: TableSchema, target: TargetSnapshot): Promise<readonly KnownRefusal[]> {
  const versions = table === HELD_NOW_TABLE ? [] : await target.refused(table);
  const places = new KeyPlaces(shapeOf(table));
  const idIn = async (row: RefusedVersion['stands'], over: RefusedVersion['stands']): Promise<string | null> => {
    if (row === null) return null;
    const whole = { ...over, ...row };
    const lines = await target.asCompared(table, formatRows([table.columns.map(({ name }) => whole[name] ?? null)]));
    const [one] = places.of(lines);
    return one === undefined ? null : idOf(lines, one.key);
  };
  const known: KnownRefusal[] = [];
  for (const version of versions)
    known.push({ version, wanted: await idIn(version.wanted, version.stands), stands: await idIn(version.stands, null) });
  return known;
}

/** Frames of the list of held rows also say since when they are held. */
function inWordsOf(table: TableSchema, line: Buffer | null): Buffer | null {
  if (table !== HELD_NOW_TABLE || line === null) return line;
  const columns = HELD_NOW_TABLE.columns.map(({ name }) => HELD_TABLE.columns.findIndex((column) => column.name === name));
  return fieldsOf(line, HELD_TABLE.columns.length, columns);
}
