import type { Decision, ForeignKey, TableSchema } from '@changeover/events';
import { isReference, type CompiledRule, type Numbering, type Row, type SourceTable, type Waives } from '@changeover/mapping';

import { deriveNaively, keyText, ruleAt, type KeptVersion, type Outcome } from '../naive-derivation.js';
import { compileNaively } from '../naive-validation.js';
import { CONVERTERS } from '../random-rules.js';
import { isCorrection, isSameDecision, type Decided, type Place } from './decided.js';
import type { Migration } from './random-migration.js';
import type { TableView, View } from './told-rows.js';

/** A row as named values. */
export type NamedRow = Readonly<Record<string, string | null>>;

/** What stands in the list of held rows, but for since when. */
export type Said = {
  readonly source: string;
  readonly state: 'held' | 'waiting' | 'noted';
  readonly kept: boolean;
  readonly problems: string;
};

/** F of one place: the target's rows by table, each with its key (or a number) and the text of its values; what is held by target and key. */
export type Expected = {
  readonly tables: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly held: ReadonlyMap<string, Said>;
  /** By rule and driving key. */
  readonly outcomes: ReadonlyMap<string, Outcome>;
};

export const NOTHING_KEPT: ReadonlyMap<string, KeptVersion> = new Map();

const ADDED = ['added1', 'added2'];

/**
 * What the target has to hold, by the slow definition: tables that pass by as they are, rows of rules by {@link deriveNaively}. Tables that pass by in a circle
 * of foreign keys are like rules whose rows need their parents.
 */
export class Definition {
  /** Those of the mapping first. */
  readonly rules: readonly CompiledRule[];
  readonly #passed: ReadonlyMap<string, { readonly target: string; readonly renames: Readonly<Record<string, string>> }>;
  readonly #circles: ReadonlySet<string>;
  readonly #columns: ReadonlyMap<string, readonly string[]>;
  readonly #keys: ReadonlyMap<string, readonly string[]>;
  readonly #correctable: ReadonlySet<string>;
  /** By what names a rule's rows, and the name of a validation rule: the column that it is about. */
  readonly #validated: ReadonlyMap<string, string>;

  /** `numbering`: what is known of numbers that were given; left out: none were. */
  constructor({ tables, later, mapping }: Pick<Migration, 'tables' | 'later' | 'mapping'>, numbering?: Numbering) {
    const all = [...tables, later];
    const sources = new Map<string, SourceTable>(all.map(({ name, columns, key }) => [name, { columns: [...columns, ...ADDED], key }]));
    this.#correctable = new Set(
      all.flatMap(({ name }) => (mapping.rules.length > 0 && !isReference(name) && !(name in mapping.tables) ? [name] : [])),
    );
    this.#columns = new Map([...sources].map(([name, { columns }]) => [name, columns]));
    this.#keys = new Map(all.map(({ name, key }) => [name, key]));
    const passes = all.filter(({ name }) => !isReference(name) && (mapping.rules.length === 0 || name in mapping.tables));
    this.#passed = new Map(
      passes.map(({ name }) => [name, { target: mapping.tables[name]?.to ?? name, renames: mapping.tables[name]?.columns ?? {} }]),
    );
    const keys = new Map(passes.filter(({ key }) => key.length > 0).map(({ name, foreignKeys }) => [name, foreignKeys]));
    this.#circles = new Set([...keys.keys()].filter((name) => reaches(keys, name, name, new Set())));
    const validated = mapping.rules.flatMap((rule, number) => (rule.validate ?? []).map(({ name, column }) => ({ number, name, column })));
    const circles = [...this.#circles].map((name) => this.#circleRule(name, sources, keys.get(name) ?? []));
    this.rules = [...mapping.rules.map((rule) => compileNaively(rule, sources, CONVERTERS, numbering)), ...circles];
    this.#validated = new Map(
      validated.map(({ number, name, column }) => [`${heldId(this.rules[number] as CompiledRule, '')}${name}`, column]),
    );
  }

  /** Whether the rows of this target table are of a rule. */
  isDerived(target: string): boolean {
    return this.rules.some((rule) => rule.target === target);
  }

  /** The columns that a table of the target may have. */
  columnsOf(target: string): ReadonlySet<string> {
    const ofRules = this.rules.filter((rule) => rule.target === target).flatMap(({ columns }) => columns);
    const passed = [...this.#passed].filter(([, to]) => to.target === target);
    return new Set([
      ...ofRules,
      ...passed.flatMap(([name, { renames }]) => (this.#columns.get(name) ?? []).map((one) => renames[one] ?? one)),
    ]);
  }

  /** `kept`: by rule and key, versions that stand if their rows are held now. */
  at({ view, decided }: Pick<Place, 'view' | 'decided'>, kept: ReadonlyMap<string, KeptVersion>): Expected {
    const source = new Map([...view].map(([name, table]) => [name, this.#rows(name, table, decided)]));
    const waives = (rule: CompiledRule, key: string): Waives => {
      const accepted = decided.flatMap((one) => (one.what === 'accept' && `${one.target} ${one.key}` === heldId(rule, key) ? [one] : []));
      return (name, looked) => accepted.some((one) => one.rule === name && one.from === keyText(looked));
    };
    let outcomes = deriveNaively(this.rules, source, kept, waives);
    // A kept version that has lost what it stands on is kept no longer, and wants nothing.
    for (let still = kept; ;) {
      const gone = [...still.keys()].filter((id) => isHeld(outcomes.get(id)) && outcomes.get(id)?.written === null);
      if (gone.length === 0) break;
      still = new Map([...still].filter(([id]) => !gone.includes(id)));
      outcomes = deriveNaively(this.rules, source, still, waives);
    }
    return { ...this.#target(view, outcomes), outcomes };
  }

  /** What rules of validation hold back that is not accepted yet, in an order of its own: what would accept it. */
  acceptable({ view, decided }: Pick<Place, 'view' | 'decided'>): readonly Extract<Decision, { what: 'accept' }>[] {
    const source = new Map([...view].map(([name, table]) => [name, this.#rows(name, table, decided)]));
    const found: Extract<Decision, { what: 'accept' }>[] = [];
    const looks = (rule: CompiledRule, key: string): Waives => {
      const { source: table, target, name: of } = rule;
      return (name, looked) => {
        const column = this.#validated.get(`${heldId(rule, '')}${name}`) ?? '';
        const heldAs = `${of === null ? '' : `${of}:`}${key}`;
        found.push({ what: 'accept', table, key: heldAs, column, target, rule: name, from: keyText(looked), why: null });
        return true;
      };
    };
    deriveNaively(this.rules, source, NOTHING_KEPT, looks);
    const isNew = (one: (typeof found)[number]): boolean => !decided.some((other) => other.what === 'accept' && isSameDecision(one, other));
    return found.filter(isNew).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  }

  #target(view: View, outcomes: ReadonlyMap<string, Outcome>): Pick<Expected, 'tables' | 'held'> {
    const tables = new Map<string, Map<string, string>>();
    const held = new Map<string, Said>();
    for (const [name, { target, renames }] of this.#passed) {
      const table = view.get(name);
      if (table === undefined || this.#circles.has(name)) continue;
      const rows = [...table.rows].map(([key, row]) => [key, valuesText(renamed(row, table.form, renames))] as const);
      const isKeyed = table.form.columns.some(({ key }) => key);
      const numbered = isKeyed
        ? rows
        : rows
            .map(([, text]) => text)
            .sort()
            .map((text, number) => [String(number), text] as const);
      tables.set(target, new Map(numbered));
    }
    for (const { target } of this.rules) tables.set(target, new Map());
    for (const [id, { written, state, problems }] of outcomes) {
      const [rule, key] = this.ruleOf(id);
      if (written !== null) {
        const values = valuesText(Object.fromEntries(rule.columns.map((column, place) => [column, written[place] ?? null])));
        const places = rule.key.toSorted((a, b) => a - b);
        tables.get(rule.target)?.set(keyText(places.map((place) => written[place] as string)), values);
      }
      if (state === null) continue;
      const kept = written !== null && state !== 'noted';
      held.set(heldId(rule, key), { source: rule.source, state, kept, problems: JSON.stringify(problems) });
    }
    return { tables, held };
  }

  /** Of rows that pass by as they are, those that refer to others of them: each by table of the target, and key. */
  *passedParents(view: View): Generator<{ readonly child: readonly [string, string]; readonly parent: readonly [string, string] }> {
    for (const [name, { target }] of this.#passed) {
      const table = view.get(name);
      if (table === undefined || this.#circles.has(name)) continue;
      for (const { columns, table: to, keyColumns } of table.form.foreignKeys ?? []) {
        const parent = this.#passed.get(to);
        const key = this.#keys.get(to) ?? [];
        if (parent === undefined || this.#circles.has(to) || key.length === 0 || key.some((column) => !keyColumns.includes(column)))
          continue;
        for (const [child, row] of table.rows) {
          const values = key.map((column) => row[columns[keyColumns.indexOf(column)] as string] ?? null);
          if (!values.includes(null)) yield { child: [target, child], parent: [parent.target, keyText(values)] };
        }
      }
    }
  }

  /** What an id of {@link Expected.outcomes} names. */
  ruleOf(id: string): readonly [CompiledRule, key: string] {
    const space = id.indexOf(' ');
    return [ruleAt(this.rules, Number(id.slice(0, space))), id.slice(space + 1)];
  }

  /** In the order of all columns that the table may ever have; what it does not have now is null. */
  #rows(name: string, { form, rows }: TableView, decided: readonly Decided[]): ReadonlyMap<string, Row> {
    const there = new Set(form.columns.map((column) => column.name));
    const columns = this.#columns.get(name) ?? [];
    const read = (key: string, row: NamedRow): Row =>
      columns.map((column) => {
        const value = there.has(column) ? (row[column] ?? null) : null;
        const isOf = (one: Decided): boolean => one.table === name && one.key === key && one.column === column && one.from === value;
        const correction = this.#isCorrected(name, column) && there.has(column) ? decided.filter(isCorrection).find(isOf) : undefined;
        return correction === undefined ? value : correction.to;
      });
    return new Map([...rows].map(([key, row]) => [key, read(key, row)]));
  }

  /** Rules read the table, and no row of it passes by; a row's key is never another. */
  #isCorrected(table: string, column: string): boolean {
    return this.#correctable.has(table) && this.#keys.get(table)?.includes(column) === false;
  }

  /** Whether something else is read of a row than the source holds. */
  isInForce(view: View, { table, key, column, from, to }: Extract<Decided, { what: 'correct' }>): boolean {
    const row = view.get(table)?.rows.get(key);
    return row !== undefined && this.#isCorrected(table, column) && (row[column] ?? null) === from && to !== from;
  }

  #circleRule(name: string, sources: ReadonlyMap<string, SourceTable>, keys: readonly ForeignKey[]): CompiledRule {
    const { target, renames } = this.#passed.get(name) as { readonly target: string; readonly renames: Readonly<Record<string, string>> };
    const { columns, key } = sources.get(name) as SourceTable;
    const requires = keys.flatMap(({ columns: from, table, keyColumns }) => {
      const parent = this.#circles.has(table) ? sources.get(table) : undefined;
      if (parent === undefined || parent.key.toSorted().join() !== keyColumns.toSorted().join()) return [];
      const places = parent.key.map((column) => columns.indexOf(from[keyColumns.indexOf(column)] as string));
      const keyOf = ([row]: readonly [Row, ...(Row | null)[]]): string[] | null => {
        const values = places.map((place) => row[place] as string | null);
        return values.every((value) => value !== null) ? values : null;
      };
      return [{ parent: this.#passed.get(table)?.target as string, rule: null, keyOf, columns: [] }];
    });
    return {
      source: name,
      target,
      name: null,
      columns: columns.map((column) => renames[column] ?? column),
      key: key.map((column) => columns.indexOf(column)),
      joins: [],
      accepts: () => true,
      derive: ([row]) => ({ values: row, notes: [] }),
      requires,
      keysOf: [],
      uniques: [],
      keepsLast: true,
      merge: null,
    };
  }
}

/** What the list of held rows calls a driving row, behind the table. */
export function heldId({ target, name }: CompiledRule, key: string): string {
  return `${target} ${name === null ? '' : `${name}:`}${key}`;
}

/** The text of a row whose columns have names; columns that are null may as well not be there. */
export function valuesText(row: NamedRow): string {
  const values = Object.entries(row).filter(([, value]) => value !== null);
  return JSON.stringify(values.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function renamed(row: NamedRow, { columns }: TableSchema, renames: Readonly<Record<string, string>>): NamedRow {
  return Object.fromEntries(columns.map(({ name }) => [renames[name] ?? name, row[name] ?? null]));
}

function isHeld(outcome: Outcome | undefined): boolean {
  return outcome !== undefined && outcome.problems.length > 0 && outcome.state === 'held';
}

function reaches(keys: ReadonlyMap<string, readonly ForeignKey[]>, from: string, to: string, seen: Set<string>): boolean {
  return (keys.get(from) ?? []).some(({ table }) => {
    if (table === to) return true;
    if (seen.has(table)) return false;
    seen.add(table);
    return reaches(keys, table, to, seen);
  });
}
