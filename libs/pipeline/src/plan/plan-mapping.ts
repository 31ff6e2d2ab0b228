import { ChangeoverError } from '@changeover/core';
import {
  countLines,
  joinLines,
  HELD_NOW_COLUMNS,
  parseRows,
  tableName,
  type HeldColumn,
  type Line,
  type ReadPosition,
  type RecordRef,
  type StateLook,
  type StateStore,
  type TableSchema,
} from '@changeover/events';
import { tableUse, type Converters, type Mapping } from '@changeover/mapping';

import { allocatedLine } from '../derive/allocated-numbers.js';
import { correctionLine } from '../derive/corrections.js';
import { decodeEntry } from '../derive/derived-entry.js';
import { heldLine, heldRowOf, type HeldSince } from '../derive/held-rows.js';
import { keepsVersions, keptVersionText, lastGood, makersOf } from '../derive/kept-version.js';
import { keyOfEntry, stateKey } from '../derive/state-keys.js';
import { nextTurn } from '../next-turn.js';
import { lineIn } from '../transform/derived-tables.js';
import type { StartRangeThreads } from '../transform/range-threads.js';
import { missingReferences, referenceMissing } from '../transform/missing-references.js';
import { SnapshotDerivation } from '../transform/snapshot-derivation.js';
import type { ToldVersion } from '../transform/told-versions.js';
import type { SourceTable } from '../transform/source-tables.js';
import { openStoredTables, type StoredTables } from '../transform/stored-tables.js';
import { KeyedRows, whole } from './keyed-rows.js';

/** A row that would come, go or change, by its key at the target. */
export type PlannedRow = {
  readonly what: 'comes' | 'goes' | 'changes';
  readonly key: readonly (string | null)[];
  /** Those that change. */
  readonly columns: readonly string[];
  /** Where they were asked for: in these columns, or in all, as text; null: no row. */
  readonly values?: { readonly before: Values | null; readonly after: Values | null };
};

type Values = Readonly<Record<string, string | null>>;

/** Rows of the list of held rows: `kept` are held while an earlier version stands, `held` stand not at all, `noted` are written. */
export type HeldCounts = { readonly held: number; readonly kept: number; readonly waiting: number; readonly noted: number };

/** Rows that are not at the target, or not as they are at the source, for one reason. */
type PlannedReason = { readonly reason: string; readonly column: string | null; readonly before: number; readonly after: number };

export type PlannedTable = {
  /** `schema.table` at the target. */
  readonly table: string;
  /** `comes`: only the new mapping writes it; `goes`: only the active one does; `rekeyed`: both do, with other key columns. */
  readonly state: 'stays' | 'comes' | 'goes' | 'rekeyed';
  /** Its rows as they are written, and as they would be. */
  readonly before: number;
  readonly after: number;
  readonly comes: number;
  readonly goes: number;
  readonly changes: number;
  /** Of rows that change, how many in each column. */
  readonly columns: readonly { readonly column: string; readonly rows: number }[];
  /** Columns that only the new mapping writes, and that only the active one does: the latter keep what they hold. */
  readonly newColumns: readonly string[];
  readonly leftColumns: readonly string[];
  /** Rows under the key of another row, of which only one can stand: the key does not tell them apart. */
  readonly sharedKeys: { readonly before: number; readonly after: number };
  readonly held: { readonly before: HeldCounts; readonly after: HeldCounts };
  readonly reasons: readonly PlannedReason[];
  /** The first of each kind, in the order of their keys. */
  readonly rows: readonly PlannedRow[];
};

export type MappingPlan = {
  /** The last record of `changes` that transform had read. */
  readonly read: ReadPosition;
  readonly tables: readonly PlannedTable[];
  /** Tables whose rows have no key: nothing is said of their rows. */
  readonly withoutKey: readonly { readonly table: string; readonly state: 'stays' | 'comes' | 'goes' }[];
};

export type PlanStep = {
  readonly doing: 'reading' | 'deriving' | 'comparing';
  readonly table: string;
  readonly rows: number;
  readonly expected: number;
};

export type PlanOptions = {
  readonly migration: string;
  /** What made the rows that are written. */
  readonly active: Mapping;
  /** What may be made of them. */
  readonly proposed: Mapping;
  readonly converters: Converters;
  /** What transform has committed last. */
  readonly look: StateLook;
  /** Gives a form that `changes` has told. */
  readonly fetch: (ref: RecordRef) => Promise<TableSchema>;
  /** Empty, and of use to nobody else. */
  readonly state: StateStore;
  readonly startThreads?: StartRangeThreads | undefined;
  readonly maxStateBytes: number;
  /** Rows of a kind that are named of a table, and whether with their values. */
  readonly named: number;
  readonly values: boolean;
  /** Tables of the target; left out: all. */
  readonly only?: ReadonlySet<string>;
  readonly onStep: (step: PlanStep) => void;
};

const NEVER: HeldSince = { seq: 0, ts_ms: 0 };
const NO_PLACE = Buffer.from('{}');
const CHUNK_BYTES = 64 * 1024;
/** Rows after which others get a turn. */
const RUN_ROWS = 2_000;

/** Whether the new mapping would change nothing that is written. */
export function changesNothing({ tables, withoutKey }: Pick<MappingPlan, 'tables' | 'withoutKey'>): boolean {
  return (
    withoutKey.every(({ state }) => state === 'stays') &&
    tables.every(
      ({ state, comes, goes, changes, newColumns, leftColumns, reasons }) =>
        state === 'stays' &&
        comes + goes + changes + newColumns.length + leftColumns.length === 0 &&
        reasons.every(({ before, after }) => before === after),
    )
  );
}

/**
 * What another mapping would make of the rows that are written: everything is derived under it over a state of its own, from what transform remembers of the source, and held against what is remembered
 * as written, row by row, both as transform has committed them last. So it says what activating it there would write. A held row keeps the version that stands, where
 * the rule makes rows of the same shape ({@link keepsVersions}).
 *
 * NOT_FOLLOWING where transform is not at a record of which everything is written. REFERENCE_MISSING where the other mapping looks up rows of the target that are not recorded.
 */
export async function planMapping(options: PlanOptions, signal: AbortSignal): Promise<MappingPlan> {
  const { migration, active, proposed, converters, look, fetch } = options;
  const stored = await openStoredTables(look, { migration, mapping: active, converters, fetch });
  try {
    return await new Planning(options, stored).plan(proposed, signal);
  } finally {
    await stored.draft[Symbol.asyncDispose]();
  }
}

class Planning {
  readonly #options: PlanOptions;
  readonly #stored: StoredTables;
  #numbers = 0;

  constructor(options: PlanOptions, stored: StoredTables) {
    this.#options = options;
    this.#stored = stored;
  }

  async plan(proposed: Mapping, signal: AbortSignal): Promise<MappingPlan> {
    const { migration, active, converters, state, startThreads, maxStateBytes, only, onStep } = this.#options;
    const { tables, derived, passed, read } = this.#stored;
    const missing = missingReferences(proposed, tables);
    if (missing.length > 0) throw referenceMissing(missing);
    const forms = Array.from(tables, ({ form }) => form.schema);
    const derivation = new SnapshotDerivation({
      migration,
      mapping: proposed,
      converters,
      tables: forms,
      state,
      maxStateBytes,
      startThreads,
    });
    const before = [...derived.targets, ...passed.values()];
    const after = derivation.targets;
    const names = [...new Set([...before, ...after].map(tableName))].sort();
    this.#requireKnown(names);
    await this.#fill(derivation, signal);
    for (const lines of joinLines(this.#decided(), CHUNK_BYTES)) await derivation.correct(lines);
    for (const lines of joinLines(this.#numbered(), CHUNK_BYTES)) await derivation.number(lines);
    await derivation.derive(this.#kept(derivation), signal, (rows, expected) => {
      onStep({ doing: 'deriving', table: '', rows, expected });
    });
    const held = await this.#held(derivation, signal);
    const planned: PlannedTable[] = [];
    for (const name of names) {
      if (only?.has(name) === false) continue;
      const find = (some: readonly TableSchema[]): TableSchema | undefined => some.find((table) => tableName(table) === name);
      planned.push(await this.#table({ name, one: find(before), other: find(after), derivation, held: held.get(name) ?? [] }, signal));
    }
    const unkeyed = (mapping: Mapping): readonly string[] =>
      forms.flatMap((form) => {
        const { passed: target } = tableUse(mapping, form);
        return target === null || form.columns.some(({ key }) => key) ? [] : [tableName(target)];
      });
    const [was, is] = [unkeyed(active), unkeyed(proposed)];
    const withoutKey = [...new Set([...was, ...is])].sort().map((table) => {
      return { table, state: !was.includes(table) ? ('comes' as const) : is.includes(table) ? ('stays' as const) : ('goes' as const) };
    });
    return { read, tables: planned, withoutKey };
  }

  #requireKnown(names: readonly string[]): void {
    const unknown = [...(this.#options.only ?? [])].find((name) => !names.includes(name));
    if (unknown === undefined) return;
    throw new ChangeoverError(
      'BAD_SETTINGS',
      `--table ${unknown} is no table that either mapping writes by a key; there are ${names.join(', ')}`,
    );
  }

  async #fill(derivation: SnapshotDerivation, signal: AbortSignal): Promise<void> {
    for (const form of derivation.sources) {
      const table = this.#stored.tables.find(tableName(form)) as SourceTable;
      let rows = 0;
      for (const lines of joinLines(this.#remembered(table), CHUNK_BYTES)) {
        await derivation.fill(form, lines);
        rows += countLines(lines);
        this.#options.onStep({ doing: 'reading', table: table.name, rows, expected: Math.max(rows, table.rows) });
        await nextTurn(signal);
      }
    }
  }

  /** Rows that are not whole count as absent: of a table that is captured no longer. */
  *#remembered({ number, mirror }: SourceTable): Generator<Line> {
    for (const { value } of this.#stored.look.entries(stateKey('mirror', number, ''), null)) {
      const line = mirror.lineOf(value);
      if (line !== null) yield line;
    }
  }

  /** What operators have decided: that holds under either mapping. */
  *#decided(): Generator<Line> {
    for (const correction of this.#stored.derived.derivation.mirror.corrections) yield correctionLine(this.#options.migration, correction);
  }

  /** Numbers stay what they are; those that are given here only tell how many there would be. */
  *#numbered(): Generator<Line> {
    for (const number of this.#stored.derived.numbers) yield allocatedLine(this.#options.migration, number);
  }

  /** Of rows that are held under the new mapping, the versions that stand. */
  *#kept(derivation: SnapshotDerivation): Generator<ToldVersion> {
    const { derived, draft, rules } = this.#stored;
    for (const { rules: others, target, sourceKey } of derivation.heldRows()) {
      const row = heldRowOf(derived.plan, target, sourceKey);
      if (row === undefined) continue;
      if (!keepsVersions(makersOf(row.rule, rules), others)) continue;
      const entry = draft.get(stateKey('derived', row.rule.number, row.key));
      const version = entry === undefined ? null : lastGood({ before: decodeEntry(entry), rule: row.rule });
      if (version !== null) yield { target, sourceKey, text: keptVersionText(derived.plan, version) };
    }
  }

  /** Rows of a table of the target, as they are written. */
  *#written(name: string): Generator<Line> {
    const { derived, passed } = this.#stored;
    for (const rule of derived.plan.made) {
      if (rule.compiled.target !== name) continue;
      for (const { value } of this.#stored.look.entries(stateKey('derived', rule.number, ''), null)) {
        const { written } = decodeEntry(value);
        if (written !== null) yield lineIn(rule, written);
      }
    }
    for (const [table, target] of passed) if (tableName(target) === name) yield* this.#remembered(table);
  }

  /** What the list of held rows says now. */
  *#heldNow(): Generator<Line> {
    for (const rule of this.#stored.derived.plan.made) {
      for (const { key, value } of this.#stored.look.entries(stateKey('derived', rule.number, ''), null)) {
        const { told } = decodeEntry(value);
        if (told !== null) yield heldLine(this.#options.migration, { rule, key: keyOfEntry(key) }, told, NEVER, HELD_NOW_COLUMNS);
      }
    }
  }

  /** By target, for how many rows each reason says so, before and after. */
  async #held(derivation: SnapshotDerivation, signal: AbortSignal): Promise<ReadonlyMap<string, readonly CountedReason[]>> {
    const counted = new Map<string, Map<string, CountedReason>>();
    const sides = [
      ['before', this.#heldNow()],
      ['after', derivation.held()],
    ] as const;
    for (const [side, lines] of sides) {
      let rows = 0;
      for (const { bytes, start, end } of lines) {
        const [values = []] = parseRows(bytes.subarray(start, end + 1));
        const at = (column: HeldColumn): string | null => values[HELD_NOW_COLUMNS.indexOf(column)] ?? null;
        const [target, reason, column] = [at('target') as string, at('reason') as string, at('problem_column')];
        const listed = at('state');
        const state = listed === 'waiting' || listed === 'noted' ? listed : at('kept') === 't' ? 'kept' : 'held';
        const reasons = counted.get(target) ?? new Map<string, CountedReason>();
        counted.set(target, reasons);
        const id = JSON.stringify([state, reason, column]);
        const one = reasons.get(id) ?? { state, reason, column, before: 0, after: 0 };
        reasons.set(id, { ...one, [side]: one[side] + 1 });
        if (++rows % RUN_ROWS === 0) await nextTurn(signal);
      }
    }
    return new Map(Array.from(counted, ([target, reasons]) => [target, [...reasons.values()]]));
  }

  async #table(
    {
      name,
      one,
      other,
      derivation,
      held,
    }: {
      readonly name: string;
      readonly one: TableSchema | undefined;
      readonly other: TableSchema | undefined;
      readonly derivation: SnapshotDerivation;
      readonly held: readonly CountedReason[];
    },
    signal: AbortSignal,
  ): Promise<PlannedTable> {
    const { state, named, values } = this.#options;
    // One of the two is there.
    const [from, to] = [one ?? (other as TableSchema), other ?? (one as TableSchema)];
    const before = new KeyedRows(state, this.#numbers++, from);
    const after = new KeyedRows(state, this.#numbers++, to);
    await this.#put(before, name, one === undefined ? [] : this.#written(name), signal);
    await this.#put(after, name, other === undefined ? [] : derivation.rows(to), signal);
    const comparison = new RowComparison(from, to, { named, values });
    let rows = 0;
    for (const { before: was, after: is } of KeyedRows.pairs(before, after)) {
      comparison.add(was, is);
      if (++rows % RUN_ROWS === 0) await nextTurn(signal);
    }
    const both = one !== undefined && other !== undefined;
    const counts = (side: 'before' | 'after'): HeldCounts => {
      const of = (which: CountedReason['state']): number =>
        held.reduce((sum, reason) => sum + (reason.state === which ? reason[side] : 0), 0);
      return { held: of('held'), kept: of('kept'), waiting: of('waiting'), noted: of('noted') };
    };
    return {
      table: name,
      state: !both ? (one === undefined ? 'comes' : 'goes') : comparison.isRekeyed ? 'rekeyed' : 'stays',
      before: before.rows,
      after: after.rows,
      ...comparison.outcome(both),
      sharedKeys: { before: before.shared, after: after.shared },
      held: { before: counts('before'), after: counts('after') },
      reasons: held.map(({ reason, column, before: was, after: is }) => ({ reason, column, before: was, after: is })),
    };
  }

  async #put(into: KeyedRows, table: string, lines: Iterable<Line>, signal: AbortSignal): Promise<void> {
    const { state, maxStateBytes, onStep } = this.#options;
    let rows = 0;
    for (const line of lines) {
      into.put(line);
      if (++rows % RUN_ROWS !== 0) continue;
      onStep({ doing: 'comparing', table, rows, expected: rows });
      if (state.pendingBytes >= maxStateBytes) await state.commit(NO_PLACE);
      await nextTurn(signal);
    }
  }
}

type CountedReason = PlannedReason & { readonly state: keyof HeldCounts };

/** Rows of a table, as the two mappings make them. */
class RowComparison {
  readonly isRekeyed: boolean;
  /** Lines of the one are lines of the other. */
  readonly #isSameForm: boolean;
  readonly #options: Pick<PlanOptions, 'named' | 'values'>;
  readonly #from: readonly string[];
  readonly #to: readonly string[];
  readonly #key: readonly string[];
  readonly #changed = new Map<string, number>();
  readonly #counts = { comes: 0, goes: 0, changes: 0 };
  readonly #rows: PlannedRow[] = [];

  constructor(from: TableSchema, to: TableSchema, options: Pick<PlanOptions, 'named' | 'values'>) {
    const keyOf = ({ columns }: TableSchema): readonly string[] => columns.flatMap(({ key, name }) => (key ? [name] : [])).sort();
    this.#options = options;
    this.#from = from.columns.map(({ name }) => name);
    this.#to = to.columns.map(({ name }) => name);
    this.#key = keyOf(to);
    this.#isSameForm = this.#from.join('\n') === this.#to.join('\n');
    this.isRekeyed = keyOf(from).join('\n') !== this.#key.join('\n');
  }

  /** A row as it is, and as it would be. */
  add(before: Buffer | null, after: Buffer | null): void {
    // A row is known by its key: with another one it is another row.
    if (this.isRekeyed && before !== null && after !== null) {
      this.add(before, null);
      this.add(null, after);
      return;
    }
    if (this.#isSameForm && before !== null && after?.equals(before) === true) return;
    const [was, is] = [valuesIn(before, this.#from), valuesIn(after, this.#to)];
    const columns = was === null || is === null ? [] : this.#to.filter((name) => (was[name] ?? null) !== (is[name] ?? null));
    if (was !== null && is !== null && columns.length === 0) return;
    const what = was === null ? 'comes' : is === null ? 'goes' : 'changes';
    this.#counts[what]++;
    for (const column of columns) this.#changed.set(column, (this.#changed.get(column) ?? 0) + 1);
    if (this.#counts[what] > this.#options.named) return;
    const key = this.#key.map((name) => (is ?? was)?.[name] ?? null);
    const only = (row: Values | null): Values | null =>
      row === null || columns.length === 0 ? row : Object.fromEntries(columns.map((name) => [name, row[name] ?? null]));
    this.#rows.push({ what, key, columns, ...(this.#options.values && { values: { before: only(was), after: only(is) } }) });
  }

  /** `both`: both mappings write the table. */
  outcome(both: boolean): Pick<PlannedTable, 'comes' | 'goes' | 'changes' | 'columns' | 'newColumns' | 'leftColumns' | 'rows'> {
    const columns = Array.from(this.#changed, ([column, rows]) => ({ column, rows })).sort(
      (a, b) => b.rows - a.rows || (a.column < b.column ? -1 : 1),
    );
    return {
      ...this.#counts,
      columns,
      newColumns: both ? this.#to.filter((name) => !this.#from.includes(name)) : [],
      leftColumns: both ? this.#from.filter((name) => !this.#to.includes(name)) : [],
      rows: this.#rows,
    };
  }
}

function valuesIn(row: Buffer | null, names: readonly string[]): Values | null {
  if (row === null) return null;
  const [values = []] = parseRows(whole(row));
  return Object.fromEntries(names.map((name, place) => [name, values[place] ?? null]));
}
