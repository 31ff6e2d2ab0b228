import { tableName, type ReadPosition, type StateDraft, type StateLook, type TableSchema } from '@changeover/events';
import {
  columnsRead,
  columnsTested,
  columnText,
  printCondition,
  printExpression,
  printSurvivor,
  printValidation,
  sourceTable,
  traceRule,
  type ColumnRead,
  type Converters,
  type JoinedRows,
  type Row,
  type TableRule,
} from '@changeover/mapping';

import { decodeEntry, isAtTarget, isSameRow, NO_ENTRY, type DerivedEntry, type ParentRef, type Version } from '../derive/derived-entry.js';
import type { DerivationPlan, MirroredTable, PlannedRule } from '../derive/derivation-plan.js';
import { heldKey, keyOfHash } from '../derive/held-rows.js';
import { inOrder, mergeParts, partsOf, standsForMerged, type GivenPart, type MergedRow } from '../derive/merged-row.js';
import { keyReferredTo } from '../derive/referred-row.js';
import { mergedOf } from '../derive/round.js';
import { RowEvaluator } from '../derive/row-evaluator.js';
import { lineOfRow, rowOfLine } from '../derive/row-text.js';
import { valuesText } from '../derive/source-mirror.js';
import { bounded, childOf, rivalOf, stateKey } from '../derive/state-keys.js';
import { UniqueClaims } from '../derive/unique-claims.js';
import { seqOf } from '../mirror/mirror-value.js';
import type { DerivedTables } from '../transform/derived-tables.js';
import type { SourceTable, SourceTables } from '../transform/source-tables.js';
import { openStoredTables, type StoredTables, type StoredTablesOptions } from '../transform/stored-tables.js';
import type { Dependants, ExplainedRow, ReadValue, SourceRow } from './explained-row.js';
import { countRows, type RowCounts } from './row-counts.js';

/** Dependants that are named, and rows of a join that takes all. */
const [MOST_DEPENDANTS, MOST_FOUND] = [20, 20];

/**
 * Why single rows of the target are what they are, and what became of rows of the source: by what transform remembers, as it has committed it last, and by deriving the row once more from that
 * step by step. Nothing is changed. Keys are values by column, as the source prints them.
 */
export class RowExplanations implements AsyncDisposable {
  /** The last record of `changes` that is in it. */
  readonly read: ReadPosition;
  readonly #look: StateLook;
  readonly #draft: StateDraft;
  readonly #tables: SourceTables;
  readonly #rules: readonly TableRule[];
  readonly #converters: Converters;
  readonly #derived: DerivedTables;
  readonly #claims: UniqueClaims;
  readonly #passed: StoredTables['passed'];

  private constructor(converters: Converters, { read, look, draft, tables, rules, derived, passed }: StoredTables) {
    this.read = read;
    this.#look = look;
    this.#draft = draft;
    this.#tables = tables;
    this.#rules = rules;
    this.#converters = converters;
    this.#derived = derived;
    this.#claims = new UniqueClaims(draft);
    this.#passed = passed;
  }

  /** NOT_FOLLOWING: what is there is of no record, or not everything is derived yet. */
  static async of(look: StateLook, options: StoredTablesOptions): Promise<RowExplanations> {
    return new RowExplanations(options.converters, await openStoredTables(look, options));
  }

  /** Tables of the target that rows are made of, with the columns by which a row is named. */
  get targets(): ReadonlyMap<string, readonly string[]> {
    const made = this.#rules.map(({ target, key }) => [target, key] as const);
    return new Map([...made, ...Array.from(this.#passed.values(), (schema) => [tableName(schema), keyNames(schema)] as const)]);
  }

  /** The same of the source. */
  get sources(): ReadonlyMap<string, readonly string[]> {
    return new Map([...this.#tables].filter(({ form }) => form.keyed).map(({ name, form }) => [name, keyNames(form.schema)]));
  }

  /** What makes the row of the target with this key, or would; empty: nothing does. */
  ofTarget(table: string, key: readonly string[]): readonly ExplainedRow[] {
    const made = this.#derived.plan.made.flatMap((rule) => {
      const driving = rule.compiled.target === table ? this.#drivingKey(rule, key) : null;
      return driving === null ? [] : [this.#explain(rule, driving)];
    });
    const passed = [...this.#passed]
      .filter(([, target]) => tableName(target) === table)
      .map(([source]) => this.#explainPassed(source, key));
    return [...made, ...passed];
  }

  /** What became of the row of the source with this key, under each rule that it drives, and which rows look it up. `key`: as the list of held rows has it, or by column. */
  ofSource(table: string, key: readonly string[]): { readonly rows: readonly ExplainedRow[]; readonly dependants: readonly Dependants[] } {
    const source = this.#tables.find(table);
    const passed = source !== undefined && this.#passed.has(source) ? [this.#explainPassed(source, key)] : [];
    const read = this.#derived.plan.table(table);
    if (read === undefined) return { rows: passed, dependants: [] };
    const { drives, text } = meantBy(this.#derived.plan, read, key);
    const rows = [...drives.map((rule) => this.#explain(rule, text)), ...passed];
    return { rows, dependants: this.#dependants(read, text) };
  }

  /** What became of all rows, by rule; of tables without a key nothing is remembered. `onRows`: how many of a table's rows were gone through. */
  async *counts(onRows: (table: string, rows: number) => void, signal: AbortSignal): AsyncGenerator<RowCounts> {
    for (const rule of this.#derived.plan.rules) {
      const { table, compiled } = rule;
      const told = { onRows: (rows: number) => onRows(table.name, rows), signal };
      const { mirror } = this.#derived.derivation;
      const evaluator = new RowEvaluator(mirror);
      const accepts = (key: string, value: Buffer): boolean => {
        const driving = mirror.rowOf(table, key, value);
        if (driving === null) return false;
        const { rows, decided } = evaluator.join(rule, driving);
        return !decided || compiled.accepts(rows);
      };
      const standsFor = (key: string, entry: DerivedEntry): DerivedEntry | null => {
        const into = mergedOf(entry) as ParentRef;
        return standsForMerged(this.#draft, rule, key, into) ? this.#entry(into.rule, into.key) : null;
      };
      const counted = await countRows(this.#look, { table: table.number, rule, accepts, standsFor }, told);
      yield { source: table.name, target: compiled.target, ...counted };
    }
    for (const [source, target] of this.#passed) {
      let rows = 0;
      for (const _ of this.#look.entries(stateKey('mirror', source.number, ''), null)) rows++;
      onRows(source.name, rows);
      const none = { merged: 0, kept: 0, held: 0, waiting: 0, filtered: 0, lost: 0, emptied: 0, noted: 0, rules: {} };
      yield { source: source.name, target: tableName(target), candidates: rows, written: rows, ...none };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#draft[Symbol.asyncDispose]();
  }

  #explain(rule: PlannedRule, key: string): ExplainedRow {
    if (rule.mergedOf !== null) return this.#explainMerged(rule, key);
    const ast = this.#rules[rule.number] as TableRule;
    const { mirror } = this.#derived.derivation;
    const driving = mirror.get(rule.table, key);
    const entry = this.#entry(rule.number, key);
    const { target, name } = rule.compiled;
    const start = { target, rule: name, driving: this.#sourceRow(rule.table, key), parts: null, ...this.#standsOn(rule, key, entry) };
    if (driving === null)
      return {
        ...start,
        key: null,
        outcome: 'absent',
        into: null,
        joins: [],
        where: null,
        columns: [],
        validations: [],
        isConsistent: entry.written === null,
      };
    const evaluator = new RowEvaluator(mirror);
    const { rows, problems, decided } = evaluator.join(rule, driving);
    const joins = rule.joins.map((join, index): ExplainedRow['joins'][number] => {
      const values = join.join.lookup(rows);
      const matches = values === null ? [] : firstOf(MOST_FOUND + 1, mirror.matches(join, values));
      const chosen = join.join.all === null && values !== null ? [mirror.find(join, values)] : matches;
      const found = chosen.flatMap((row) => (row === null ? [] : [this.#sourceRow(join.table, keyOfRow(join.table, row))]));
      const { as = '', on = {}, all } = ast.joins?.[index] ?? {};
      const lookedUp = values === null ? null : Object.keys(on).map((name, place) => ({ name, value: values[place] ?? null }));
      const made = all && Object.keys(all.columns).map((name, place) => ({ name, value: rows[index + 1]?.[place] ?? null }));
      const more = join.join.all !== null && found.length > MOST_FOUND;
      return { as, table: join.table.name, lookedUp, found: found.slice(0, MOST_FOUND), more, made: made ?? null };
    });
    const reads = (columns: readonly ColumnRead[]): readonly ReadValue[] => this.#read(rule, ast, rows, columns);
    const accepts = !decided || rule.compiled.accepts(rows);
    const tooMany = new Map((problems ?? []).map(({ column, reason }) => [column, reason]));
    const { columns: made, validations } = accepts
      ? this.#trace(ast)(rows, mirror.corrections.waives(rule.compiled, key) ?? undefined)
      : { columns: [], validations: [] };
    const traced = made.map((one) => ({ ...one, problem: tooMany.get(one.column) ?? one.problem }));
    const again = evaluator.evaluate(rule, key, driving);
    const into = this.#into(rule, key, entry);
    // Of a row that is held what stands is an earlier version, which may have another key.
    const keyColumns = rule.compiled.key.map((place) => (entry.written === null ? traced[place]?.value : entry.written[place]) ?? null);
    return {
      ...start,
      key: into !== null ? into.key : keyColumns.includes(null) ? null : keyColumns,
      outcome: into === null ? outcomeOf(accepts, entry) : 'merged',
      into,
      joins,
      where: ast.where === undefined ? null : { rule: printCondition(ast.where), accepts, reads: reads(columnsTested(ast.where)) },
      columns: traced.map(({ column, value, problem }, place) => {
        const expression = ast.columns[column] as TableRule['columns'][string];
        const written = entry.written === null ? undefined : (entry.written[place] ?? null);
        const is = 'keyOf' in expression ? this.#referredTo(value) : value;
        return { column, rule: printExpression(expression), reads: reads(columnsRead(expression)), value: is, problem, written };
      }),
      validations: validations.map(({ rule: one, problem }) => {
        const accepted = problem !== null && problem.severity !== one.severity;
        return { rule: printValidation(one), severity: one.severity, problem: problem?.reason ?? null, accepted };
      }),
      isConsistent:
        JSON.stringify(again.problems) === JSON.stringify(entry.problems) &&
        (entry.kept || isSameRow(again.version?.values ?? null, inAllColumns(rule, entry.version?.values ?? null))) &&
        this.#hasKeysReferredTo(rule, entry),
    };
  }

  /** What a column has that is to have the key of another row. */
  #referredTo(reference: string | null): string | null {
    if (reference === null) return null;
    return keyReferredTo(this.#derived.plan, reference, ({ rule, key }) => this.#entry(rule, key).version);
  }

  #hasKeysReferredTo({ compiled }: PlannedRule, { written, version }: DerivedEntry): boolean {
    if (written === null) return true;
    return compiled.keysOf.every(({ place }) => (written[place] ?? null) === this.#referredTo(version?.values[place] ?? null));
  }

  /** A merged row, made once more of what is remembered of its rows. */
  #explainMerged(rule: PlannedRule, name: string): ExplainedRow {
    const ast = this.#rules[rule.mergedOf?.[0]?.number as number] as TableRule;
    const { compiled } = rule;
    const entry = this.#entry(rule.number, name);
    const { parts, merged } = this.#merged(rule, name);
    const { version, from } = merged;
    const problems = new Map(merged.problems.map(({ column, reason }) => [column, reason]));
    const standing = entry.written ?? version?.values ?? [];
    const key = compiled.key.map((place) => standing[place] ?? null);
    const referring = new Set(compiled.keysOf.map(({ place }) => place));
    const columns = compiled.columns.map((column, place): ExplainedRow['columns'][number] => {
      const valueIn = (of: Version | null): string | null => {
        const value = of?.values[place] ?? null;
        return referring.has(place) ? this.#referredTo(value) : value;
      };
      const origin = from[place] ?? null;
      const given = parts.flatMap(({ version: part }, index) => ((part.values[place] ?? null) === null ? [] : [index]));
      return {
        column,
        rule: printSurvivor(ast.merge?.columns?.[column] ?? 'first'),
        reads: parts.map((part) => ({ name: this.#nameOf(part), value: valueIn(part.version) })),
        value: valueIn(version),
        problem: problems.get(column) ?? null,
        written: entry.written === null ? undefined : (entry.written[place] ?? null),
        from: version === null || origin === -1 ? [] : origin === null ? given : [origin],
      };
    });
    const said = [...merged.problems, ...(version?.notes ?? [])];
    return {
      ...{ target: compiled.target, rule: compiled.name, key: key.includes(null) || key.length === 0 ? null : key },
      ...{ outcome: entry === NO_ENTRY ? ('absent' as const) : outcomeOf(true, entry), driving: this.#firstOf(rule, name), into: null },
      parts: parts.map((part) => ({
        rule: part.rule.compiled.name ?? '',
        source: this.#sourceRow(part.rule.table, part.key),
        problems: part.problems,
      })),
      ...{ joins: [], where: null, columns },
      validations: (ast.validate ?? []).map((one) => {
        const problem = said.find(({ rule: of }) => of === one.name);
        return { rule: printValidation(one), severity: one.severity, problem: problem?.reason ?? null, accepted: false };
      }),
      ...this.#standsOn(rule, name, entry),
      isConsistent:
        JSON.stringify(merged.problems) === JSON.stringify(entry.problems) &&
        (entry.kept || isSameRow(version?.values ?? null, inAllColumns(rule, entry.version?.values ?? null))) &&
        this.#hasKeysReferredTo(rule, entry),
    };
  }

  /** What a merged row comes to, and its rows in their order; of too many some, by key. */
  #merged(rule: PlannedRule, name: string): { readonly parts: readonly GivenPart[]; readonly merged: MergedRow } {
    const given = ({ rule: number, key }: ParentRef): GivenPart => {
      const { version, problems } = this.#entry(number, key);
      return { rule: this.#derived.plan.rule(number), key, version: version as GivenPart['version'], problems };
    };
    const found = partsOf(this.#draft, rule, name);
    const some = found ?? this.#draft.members(stateKey('children', rule.number, name), null, MOST_FOUND).map(childOf);
    const parts = inOrder(some.map(given));
    return { parts, merged: mergeParts(rule, found === null ? null : parts) };
  }

  /** What became of the merged row that a row is part of, and which columns come from it; null: it is part of none. */
  #into(rule: PlannedRule, key: string, entry: DerivedEntry): ExplainedRow['into'] {
    const into = mergedOf(entry);
    if (into === null) return null;
    const whole = this.#explainMerged(this.#derived.plan.rule(into.rule), into.key);
    const place = (whole.parts ?? []).findIndex(({ rule: name, source }) => {
      return name === rule.compiled.name && keyText(source.key) === key;
    });
    const columns = whole.columns.filter(({ from = [] }) => from.includes(place)).map(({ column }) => column);
    return { key: whole.key, outcome: whole.outcome, name: into.key, columns };
  }

  /** The row that stands for what was derived: of a merged row the first. */
  #firstOf(rule: PlannedRule, key: string): SourceRow {
    if (rule.mergedOf === null) return this.#sourceRow(rule.table, key);
    const [first] = this.#merged(rule, key).parts;
    if (first === undefined) return { table: rule.table.name, key: [heldKey(rule.compiled.name, key)], seq: null, corrected: [] };
    return this.#sourceRow(first.rule.table, first.key);
  }

  #nameOf({ rule, key }: GivenPart): string {
    return `${rule.table.name} ${key}`;
  }

  #explainPassed(source: SourceTable, key: readonly string[]): ExplainedRow {
    const target = this.#passed.get(source) as TableSchema;
    const driving = this.#seen(source.name, source.number, keyText(key), key);
    const value = this.#draft.get(stateKey('mirror', source.number, keyText(key)));
    const text = value === undefined ? null : source.mirror.textOf(value);
    const row = text === null ? null : rowOfLine(text);
    const columns = (row ?? []).map((of, place) => {
      const name = source.form.schema.columns[place]?.name as string;
      const column = target.columns[place]?.name as string;
      return { column, rule: name, reads: [{ name, value: of }], value: of, problem: null, written: of };
    });
    return {
      ...{ target: tableName(target), rule: null, key: row === null ? null : key, outcome: row === null ? 'absent' : 'passed', driving },
      ...{ into: null, parts: null, joins: [], where: null, columns, validations: [], unique: [], parents: [], isConsistent: true },
    };
  }

  /** What it wants alone, and what it needs. */
  #standsOn(rule: PlannedRule, key: string, { version }: DerivedEntry): Pick<ExplainedRow, 'unique' | 'parents'> {
    const unique = rule.uniques.flatMap(({ number, columns, otherwise }, index): ExplainedRow['unique'] => {
      const claim = version?.claims[index] ?? null;
      const winner = claim === null ? undefined : this.#claims.winner(number, claim.values);
      if (claim === null || winner === undefined) return [];
      const names = columns.map((place) => rule.compiled.columns[place] as string);
      const rival = rivalOf(rule.number, rule.isShared, winner);
      const isOurs = rival.rule === rule.number && rival.key === key;
      return [{ columns: names, otherwise, winner: this.#firstOf(this.#derived.plan.rule(rival.rule), rival.key), isOurs }];
    });
    const needs = version?.part === undefined ? (version?.parents ?? []) : [];
    const parents = needs.map((needed) => {
      const parent = this.#derived.plan.rule(needed.rule);
      const entry = this.#draft.get(stateKey('derived', needed.rule, needed.key));
      return {
        target: parent.compiled.target,
        source: this.#sourceRow(parent.table, needed.key),
        isThere: entry !== undefined && isAtTarget(entry),
      };
    });
    return { unique, parents };
  }

  #entry(rule: number, key: string): DerivedEntry {
    const stored = this.#draft.get(stateKey('derived', rule, key));
    return stored === undefined ? NO_ENTRY : decodeEntry(stored);
  }

  #trace(rule: TableRule): ReturnType<typeof traceRule> {
    const tables = new Map([...this.#derived.sources].map(({ name, form }) => [name, sourceTable(form.schema.columns)]));
    return traceRule(rule, tables, this.#converters, this.#derived.numbers.numbering);
  }

  #read(rule: PlannedRule, ast: TableRule, rows: JoinedRows, columns: readonly ColumnRead[]): readonly ReadValue[] {
    return columns.map((read) => {
      const join = (ast.joins ?? []).findIndex(({ as }) => as === read.of);
      const table = join === -1 ? rule.table : (rule.joins[join]?.table as MirroredTable);
      const made = ast.joins?.[join]?.all?.columns;
      const columnsOf = made === undefined ? this.#columnsOf(table.name) : Object.keys(made);
      const place = columnsOf.indexOf(read.column);
      return { name: columnText(read), value: rows[join + 1]?.[place] ?? null };
    });
  }

  #columnsOf(table: string): readonly string[] {
    return this.#tables.find(table)?.form.schema.columns.map(({ name }) => name) ?? [];
  }

  /** The key of the driving row that makes the row of the target with this key; null: by the key alone it cannot be told, or nobody has it. */
  #drivingKey(rule: PlannedRule, key: readonly string[]): string | null {
    const ast = this.#rules[rule.number] as TableRule;
    const wanted = rule.uniques.find(({ columns, counts }) => counts === null && columns.join() === rule.compiled.key.join());
    if (wanted !== undefined) {
      const winner = this.#claims.winner(wanted.number, bounded(lineOfRow(key)));
      const rival = winner === undefined ? null : rivalOf(rule.number, rule.isShared, winner);
      return rival?.rule === rule.number ? rival.key : null;
    }
    const columns = this.#tables.find(ast.source)?.form.schema.columns.filter((column) => column.key) ?? [];
    const values = columns.map(({ name }) => {
      const place = ast.key.findIndex((column) => {
        const expression = ast.columns[column];
        return expression !== undefined && 'column' in expression && expression.of === undefined && expression.column === name;
      });
      return place === -1 ? undefined : key[place];
    });
    return values.includes(undefined) ? null : keyText(values as readonly string[]);
  }

  #dependants(table: MirroredTable, key: string): readonly Dependants[] {
    const row = this.#derived.derivation.mirror.get(table, key);
    if (row === null) return [];
    return table.joinedBy.flatMap(({ number, rule, join }) => {
      const text = valuesText(row, join.columns);
      const members = text === null ? [] : this.#draft.members(stateKey('dependants', number, text), null, MOST_DEPENDANTS + 1);
      if (members.length === 0) return [];
      const planned = this.#derived.plan.rule(rule);
      const at = planned.joins.findIndex((one) => one.number === number || one.inner.some((inner) => inner.number === number));
      const as = this.#rules[rule]?.joins?.[at]?.as ?? '';
      const rows = members.slice(0, MOST_DEPENDANTS).map((member) => this.#sourceRow(planned.table, member.toString()));
      return [{ target: planned.compiled.target, as, rows, more: members.length > MOST_DEPENDANTS }];
    });
  }

  #sourceRow(table: MirroredTable, key: string): SourceRow {
    const row = this.#derived.derivation.mirror.get(table, key);
    return this.#seen(table.name, table.number, key, row === null ? rowOfLine(key) : table.key.map((place) => row[place] ?? null));
  }

  /** The columns of which something else is read than the source holds. */
  #corrected(name: string, key: string, value: Buffer | undefined): readonly string[] {
    const table = this.#derived.plan.table(name);
    const held = value === undefined ? null : (this.#tables.find(name)?.mirror.textOf(value) ?? null);
    if (table === undefined || held === null) return [];
    const row = rowOfLine(held);
    const read = this.#derived.derivation.mirror.corrections.lay(table, key, row);
    return [...table.correctable].flatMap(([column, place]) => (read?.[place] === row[place] ? [] : [column]));
  }

  #seen(table: string, number: number, text: string, key: readonly (string | null)[]): SourceRow {
    const value = this.#draft.get(stateKey('mirror', number, text));
    return { table, key, seq: value === undefined ? null : seqOf(value), corrected: this.#corrected(table, text, value) };
  }
}

/** In the list of held rows a rule's name stands before the key where several rules make the table: then only that one is meant. */
export function meantBy(
  plan: DerivationPlan,
  table: MirroredTable,
  key: readonly string[],
): { readonly drives: readonly PlannedRule[]; readonly text: string } {
  const [first = '', ...others] = key;
  const merged = [...new Set(table.drives.map(({ mergesInto }) => mergesInto))].flatMap((number) =>
    number === null ? [] : [plan.rule(number)],
  );
  const drives = [...table.drives, ...merged];
  const named = drives.find(({ compiled: { name } }) => name !== null && first.startsWith(`${name}:`));
  if (named === undefined) return { drives: table.drives, text: keyText(key) };
  return { drives: [named], text: keyText([first.slice((named.compiled.name as string).length + 1), ...others]) };
}

/** A row that was derived before its table had all the columns that it has now has nulls there. */
function inAllColumns({ compiled: { columns } }: PlannedRule, row: Row | null): Row | null {
  return row === null ? null : columns.map((_, place) => row[place] ?? null);
}

function outcomeOf(accepts: boolean, { told, written }: DerivedEntry): ExplainedRow['outcome'] {
  if (!accepts) return 'filtered';
  if (told === null || told.state === 'noted') return written === null ? 'held' : 'written';
  return told.state === 'waiting' ? 'waiting' : told.kept ? 'kept' : 'held';
}

function firstOf<Item>(most: number, items: Iterable<Item>): readonly Item[] {
  const first: Item[] = [];
  for (const item of items) if (first.push(item) === most) break;
  return first;
}

function keyNames({ columns }: TableSchema): readonly string[] {
  return columns.filter(({ key }) => key).map(({ name }) => name);
}

function keyOfRow({ key }: MirroredTable, row: Row): string {
  return keyText(key.map((place) => row[place] ?? null));
}

/** As the state has it; of the list of held rows a hash stands for a key that is very long. */
function keyText(key: readonly (string | null)[]): string {
  const [only] = key;
  if (key.length === 1 && only != null && only.startsWith('sha256:')) return keyOfHash(only);
  return bounded(lineOfRow(key));
}
