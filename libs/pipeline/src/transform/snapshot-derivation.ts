import {
  countLines,
  formatRows,
  parseRows,
  tableName,
  HELD_NOW_COLUMNS,
  type Line,
  type StateStore,
  type TableSchema,
} from '@changeover/events';
import {
  correctableTables,
  referenceName,
  tableUse,
  type Converters,
  type Mapping,
  type Row,
  type TableRule,
  type TableUse,
} from '@changeover/mapping';

import { allocatedIn, allocatedLine, type LastNumbers } from '../derive/allocated-numbers.js';
import { DeriveAll, takePiece, type DeriveAllCursor } from '../derive/derive-all.js';
import { decisionOf } from '../derive/corrections.js';
import { decodeEntry } from '../derive/derived-entry.js';
import { referencesIn } from '../derive/reference-line.js';
import type { PlannedRule } from '../derive/derivation-plan.js';
import { heldKey, heldLine, type HeldSince } from '../derive/held-rows.js';
import { makersOf } from '../derive/kept-version.js';
import { ruleOutcome, type RuleOutcome } from '../derive/rule-outcome.js';
import { keyOfEntry, stateKey } from '../derive/state-keys.js';
import { circleRule, tablesInCircles, type PassingTable } from './circles.js';
import { DerivedTables, lineIn } from './derived-tables.js';
import { RangesAhead } from './ranges-ahead.js';
import type { RangeSetup, StartRangeThreads } from './range-threads.js';
import { SourceTables, type SourceTable } from './source-tables.js';
import { keptVersions, ToldVersions, type ToldVersion } from './told-versions.js';
import { nextTurn } from '../next-turn.js';

export type SnapshotDerivationOptions = {
  readonly migration: string;
  readonly mapping: Mapping;
  readonly converters: Converters;
  /** The captured tables, in the forms that their rows have, and those of the target that are looked up. */
  readonly tables: readonly TableSchema[];
  /** Of use to nobody else, and empty, but for {@link from}. */
  readonly state: StateStore;
  /** What the state holds of the same derivation of the same tables, which ended before its time. Left out: nothing. */
  readonly from?: DerivedSoFar | undefined;
  /** The place that is committed with what the state holds from the first {@link SnapshotDerivation.mark} on. Left out: what is in the state is worth nothing later. */
  readonly placeOf?: ((derived: DerivedSoFar) => Buffer) | undefined;
  /** Bytes that may be in the state's memory before they are committed. */
  readonly maxStateBytes: number;
  /** Starts threads that derive large tables; left out: all is done in this one. */
  readonly startThreads?: StartRangeThreads | undefined;
  /** Rows of a table from which on it is large. Left out: 1,000. */
  readonly threadedRows?: number;
  /** How many rows are derived before others get a turn, or by a thread in one go. Left out: 2,000. */
  readonly pieceRows?: number;
  /** Rows of a round of deriving. Left out: 10,000. */
  readonly roundRows?: number;
};

/** How far it has come where all is there that is to be derived from: rows by table of the source, the last number of each sequence that was told, and where deriving goes on; null: nothing is left to derive. */
export type DerivedSoFar = {
  readonly rows: Readonly<Record<string, number>>;
  readonly numbers: LastNumbers;
  readonly cursor: DeriveAllCursor | null;
};

const PIECE_ROWS = 2000;
const THREADED_ROWS = 1_000;
const NEVER: HeldSince = { seq: 0, ts_ms: 0 };
const NO_PLACE = Buffer.from('{}');
const FIRST: DeriveAllCursor = { step: 0, after: null };

/**
 * What a mapping makes of the rows of one instant: the first derivation, over a mirror that is filled from a snapshot instead of the log, with what only history
 * knows laid over it. First {@link fill}, {@link refer} and {@link correct}, then {@link derive}, then it can be read.
 */
export class SnapshotDerivation {
  readonly #options: SnapshotDerivationOptions;
  readonly #tables: SourceTables;
  readonly #uses = new Map<SourceTable, TableUse>();
  readonly #derived: DerivedTables;
  readonly #circles: readonly string[];
  readonly #rules: readonly TableRule[];
  /** Where deriving goes on; null: all was derived. */
  #cursor: DeriveAllCursor | null = FIRST;
  /** All is there that is to be derived from. */
  #isFilled = false;
  /** The last number of each sequence that was told; null: none was given here yet. */
  #told: LastNumbers | null = null;

  /** Throws MAPPING_INVALID, or SCHEMA_NEEDS_MAPPING, where the mapping does not fit the tables. */
  constructor(options: SnapshotDerivationOptions) {
    const { migration, mapping, converters, tables, state, from, roundRows } = options;
    this.#options = options;
    this.#tables = new SourceTables(state);
    tables.forEach((schema, index) => {
      const { table } = this.#tables.tell({ seq: index + 1, at: 0 }, schema);
      this.#uses.set(table, tableUse(mapping, schema));
      table.rows = from?.rows[table.name] ?? 0;
    });
    if (from !== undefined) [this.#cursor, this.#isFilled, this.#told] = [from.cursor, true, from.numbers];
    const passing = new Map<string, PassingTable>();
    for (const { table, target } of this.#passed()) if (table.form.keyed) passing.set(table.name, { source: table.form.schema, target });
    this.#circles = tablesInCircles(passing);
    const circles = new Set(this.#circles);
    this.#rules = [...mapping.rules, ...this.#circles.map((name) => circleRule(name, circles, passing))];
    this.#derived = new DerivedTables({
      migration,
      rules: this.#rules,
      converters,
      tables: this.#tables,
      state,
      output: { add: () => undefined },
      isCopied: () => false,
      correctable: correctableTables(mapping),
      roundRows,
    });
  }

  /** The tables whose rows are to be filled in, those of the target that are looked up among them. */
  get sources(): readonly TableSchema[] {
    return [...this.#uses].flatMap(([{ form }, { passed, read }]) => (form.keyed && (passed !== null || read) ? [form.schema] : []));
  }

  /** Tables whose rows have no key, and go to the target as they are: nothing of them is kept here. */
  get unkeyed(): readonly { readonly source: TableSchema; readonly target: TableSchema }[] {
    return [...this.#passed()].flatMap(({ table, target }) => (table.form.keyed ? [] : [{ source: table.form.schema, target }]));
  }

  /** The tables of the target of which this says what they hold, but for those without a key. */
  get targets(): readonly TableSchema[] {
    const passed = [...this.#passed()].flatMap(({ table, target }) => (this.#passes(table) ? [target] : []));
    return [...this.#derived.targets, ...passed];
  }

  /** Whole rows of one of {@link sources}, COPY text. */
  async fill(source: TableSchema, rows: Buffer): Promise<void> {
    const table = this.#tables.find(tableName(source)) as SourceTable;
    const { mirror, form } = table;
    mirror.overwrite({ schemaSeq: form.ref.seq, op: 'r', before: 'none', partial: false, rowCount: 0, rows }, form.place, 0);
    table.rows += countLines(rows);
    await this.#makeRoom();
  }

  /** What operators have decided, before anything is derived: rows of `CORRECTION_TABLE`, COPY text. */
  async correct(rows: Buffer): Promise<void> {
    const { corrections } = this.#derived.derivation.mirror;
    for (const row of parseRows(rows)) {
      const { id, ...decision } = decisionOf(row as Row);
      corrections.decide(id, decision, NEVER);
    }
    await this.#makeRoom();
  }

  /** Whether the mapping gives numbers. */
  get allocates(): boolean {
    return this.#derived.plan.rules.some(({ numbering }) => numbering !== null);
  }

  /** How many texts were given a number here, as none of those that were told was theirs. */
  get numbersGiven(): number {
    return this.#derived.numbers.given;
  }

  /** What {@link number} was told is not so. */
  async forgetNumbers(): Promise<void> {
    while (this.#derived.numbers.forget()) await this.#makeRoom();
  }

  /** Numbers that texts have, before anything is derived: rows of `ALLOCATED_TABLE`, COPY text. */
  async number(rows: Buffer): Promise<void> {
    for (const row of parseRows(rows)) this.#derived.numbers.learn(allocatedIn(row as Row));
    await this.#makeRoom();
  }

  /** What is recorded of the target, before anything is derived: rows of `REFERENCE_TABLE`, COPY text. Of tables that no rule looks up nothing is kept. */
  async refer(rows: Buffer): Promise<void> {
    for (const { referred, contents } of referencesIn(rows)) {
      const table = this.#tables.find(referenceName(referred));
      if (table === undefined) continue;
      await this.fill(table.form.schema, formatRows([table.form.schema.columns.map(({ name }) => contents[name] ?? null)]));
    }
  }

  /** Puts versions of held rows that are kept into the state, where {@link told} finds them again. */
  async tell(kept: Iterable<ToldVersion> | AsyncIterable<ToldVersion>): Promise<void> {
    const told = new ToldVersions(this.#options.state);
    for await (const version of kept) {
      told.put(version);
      await this.#makeRoom();
    }
  }

  /** What {@link tell} was given. */
  told(): Iterable<ToldVersion> {
    return new ToldVersions(this.#options.state);
  }

  /** Says that all is there which is to be derived from, and commits what was done so far, so that another process may go on with it. Nothing, where nobody wants that. */
  async mark(): Promise<void> {
    if (this.#options.placeOf === undefined) return;
    this.#isFilled = true;
    await this.#commit();
  }

  /**
   * Everything, once; or what is left of it. `kept`: of rows that are held, versions that stand; what cannot be read, or is of no row that is held, counts as not kept. It is not asked for
   * before the rest is derived. `onRows`: told how many of all rows were gone through; a row may be gone through more than once.
   */
  async derive(
    kept: Iterable<ToldVersion>,
    signal: AbortSignal,
    onRows: (rows: number, expected: number) => void = () => undefined,
  ): Promise<void> {
    const { derivation, plan } = this.#derived;
    const { state, startThreads, pieceRows = PIECE_ROWS } = this.#options;
    this.#told ??= this.#derived.numbers.last;
    const all = new DeriveAll({ plan, state });
    const sizes = all.steps.map(({ table }) => this.#tables.find(table.name)?.rows ?? 0);
    const expected = sizes.reduce((sum, rows) => sum + rows, 0);
    let gone = 0;
    const makeRoom = async (): Promise<void> => {
      all.release();
      await this.#setAside();
    };
    await using ahead =
      startThreads === undefined
        ? null
        : new RangesAhead({
            all,
            state,
            derivation,
            start: () => startThreads(this.#rangeSetup(), state.location),
            commit: () => this.#commit(),
            makeRoom,
            recordRows: pieceRows,
          });
    const end: DeriveAllCursor = { step: all.steps.length, after: null };
    for (let cursor = this.#cursor ?? end; cursor.step < all.steps.length;) {
      signal.throwIfAborted();
      if (ahead !== null && this.#isThreaded(all, cursor)) {
        const range = await ahead.next(cursor);
        cursor = range.next ?? end;
        gone += range.rows;
      } else
        for (const piece of all.pieces(cursor, pieceRows)) {
          for (const { isLast } of takePiece(derivation, piece.step, piece.entries)) if (!isLast) await makeRoom();
          cursor = piece.next ?? end;
          gone += piece.entries.length;
        }
      this.#cursor = cursor;
      onRows(gone, expected);
      if (this.#isFull) all.release();
      await this.#makeRoom();
      await nextTurn();
    }
    all.release();
    if (this.#cursor !== null) for (const _ of derivation.keep(keptVersions(plan, kept))) await this.#setAside();
    this.#cursor = null;
    await this.#makeRoom();
  }

  #isThreaded({ steps }: DeriveAll, { step: index }: DeriveAllCursor): boolean {
    const step = steps[index];
    if (step === undefined || !RangesAhead.takes(step)) return false;
    return (this.#tables.find(step.table.name)?.rows ?? 0) >= (this.#options.threadedRows ?? THREADED_ROWS);
  }

  #rangeSetup(): RangeSetup {
    const { migration, mapping } = this.#options;
    const correctable = [...correctableTables(mapping)];
    return { migration, rules: this.#rules, tables: this.#tables.told, partial: [], correctable, generation: 0 };
  }

  /** The rows of one of {@link targets}, with that table's columns in their order. */
  *rows(target: TableSchema): Generator<Line> {
    const name = tableName(target);
    for (const rule of this.#derived.plan.made) {
      if (rule.compiled.target !== name) continue;
      for (const { value } of this.#entries(rule)) {
        const { written } = decodeEntry(value);
        if (written !== null) yield lineIn(rule, written);
      }
    }
    for (const { table, target: passed } of this.#passed()) {
      if (tableName(passed) !== name || !this.#passes(table)) continue;
      for (const { line } of table.mirror.rows(null, table.form.place)) yield line;
    }
  }

  /** What became of the rows of each rule, those of tables in circles included. After {@link derive}. */
  async *outcomes(signal: AbortSignal): AsyncGenerator<RuleOutcome> {
    const { plan } = this.#derived;
    for (const rule of plan.rules) {
      const candidates = this.#tables.find(rule.table.name)?.rows ?? 0;
      yield await ruleOutcome(this.#options.state, { rule, rules: plan.rules, candidates }, signal);
    }
  }

  /**
   * The numbers that were told, as rows of `ALLOCATED_TABLE`. Those that were given here are none of them: before rows are derived texts are numbered that some of them mention only for themselves, as
   * one of which too many rows are joined, which nobody derives to its end.
   */
  *numbers(): Generator<Line> {
    const told = this.#told ?? this.#derived.numbers.last;
    for (const number of this.#derived.numbers)
      if (Number(number.number) <= (told[number.sequence] ?? -Infinity)) yield allocatedLine(this.#options.migration, number);
  }

  /** What the list of held rows has to say, as rows of `HELD_NOW_TABLE`. */
  *held(): Generator<Line> {
    for (const rule of this.#derived.plan.made) {
      for (const { key, value } of this.#entries(rule)) {
        const { told } = decodeEntry(value);
        if (told !== null) yield heldLine(this.#options.migration, { rule, key: keyOfEntry(key) }, told, NEVER, HELD_NOW_COLUMNS);
      }
    }
  }

  /** The rows that are held, as the list of held rows names them, each with the rules that make it: several of a merged row. */
  *heldRows(): Generator<Pick<ToldVersion, 'target' | 'sourceKey'> & { readonly rules: readonly TableRule[] }> {
    for (const rule of this.#derived.plan.made) {
      const { compiled } = rule;
      const rules = makersOf(rule, this.#rules);
      for (const { key, value } of this.#entries(rule)) {
        const { problems, version } = decodeEntry(value);
        if (problems.length === 0 || version?.part !== undefined) continue;
        yield { rules, target: compiled.target, sourceKey: heldKey(compiled.name, keyOfEntry(key)) };
      }
    }
  }

  #entries({ number }: Pick<PlannedRule, 'number'>) {
    return this.#options.state.entries(stateKey('derived', number, ''), null);
  }

  *#passed(): Generator<{ readonly table: SourceTable; readonly target: TableSchema }> {
    for (const [table, { passed }] of this.#uses) if (passed !== null) yield { table, target: passed };
  }

  /** Rows of a table in a circle are those of a rule. */
  #passes({ name, form }: SourceTable): boolean {
    return form.keyed && !this.#circles.includes(name);
  }

  get #isFull(): boolean {
    return this.#options.state.pendingBytes >= this.#options.maxStateBytes;
  }

  async #makeRoom(): Promise<void> {
    if (this.#isFull) await this.#commit();
  }

  /** Between rounds of deriving: a place there would not say who is left. */
  async #setAside(): Promise<void> {
    if (this.#isFull) await this.#options.state.spill();
    await nextTurn();
  }

  async #commit(): Promise<void> {
    const { state, placeOf } = this.#options;
    if (placeOf === undefined || !this.#isFilled) return state.commit(NO_PLACE);
    const rows = Object.fromEntries([...this.#tables].map((table) => [table.name, table.rows]));
    await state.commit(placeOf({ rows, numbers: this.#told ?? this.#derived.numbers.last, cursor: this.#cursor }));
  }
}
