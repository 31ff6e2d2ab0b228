import { ChangeoverError, invariant } from '@changeover/core';
import {
  ALLOCATED_TABLE,
  CORRECTION_TABLE,
  HELD_TABLE,
  lineOf,
  REFERENCE_TABLE,
  tableName,
  type Decision,
  type Line,
  type StateView,
  type TableSchema,
} from '@changeover/events';
import {
  compileRules,
  isReference,
  referencesRead,
  referredTable,
  ruleSchemas,
  sourceTable,
  tablesRead,
  type CompiledRule,
  type Converters,
  type Row,
  type TableRule,
} from '@changeover/mapping';

import { allocatedLine, AllocatedNumbers } from '../derive/allocated-numbers.js';
import { referenceLine } from '../derive/reference-line.js';
import { DerivationPlan, type MirroredTable, type PlannedRule } from '../derive/derivation-plan.js';
import { correctionLine, type PlacedDecision } from '../derive/corrections.js';
import { Derivation, type DerivedChange, type TouchedRow } from '../derive/derivation.js';
import { heldRowOf, HeldRows, keyOfHash, type HeldSince } from '../derive/held-rows.js';
import type { KeptVersion, NothingKept } from '../derive/kept-version.js';
import { lineOfRow, rowOfLine } from '../derive/row-text.js';
import { numberingRule } from '../derive/numbering-rule.js';
import { keptInstead } from '../derive/rows-before.js';
import { SourceMirror } from '../derive/source-mirror.js';
import { keyOfEntry } from '../derive/state-keys.js';
import { RowFrames } from '../mirror/row-frames.js';
import { neverWhole } from '../mirror/table-mirror.js';
import { referenceMissing } from './missing-references.js';
import type { SourceTable, SourceTables } from './source-tables.js';
import type { WritesOutput } from './writes-output.js';

export type DerivedTablesOptions = {
  readonly migration: string;
  readonly rules: readonly TableRule[];
  readonly converters: Converters;
  readonly tables: SourceTables;
  readonly state: StateView;
  readonly output: Pick<WritesOutput, 'add'>;
  /** Whether a table is being copied: its rows need not be whole. */
  readonly isCopied: (table: string) => boolean;
  /** Tables of which operators can correct rows. */
  readonly correctable: ReadonlySet<string>;
  /** All texts that are asked for have their numbers already. Left out: others are given theirs. */
  readonly numbered?: boolean;
  /** Rows that are derived at once. Left out: 10,000. */
  readonly roundRows?: number | undefined;
};

/** Between two of these others get a turn. */
const RUN_ROWS = 1000;

/**
 * The target tables whose rows are derived: what changed in the mirror goes in, frames come out. Made anew when a table that the rules read has
 * another form; what it remembers is in the state.
 */
export class DerivedTables {
  readonly plan: DerivationPlan;
  readonly derivation: Derivation;
  readonly numbers: AllocatedNumbers;
  readonly targets: readonly TableSchema[];
  readonly #held: HeldRows;
  /** By target: its rows come from one rule, or from several. */
  readonly #frames: ReadonlyMap<string, RowFrames>;
  readonly #heldFrames: RowFrames;
  readonly #correctionFrames: RowFrames;
  readonly #referenceFrames: RowFrames;
  readonly #allocatedFrames: RowFrames;
  readonly #tables: SourceTables;
  readonly #migration: string;
  readonly #sources: ReadonlyMap<number, SourceTable>;
  /** Of tables of the target, the places of the columns that rules read: others may be recorded for another mapping. */
  readonly #looked: ReadonlyMap<string, readonly number[]>;
  readonly #isCopied: DerivedTablesOptions['isCopied'];
  #touched = new Map<string, TouchedRow>();

  /** Throws MAPPING_INVALID where the rules do not fit the tables as they are. */
  constructor(options: DerivedTablesOptions) {
    const { migration, rules, converters, tables, state, output, isCopied, correctable, numbered = false, roundRows } = options;
    this.#migration = migration;
    this.#isCopied = isCopied;
    this.#tables = tables;
    const read = sourcesOf(rules, tables);
    this.#sources = new Map(read.map((table) => [table.number, table]));
    const used = [...referencesRead({ rules })];
    this.#looked = new Map(used.map(([name, names]) => [name, placesOf(names, tables.find(name))]));
    const columns = new Map(read.map(({ name, form }) => [name, sourceTable(form.schema.columns)]));
    const keys = new Map(read.map((table) => [table.name, keysAndColumns(table, correctable.has(table.name))]));
    this.numbers = new AllocatedNumbers(state, (given) => {
      invariant(!numbered, 'the texts that these rows mention have their numbers');
      this.#allocatedFrames.add(null, allocatedLine(migration, given));
    });
    const compile = (some: readonly TableRule[]): readonly CompiledRule[] =>
      compileRules({ rules: some }, columns, converters, this.numbers.numbering);
    const numbering = rules.map(numberingRule).map((rule) => (rule === null ? null : (compile([rule])[0] ?? null)));
    this.plan = new DerivationPlan(compile(rules), keys, numbering);
    this.derivation = new Derivation(this.plan, state, { mirror: new SourceMirror(state, this.#read), ...(roundRows && { roundRows }) });
    this.targets = ruleSchemas(rules);
    this.#held = new HeldRows(migration, state);
    this.#frames = new Map(this.targets.map((target) => [tableName(target), new RowFrames((frame) => output.add(frame, target))]));
    this.#heldFrames = new RowFrames((frame) => output.add(frame, HELD_TABLE));
    this.#correctionFrames = new RowFrames((frame) => output.add(frame, CORRECTION_TABLE));
    this.#referenceFrames = new RowFrames((frame) => output.add(frame, REFERENCE_TABLE));
    this.#allocatedFrames = new RowFrames((frame) => output.add(frame, ALLOCATED_TABLE));
  }

  /** Whose forms the stream has to know before anything is derived: deciding and recording, which come by themselves, tell theirs. */
  get told(): readonly TableSchema[] {
    return [HELD_TABLE, ...this.targets, ...(this.plan.rules.some(({ numbering }) => numbering !== null) ? [ALLOCATED_TABLE] : [])];
  }

  /** The tables that the rules read. */
  get sources(): Iterable<SourceTable> {
    return this.#sources.values();
  }

  reads(table: string): boolean {
    return this.plan.table(table) !== undefined;
  }

  /** A row of the mirror has changed; its keys in the state were and are these. */
  touch(name: string, before: Line | null, after: Line | null, from: Buffer, to: Buffer): void {
    const table = this.plan.table(name);
    if (table === undefined) return;
    // What a row holds matters only where others look it up; the rows that it drives are found by its key.
    const looked = table.joinedBy.length > 0 || table.lookups.length > 0;
    const { corrections } = this.derivation.mirror;
    const read = (key: string, line: Line | null): Row | null =>
      looked && line !== null ? corrections.lay(table, key, rowOf(line)) : null;
    const key = keyOfEntry(to);
    if (from.equals(to)) {
      const [was, is] = [read(key, before), read(key, after)];
      if (!this.#looksSame(name, was, is)) this.#touch(table, key, was, is);
      return;
    }
    const left = keyOfEntry(from);
    this.#touch(table, left, read(left, before), null);
    this.#touch(table, key, null, read(key, after));
  }

  /** What an operator has decided about a row, whose reading may change with it; gives frames. `id`: of a correction. */
  decide(id: string, decision: Decision, at: HeldSince): void {
    const { mirror } = this.derivation;
    const { table, key } = this.#rowOf(decision);
    const was = table === undefined ? null : mirror.get(table, key);
    const { before, after } = mirror.corrections.decide(id, decision, at);
    if (table !== undefined) this.#touch(table, key, was, mirror.get(table, key));
    // It goes and another comes: they have different ids.
    if (before !== null) this.#correctionFrames.add(this.#correctionLine(before), null);
    if (after !== null) this.#correctionFrames.add(null, this.#correctionLine(after));
  }

  /** The row of the source that a decision is about; no table: no rule reads it, or makes such a row, any more. */
  #rowOf(decision: Decision): { readonly table: MirroredTable | undefined; readonly key: string } {
    const { table, key, target } = { target: undefined, ...decision };
    if (target === undefined) return { table: this.plan.table(table), key: keyOfHash(key) };
    const made = heldRowOf(this.plan, target, key);
    return { table: made?.rule.table, key: made?.key ?? key };
  }

  /** A row of the target is recorded, or is recorded no longer; gives frames. Lines in the form told last, `key` in the state. */
  record({ form }: SourceTable, before: Line | null, after: Line | null, key: Buffer): void {
    const line = (row: Line | null): Line | null => row && referenceLine(this.#migration, form.schema, keyOfEntry(key), row);
    this.#referenceFrames.add(line(before), line(after));
  }

  /** Frames of all that was decided, and of all that was recorded of the target, before anything was derived. */
  *decided(): Generator<void> {
    let given = 0;
    for (const correction of this.derivation.mirror.corrections) {
      this.#correctionFrames.add(null, this.#correctionLine(correction));
      if (++given % RUN_ROWS === 0) yield;
    }
    this.#correctionFrames.end();
    for (const table of this.#tables) {
      if (!isReference(table.name)) continue;
      for (const { key, line } of table.mirror.rows(null, table.form.place)) {
        this.record(table, null, line, key);
        if (++given % RUN_ROWS === 0) yield;
      }
    }
    this.#referenceFrames.end();
  }

  /** Derives what the rows touched since the last time lead to; gives frames, and yields where others should have a turn. `goesOn`: more of the record is to come. */
  *derive(at: HeldSince, goesOn: boolean): Generator<void> {
    this.#correctionFrames.end();
    this.#referenceFrames.end();
    const touched = this.#touched;
    this.#touched = new Map();
    for (const { changes, isLast } of touched.size === 0 ? [] : this.derivation.derive(touched.values(), goesOn)) {
      this.give(changes, at);
      if (!isLast) yield;
    }
    if (!goesOn) yield* this.#settle(at);
  }

  /**
   * Behind a record: what came of several rounds becomes what one would have come to. That keeps of a held row what stood before the record, and tells it since before where it was told so.
   * In memory are only the rows of which something else is kept.
   */
  *#settle(at: HeldSince): Generator<void> {
    const { before } = this.derivation;
    if (!before.some) return;
    let seen = 0;
    const kept: (KeptVersion | NothingKept)[] = [];
    for (const row of before.told(this.plan)) {
      const version = row === null ? undefined : keptInstead(row);
      if (row !== null && version !== undefined) kept.push({ rule: row.rule, key: row.key, version });
      if (++seen % RUN_ROWS === 0) yield;
    }
    for (const { changes } of kept.length === 0 ? [] : this.derivation.keep(kept)) {
      this.give(changes, at);
      yield;
    }
    for (const row of before.told(this.plan)) {
      if (row !== null) {
        const { before: was, after: is } = this.#held.settle(row, at);
        if (was !== null) this.#heldFrames.add(was, is);
      }
      if (++seen % RUN_ROWS === 0) yield;
    }
    this.#heldFrames.end();
    for (const _ of before.forget()) if (++seen % RUN_ROWS === 0) yield;
  }

  /** Frames of these changes: of each table first what goes, as another row may come in its place. */
  give(changes: readonly DerivedChange[], at: HeldSince): void {
    const changed = changes.filter(({ before }) => before !== null);
    for (const change of changed) {
      const { rule, before, after } = change;
      if (before !== null && (after === null || movesKey(change))) this.#of(rule).add(lineIn(rule, before), null);
    }
    for (const change of changed) {
      const { rule, before, after } = change;
      if (before !== null && after !== null && !movesKey(change)) this.#of(rule).add(lineIn(rule, before), lineIn(rule, after));
    }
    for (const change of changes) {
      const { rule, before, after, line } = change;
      if (after === null || line === null || (before !== null && !movesKey(change))) continue;
      if (lacksColumns(rule, after)) this.#of(rule).add(null, lineIn(rule, after));
      else this.#of(rule).append(line);
    }
    for (const change of changes) {
      const { before, after } = this.#held.change(change, at);
      if (before !== null || after !== null) this.#heldFrames.add(before, after);
    }
    for (const frames of this.#frames.values()) frames.end();
    this.#heldFrames.end();
    this.#allocatedFrames.end();
  }

  /** A row of the target that is told again, or in a wider form, concerns nobody as long as rules read the same of it. */
  #looksSame(name: string, was: Row | null, is: Row | null): boolean {
    const places = this.#looked.get(name);
    return places !== undefined && was !== null && is !== null && places.every((place) => was[place] === is[place]);
  }

  #touch(table: MirroredTable, key: string, before: TouchedRow['before'], after: TouchedRow['after']): void {
    this.derivation.mirror.moved(table, key, before, after);
    const id = `${String(table.number)} ${key}`;
    const known = this.#touched.get(id);
    this.#touched.set(id, { table, key, before: known === undefined ? before : known.before, after });
  }

  #correctionLine(correction: PlacedDecision): Line {
    return correctionLine(this.#migration, correction);
  }

  #of(rule: PlannedRule): RowFrames {
    return this.#frames.get(rule.compiled.target) as RowFrames;
  }

  readonly #read = (table: MirroredTable, value: Buffer): TouchedRow['before'] => {
    const whole = this.#sources.get(table.number)?.mirror.textOf(value) ?? null;
    if (whole === null && !this.#isCopied(table.name)) throw neverWhole(table.name);
    return whole === null ? null : rowOfLine(whole);
  };
}

function rowOf({ bytes, start, end }: Line): ReturnType<typeof rowOfLine> {
  return rowOfLine(bytes.toString('utf8', start, end));
}

/** A row that was derived before its table had all the columns that it has now has nulls there. */
export function lineIn(rule: PlannedRule, row: Row): Line {
  const whole = lacksColumns(rule, row) ? rule.compiled.columns.map((_, place) => row[place] ?? null) : row;
  return lineOf(Buffer.from(`${lineOfRow(whole)}\n`));
}

function lacksColumns({ compiled: { columns } }: PlannedRule, row: Row): boolean {
  return row.length < columns.length;
}

/** A row with another key is another row for whoever finds rows by it. */
function movesKey({ rule, before, after }: DerivedChange): boolean {
  return before !== null && after !== null && rule.compiled.key.some((place) => before[place] !== after[place]);
}

/** The tables that the rules read. Throws MAPPING_INVALID if one is not captured, or its rows have no key. */
function sourcesOf(rules: readonly TableRule[], tables: SourceTables): readonly SourceTable[] {
  return [...tablesRead({ rules })].map((name) => {
    const table = tables.find(name);
    if (table?.form.keyed === true) return table;
    if (isReference(name)) throw referenceMissing([referredTable(name)]);
    const why = table === undefined ? 'which is not captured' : 'whose rows have no key';
    throw new ChangeoverError('MAPPING_INVALID', `the mapping reads ${name}, ${why}`, { facts: { table: name } });
  });
}

function placesOf(names: ReadonlySet<string>, table: SourceTable | undefined): readonly number[] {
  return (table?.form.schema.columns ?? []).flatMap(({ name }, place) => (names.has(name) ? [place] : []));
}

function keysAndColumns({ number, form }: SourceTable, isCorrectable: boolean): Pick<MirroredTable, 'number' | 'key' | 'correctable'> {
  const { columns } = form.schema;
  const places = columns.map(({ key, name }, place) => ({ key, name, place }));
  const others = isCorrectable ? places.filter(({ key }) => !key) : [];
  return {
    number,
    key: places.filter(({ key }) => key).map(({ place }) => place),
    correctable: new Map(others.map(({ name, place }) => [name, place])),
  };
}
