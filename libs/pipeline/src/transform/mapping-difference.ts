import {
  ALLOCATED_TABLE,
  HELD_TABLE,
  lineOf,
  scanLine,
  tableName,
  UNCHANGED,
  type Line,
  type StateEntry,
  type StateStore,
  type StateView,
  type TableSchema,
} from '@changeover/events';

import { allocatedLine, type LastNumbers } from '../derive/allocated-numbers.js';
import type { PlannedRule } from '../derive/derivation-plan.js';
import { decodeEntry, type DerivedEntry } from '../derive/derived-entry.js';
import { HeldRows, heldKey, heldLine, heldRowOf, type HeldSince } from '../derive/held-rows.js';
import { keepsVersions, keptVersionText, lastGood, makersOf } from '../derive/kept-version.js';
import { keyOfEntry, stateKey } from '../derive/state-keys.js';
import { RowFrames } from '../mirror/row-frames.js';
import { nextTurn } from '../next-turn.js';
import { KeyedRows, whole, type RowPair } from '../plan/keyed-rows.js';
import { lineIn, type DerivedTables } from './derived-tables.js';
import type { MappedTables } from './mapped-tables.js';
import type { SourceTable } from './source-tables.js';
import { keptVersions, ToldVersions, type ToldVersion } from './told-versions.js';
import type { WritesOutput } from './writes-output.js';

/** What one of the two mappings has come to. */
export type MappedSide = {
  readonly mapped: MappedTables;
  readonly derived: DerivedTables;
  /** Of its generation. */
  readonly state: StateView;
};

export type MappingDifferenceOptions = {
  readonly migration: string;
  readonly state: StateStore;
  /** In force until now. */
  readonly before: MappedSide;
  /** Everything is derived under it. */
  readonly after: MappedSide;
  readonly at: HeldSince;
  readonly output: Pick<WritesOutput, 'add' | 'ready'>;
  /** Commits what was put into the state where that is much. */
  readonly makeRoom: () => Promise<void>;
  /** The same without committing it. */
  readonly setAside: () => Promise<void>;
  /** Ends {@link MappingDifference.keep} and {@link MappingDifference.find}, which then reject. */
  readonly signal: AbortSignal;
};

/** Rows of a table of the target. */
type Side = { readonly table: TableSchema; readonly makers: readonly Maker[] };
/** What makes them. */
type Maker = { readonly rule: PlannedRule } | { readonly source: SourceTable; readonly passed: TableSchema };

type BothRows = readonly [before: KeyedRows, after: KeyedRows];

/** A table of the target in both mappings. `form`: that of rows that both have; null: no row of the one is a row of the other. */
type Compared = { readonly before: Side | null; readonly after: Side | null; readonly form: TableSchema | null };

/** Where the key begins in that of an entry: before it stand the space and a number. */
const KEY_AT = 3;
/** Rows after which others get a turn. */
const RUN_ROWS = 1_000;
const TAB = Buffer.from('\t');
const LF = Buffer.from('\n');
const NOT_TOLD = Buffer.from(UNCHANGED, 'latin1');

/**
 * What another mapping changes of what is written: the rows of both are held against each other by their keys at the target, and what differs is given as frames.
 * Rows that the same rule makes of the same source row, and that come out the same, are found by going through both side by side; only the others are put
 * into the state, in the order of their keys at the target. So memory does not grow with the tables, and what is done again after a crash comes out the same.
 */
export class MappingDifference {
  readonly #options: MappingDifferenceOptions;
  readonly #tables: readonly Compared[];
  readonly #rows: BothRows[] = [];

  constructor(options: MappingDifferenceOptions) {
    this.#options = options;
    const { before, after } = options;
    const [was, is] = [sidesOf(before), sidesOf(after)];
    const names = [...new Set([...was.keys(), ...is.keys()])].sort();
    this.#tables = names.map((name) => compared(was.get(name) ?? null, is.get(name) ?? null));
  }

  /** Of rows that are held under the new mapping, the versions that stand, where both rules make rows of the same shape. Once, when all else is derived; what an earlier call put into the state must be gone. */
  async keep(): Promise<void> {
    const { state, after, at, setAside } = this.#options;
    const { derivation, plan } = after.derived;
    const told = new ToldVersions(state);
    await this.#through(this.#kept(), (version) => {
      told.put(version);
    });
    for (const { changes } of derivation.keep(keptVersions(plan, told))) {
      after.derived.give(changes, at);
      await setAside();
    }
  }

  /** Finds the rows that differ. What an earlier call put into the state must be gone. */
  async find(): Promise<void> {
    const { before } = this.#options;
    const held = this.#keyedRows(HELD_TABLE, HELD_TABLE);
    await this.#putAll(held[0], this.#told(before));
    await this.#putAll(held[1], this.#toldSince());
    for (const table of this.#tables) {
      const [was, is] = this.#keyedRows(formOf(table, 'before'), formOf(table, 'after'));
      const pairs = pairsOf(table);
      const alone = (side: 'before' | 'after'): readonly Maker[] =>
        (table[side]?.makers ?? []).filter((maker) => !pairs.some((pair) => pair.includes(maker)));
      for (const [one, other] of pairs) if (!isUntouched(one, other)) await this.#putDifferent(table, [one, other], [was, is]);
      await this.#putAll(was, this.#written('before', table, alone('before')));
      await this.#putAll(is, this.#written('after', table, alone('after')));
    }
  }

  /** Frames of all that differs: of each row what it was, and what it is. `numbers`: the last ones that sequences had given before. */
  async give(numbers: LastNumbers): Promise<void> {
    await this.#giveNumbers(numbers);
    const [held, ...rows] = this.#rows as [BothRows, ...BothRows[]];
    for (const [index, table] of this.#tables.entries()) {
      const [was, is] = rows[index] as BothRows;
      if (table.form !== null) await this.#giveChanges(KeyedRows.pairs(was, is), table.form, table.before?.table ?? table.form);
      else {
        // Its rows are no longer told apart by the same columns: they all go, then others come.
        for (const [side, keyed] of [
          ['before', was],
          ['after', is],
        ] as const)
          await this.#giveChanges(alonePairs(keyed, side), formOf(table, side), formOf(table, side));
      }
    }
    await this.#giveChanges(KeyedRows.pairs(...held), HELD_TABLE, HELD_TABLE);
  }

  /** Those that were given on the way here: what was done again after a crash gave no new ones. */
  async #giveNumbers(before: LastNumbers): Promise<void> {
    const { migration, after, output } = this.#options;
    const frames = new RowFrames((frame) => output.add(frame, ALLOCATED_TABLE));
    let seen = 0;
    for (const one of after.derived.numbers) {
      const last = Object.hasOwn(before, one.sequence) ? (before[one.sequence] as number) : -Infinity;
      if (Number(one.number) > last) frames.add(null, allocatedLine(migration, one));
      if (++seen % RUN_ROWS !== 0) continue;
      await output.ready();
      await nextTurn();
    }
    frames.end();
    await output.ready();
  }

  async #giveChanges(pairs: Iterable<RowPair>, form: TableSchema, before: TableSchema): Promise<void> {
    const { output } = this.#options;
    const isNewColumn = lacking(form, before);
    const framesOf = (partial: boolean): RowFrames => new RowFrames((frame) => output.add(partial ? { ...frame, partial } : frame, form));
    const frames = { goes: framesOf(false), changes: framesOf(isNewColumn), comes: framesOf(false) };
    let seen = 0;
    for (const { before: was, after: is } of pairs) {
      const to = was === null ? frames.comes : is === null ? frames.goes : frames.changes;
      to.add(was && lineOf(whole(was)), is && lineOf(whole(is)));
      if (++seen % RUN_ROWS !== 0) continue;
      await output.ready();
      await nextTurn();
    }
    for (const one of Object.values(frames)) one.end();
    await output.ready();
  }

  /** Null for each row that has none, as of all these: others get a turn by how many are gone through. */
  *#kept(): Generator<ToldVersion | null> {
    const { before, after } = this.#options;
    const [rules, others] = [before.mapped.rules(), after.mapped.rules()];
    for (const rule of after.derived.plan.made) {
      for (const { key, value } of entriesOf(after, rule)) {
        const { problems, version: made } = decodeEntry(value);
        // What is part of a merged row is held there.
        if (problems.length === 0 || made?.part !== undefined) {
          yield null;
          continue;
        }
        const was = this.#wasOf(rule, keyOfEntry(key));
        const mayStand = was !== null && keepsVersions(makersOf(was.rule, rules), makersOf(rule, others));
        const good = mayStand ? lastGood({ before: was.entry, rule: was.rule }) : null;
        const { target, name } = rule.compiled;
        yield good && { target, sourceKey: heldKey(name, keyOfEntry(key)), text: keptVersionText(before.derived.plan, good) };
      }
    }
  }

  /** What the mapping before made of the row that the list of held rows would call the same; null: nothing. */
  #wasOf(rule: PlannedRule, key: string): { readonly rule: PlannedRule; readonly key: string; readonly entry: DerivedEntry } | null {
    const { before } = this.#options;
    const row = heldRowOf(before.derived.plan, rule.compiled.target, heldKey(rule.compiled.name, key));
    const entry = row === undefined ? undefined : before.state.get(stateKey('derived', row.rule.number, row.key));
    return row === undefined || entry === undefined ? null : { ...row, entry: decodeEntry(entry) };
  }

  /** The list of held rows as it was. */
  *#told(side: MappedSide): Generator<Line | null> {
    const since = new HeldRows(this.#options.migration, side.state);
    for (const rule of side.derived.plan.made)
      for (const { key, value } of entriesOf(side, rule)) {
        const { told } = decodeEntry(value);
        const row = { rule, key: keyOfEntry(key) };
        yield told && heldLine(this.#options.migration, row, told, since.of(row));
      }
  }

  /** The list as it is: who was held before is so since then. */
  *#toldSince(): Generator<Line | null> {
    const { migration, before, after, at } = this.#options;
    const [was, is] = [before, after].map(({ state }) => new HeldRows(migration, state)) as [HeldRows, HeldRows];
    for (const rule of after.derived.plan.made)
      for (const { key, value } of entriesOf(after, rule)) {
        const { told } = decodeEntry(value);
        if (told === null) {
          yield null;
          continue;
        }
        const row = { rule, key: keyOfEntry(key) };
        const known = this.#wasOf(rule, row.key);
        const since = known?.entry.told != null && HeldRows.isAsBefore(known.entry.told, told) ? was.of(known) : at;
        is.set(row, since);
        yield heldLine(migration, row, told, since);
      }
  }

  *#written(which: 'before' | 'after', table: Compared, makers: readonly Maker[]): Generator<Line | null> {
    const side = table[which];
    if (side === null) return;
    const inForm = converter(side.table, formOf(table, which));
    for (const maker of makers)
      for (const { value } of this.#entries(this.#options[which], maker)) {
        const line = lineBy(maker, value);
        yield line && inForm(line);
      }
  }

  /** Of rows that are made of the same source rows, those that are not the same. */
  async #putDifferent(table: Compared, [one, other]: readonly [Maker, Maker], [was, is]: readonly [KeyedRows, KeyedRows]): Promise<void> {
    const { before, after } = this.#options;
    const inForm = converter(table.before?.table as TableSchema, formOf(table, 'before'));
    await this.#through(sideBySide(this.#entries(before, one), this.#entries(after, other)), ([left, right]) => {
      const [from, to] = [left && lineBy(one, left.value), right && lineBy(other, right.value)];
      const told = from && inForm(from);
      if (told !== null && to !== null && bytesOf(told).equals(bytesOf(to))) return;
      if (told !== null) was.put(told);
      if (to !== null) is.put(to);
    });
  }

  #entries(side: MappedSide, maker: Maker): Iterable<StateEntry> {
    return 'rule' in maker ? entriesOf(side, maker.rule) : this.#options.state.entries(stateKey('mirror', maker.source.number, ''), null);
  }

  async #putAll(into: KeyedRows, lines: Iterable<Line | null>): Promise<void> {
    await this.#through(lines, (line) => {
      into.put(line);
    });
  }

  async #through<T>(rows: Iterable<T | null>, take: (row: T) => unknown): Promise<void> {
    const { makeRoom, signal } = this.#options;
    let seen = 0;
    for (const row of rows) {
      if (row !== null) take(row);
      if (++seen % RUN_ROWS !== 0) continue;
      await makeRoom();
      await nextTurn(signal);
    }
  }

  #keyedRows(before: TableSchema, after: TableSchema): readonly [KeyedRows, KeyedRows] {
    const number = this.#rows.length * 2;
    const { state } = this.#options;
    const rows = [new KeyedRows(state, number, before), new KeyedRows(state, number + 1, after)] as const;
    this.#rows.push(rows);
    return rows;
  }
}

function entriesOf({ state }: MappedSide, { number }: PlannedRule): Iterable<StateEntry> {
  return state.entries(stateKey('derived', number, ''), null);
}

/** The tables of the target that a mapping writes by a key. */
function sidesOf({ mapped, derived }: MappedSide): ReadonlyMap<string, Side> {
  const rules = derived.targets.map((table) => {
    const makers = derived.plan.made.filter(({ compiled }) => compiled.target === tableName(table)).map((rule) => ({ rule }));
    return [tableName(table), { table, makers }] as const;
  });
  const passed = mapped.passedByKey().map(({ table, target }) => {
    return [tableName(target), { table: target, makers: [{ source: table, passed: target }] }] as const;
  });
  return new Map<string, Side>([...rules, ...passed]);
}

function compared(before: Side | null, after: Side | null): Compared {
  if (before === null || after === null) return { before, after, form: (before ?? after)?.table ?? null };
  return { before, after, form: keyOf(before.table) === keyOf(after.table) ? after.table : null };
}

/** In which the rows of one of the two are put and told. */
function formOf({ before, after, form }: Compared, side: 'before' | 'after'): TableSchema {
  // One of the two is there.
  return form ?? ((side === 'before' ? before : after) as Side).table;
}

function keyOf({ columns }: TableSchema): string {
  return columns
    .flatMap(({ key, name }) => (key ? [name] : []))
    .sort()
    .join('\n');
}

/** Makers of which rows are of the same source rows, in the order of the same keys. */
function pairsOf({ before, after, form }: Compared): readonly (readonly [Maker, Maker])[] {
  if (form === null) return [];
  return (before?.makers ?? []).flatMap((one): (readonly [Maker, Maker])[] => {
    const other = after?.makers.find((maker) => isSameMaker(one, maker));
    return other === undefined ? [] : [[one, other]];
  });
}

function isSameMaker(one: Maker, other: Maker): boolean {
  if ('rule' in one) return 'rule' in other && one.rule.label === other.rule.label && one.rule.table.name === other.rule.table.name;
  return !('rule' in other) && one.source === other.source;
}

/** Its rows pass by as they did. */
function isUntouched(one: Maker, other: Maker): boolean {
  return 'passed' in one && 'passed' in other && one.passed.hash === other.passed.hash;
}

/** A row as its maker has written it; null: it has not. */
function lineBy(maker: Maker, value: Buffer): Line | null {
  if (!('rule' in maker)) return maker.source.mirror.lineOf(value);
  const { written } = decodeEntry(value);
  return written === null ? null : lineIn(maker.rule, written);
}

/** Lines of the one form as lines of the other: by name, and what the one lacks is not told. */
function converter(from: TableSchema, to: TableSchema): (line: Line) => Line {
  const places = to.columns.map(({ name }) => from.columns.findIndex((column) => column.name === name));
  if (from.columns.length === to.columns.length && places.every((place, column) => place === column)) return (line) => line;
  const starts = new Int32Array(from.columns.length + 1);
  return ({ bytes, start }) => {
    scanLine(bytes, start, starts);
    const fields = places.map((place) =>
      place === -1 ? NOT_TOLD : bytes.subarray(starts[place] as number, (starts[place + 1] as number) - 1),
    );
    return lineOf(Buffer.concat([...fields.flatMap((field, column) => (column === 0 ? [field] : [TAB, field])), LF]));
  };
}

function lacking(form: TableSchema, before: TableSchema): boolean {
  return form.columns.some(({ name }) => !before.columns.some((column) => column.name === name));
}

function bytesOf({ bytes, start, end }: Line): Buffer {
  return bytes.subarray(start, end);
}

function* alonePairs(rows: KeyedRows, side: 'before' | 'after'): Generator<RowPair> {
  for (const { value } of rows.entries()) yield side === 'before' ? { before: value, after: null } : { before: null, after: value };
}

/** Entries under the same number, in the order of their keys; null: that side has none with this key. */
function* sideBySide(left: Iterable<StateEntry>, right: Iterable<StateEntry>): Generator<readonly [StateEntry | null, StateEntry | null]> {
  const [ones, others] = [left[Symbol.iterator](), right[Symbol.iterator]()];
  try {
    let [one, other] = [ones.next(), others.next()];
    while (one.done !== true || other.done !== true) {
      const order = one.done === true ? 1 : other.done === true ? -1 : one.value.key.compare(other.value.key, KEY_AT, undefined, KEY_AT);
      yield [order <= 0 ? (one.value as StateEntry) : null, order >= 0 ? (other.value as StateEntry) : null];
      if (order <= 0) one = ones.next();
      if (order >= 0) other = others.next();
    }
  } finally {
    ones.return?.();
    others.return?.();
  }
}
