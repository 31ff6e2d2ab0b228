import { asChangeoverError } from '@changeover/core';

import type { Converters, SourceTable } from './compiled-rule.js';
import type { CustomExpression } from './custom/custom-function.js';
import { functionProblems } from './custom/function-problems.js';
import { columnsCompared, columnsValidated, sequencesIn } from './expression-parts.js';
import type { MappingIssue } from './problems.js';
import { isKeyOf } from './key-of.js';
import { compareValues } from './row-order.js';
import type { Comparison, Condition, Expression, JoinRule, Order, TableRule, UniqueRule, ValidationRule } from './rule.js';
import { COMPARABLE, compilePattern, refusesValue } from './validation.js';

/** What rules can be held against; what is left out is not looked at. */
export type Known = { readonly converters?: Converters | undefined; readonly tables?: ReadonlyMap<string, SourceTable> | undefined };

/** What has columns: a table, of which they need not be known, or a join of which one row is made. */
type Columns = { readonly name: string; readonly columns: readonly string[] | undefined };

/** The rows whose columns an expression may name, by alias; of `home` it need not say so. */
type Place = { readonly rows: ReadonlyMap<string, Columns>; readonly home: string; readonly holds: boolean };

/** What is wrong with rules: names that nothing stands behind, things made twice, what the tables and converters that are known do not have. */
export function ruleIssues(rules: readonly TableRule[], known: Known = {}): readonly MappingIssue[] {
  return rules.flatMap((rule, index) =>
    new RuleCheck(rule, rules, known).check().map(({ path, message }) => ({ path: ['rules', index, ...path], message })),
  );
}

const ONLY_COLUMNS_HOLD = 'must be empty: only a column can hold its row';

class RuleCheck {
  readonly #issues: MappingIssue[] = [];
  readonly #rule: TableRule;
  readonly #rules: readonly TableRule[];
  readonly #known: Known;

  constructor(rule: TableRule, rules: readonly TableRule[], known: Known) {
    this.#rule = rule;
    this.#rules = rules;
    this.#known = known;
  }

  check(): readonly MappingIssue[] {
    const { source, columns, where, key, required = [] } = this.#rule;
    const rows = this.#joins(this.#table(source, ['source']));
    const place = { rows, home: '', holds: false };
    for (const [column, value] of Object.entries(columns)) {
      if ('keyOf' in value) this.#reference(column, value, place);
      else this.#expression(value, ['columns', column], { ...place, holds: true });
    }
    if (where !== undefined) this.#condition(where, ['where'], place);
    this.#made(key, ['key']);
    this.#made(required, ['required']);
    this.#parents(place);
    this.#uniques();
    this.#merge(place);
    this.#validations();
    return this.#issues;
  }

  #joins(driving: Columns): ReadonlyMap<string, Columns> {
    const rows = new Map([['', driving]]);
    for (const [index, join] of (this.#rule.joins ?? []).entries()) {
      const path = ['joins', index];
      const table = this.#join(join, path, rows, '');
      const { as, all } = join;
      if (all === undefined) continue;
      const joined = new Map([[as, table]]);
      for (const [number, one] of (all.joins ?? []).entries()) this.#join(one, [...path, 'all', 'joins', number], joined, as);
      for (const [column, aggregate] of Object.entries(all.columns)) {
        for (const [part, value] of Object.entries(aggregate)) {
          const place = { rows: joined, home: as, holds: false };
          if (typeof value === 'object') this.#expression(value, [...path, 'all', 'columns', column, part], place);
        }
      }
      rows.set(as, { name: `the join ${as}`, columns: Object.keys(all.columns) });
    }
    return rows;
  }

  /** One more of the rows that can be named; gives its table. */
  #join(
    { as, table: name, on, where, order = [] }: JoinRule,
    path: readonly PropertyKey[],
    rows: Map<string, Columns>,
    home: string,
  ): Columns {
    const table = this.#table(name, [...path, 'table']);
    for (const [column, value] of Object.entries(on)) {
      this.#column(column, table, [...path, 'on', column]);
      this.#expression(value, [...path, 'on', column], { rows, home, holds: false });
    }
    if (where !== undefined) this.#condition(where, [...path, 'where'], { rows: new Map([[as, table]]), home: as, holds: false });
    this.#order(order, table, [...path, 'order']);
    if (rows.has(as)) this.#say([...path, 'as'], `${as} is the name of another join too`);
    rows.set(as, table);
    return table;
  }

  #parents(place: Place): void {
    for (const [index, { parent, rule, key }] of (this.#rule.requires ?? []).entries()) {
      const path = ['requires', index];
      for (const [number, value] of key.entries()) this.#expression(value, [...path, 'key', number], place);
      const makers = this.#rules.filter(({ target }) => target === parent);
      const source = makers.find(({ name }) => name === rule)?.source;
      if (makers.length === 0) this.#say([...path, 'parent'], `no rule makes ${parent}`);
      else if (source === undefined) this.#say([...path, 'rule'], `must name one of the rules for ${parent}: ${namesOf(makers)}`);
      const table = this.#known.tables?.get(source ?? '');
      if (table !== undefined && table.key.length !== key.length) {
        this.#say([...path, 'key'], `must name a row of ${source ?? ''} by its key (${table.key.join(', ')})`);
      }
    }
  }

  /** Its value is known only when the row that it refers to stands: till then nothing can be asked of it, or made of it. */
  #reference(column: string, value: Extract<Expression, { readonly keyOf: string }>, place: Place): void {
    const path = ['columns', column];
    const { keyOf: parent, rule, keyColumn, key } = value;
    this.#expressions(key, [...path, 'key'], place);
    const { key: own, unique = [], requires = [], merge, validate = [] } = this.#rule;
    if (!requires.some((one) => isKeyOf(value, one)))
      this.#say(
        [...path, 'keyOf'],
        `${column} has the key of a row of ${parent} that is not among requires: name it there by the same rule and key`,
      );
    const maker = this.#rules.find((one) => one.target === parent && one.name === rule);
    if (maker?.key.includes(keyColumn) === false)
      this.#say([...path, 'keyColumn'], `must be a column of the key of ${parent} (${maker.key.join(', ')})`);
    const known = 'is known only when that row stands';
    if (own.includes(column)) this.#say(path, `must not be of the key: what another row's key is ${known}`);
    if (unique.some(({ columns, where }) => [...columns, ...(where === undefined ? [] : columnsCompared(where))].includes(column)))
      this.#say(path, `must not be in unique: what another row's key is ${known}`);
    if (validate.some((one) => columnsValidated(one).includes(column)))
      this.#say(path, `must not be in validate: what another row's key is ${known}`);
    if (merge === undefined) return;
    const survivor = merge.columns?.[column] ?? 'first';
    if (survivor !== 'first' && survivor !== 'last')
      this.#say(['merge', 'columns', column], 'must be first or last: it is the key of another row');
    const others = this.#rules.filter((one) => one.target === this.#rule.target).map(({ columns }) => columns[column]);
    if (others.some((other) => other !== undefined && !('keyOf' in other) && !('constant' in other && other.constant === null)))
      this.#say(path, `must be a key of another row in all rules for ${this.#rule.target}, or constant null: their rows are merged`);
  }

  #uniques(): void {
    const { source, unique = [] } = this.#rule;
    for (const [index, { columns, where, order = [], otherwise }] of unique.entries()) {
      const path = ['unique', index];
      this.#made(columns, [...path, 'columns']);
      this.#order(order, this.#columnsOf(source), [...path, 'order']);
      const needed = columns.find((column) => this.#isNeeded(column));
      if (otherwise === 'empty' && needed !== undefined) this.#say([...path, 'otherwise'], `must be held: ${needed} cannot be left empty`);
      if (where !== undefined) this.#counted(where, unique.toSpliced(index, 1), [...path, 'where']);
    }
  }

  /** Who wants what is decided before anything is left empty, so it cannot depend on that; where its own columns are, the row wants nothing any more. */
  #counted(where: Comparison, others: readonly UniqueRule[], path: readonly PropertyKey[]): void {
    this.#comparison(where, path);
    const emptied = columnsCompared(where).find((column) =>
      others.some((other) => other.otherwise === 'empty' && other.columns.includes(column)),
    );
    if (emptied !== undefined) this.#say(path, `must not look at ${emptied}: another rule of unique may leave it empty`);
  }

  #merge(place: Place): void {
    const { source, merge } = this.#rule;
    if (merge === undefined) return;
    const { by, order = [], columns = {} } = merge;
    this.#expression(by, ['merge', 'by'], place);
    this.#order(order, this.#columnsOf(source), ['merge', 'order']);
    for (const column of Object.keys(columns)) this.#makes(column, ['merge', 'columns', column]);
  }

  #validations(): void {
    const { key, validate = [] } = this.#rule;
    for (const [index, one] of validate.entries()) {
      const path = ['validate', index];
      this.#makes(one.column, [...path, 'column']);
      if (validate.findIndex(({ name }) => name === one.name) !== index)
        this.#say([...path, 'name'], `${one.name} is the name of another rule for the same row too`);
      if (one.severity === 'fix' && key.includes(one.column))
        this.#say([...path, 'severity'], `must not be fix: ${one.column} is of the key, and rows would come to have the same`);
      else if (one.severity === 'fix' && !('atMost' in one || 'required' in one) && this.#isNeeded(one.column))
        this.#say([...path, 'severity'], `must not be fix: ${one.column} cannot be left empty`);
      this.#checked(one, path);
    }
  }

  /** Whether it stays without a value in no row that is written. */
  #isNeeded(column: string): boolean {
    const { key, required = [], validate = [] } = this.#rule;
    const isRequired = validate.some((one) => 'required' in one && one.severity !== 'warn' && one.column === column);
    return key.includes(column) || required.includes(column) || isRequired;
  }

  /** It is asked once, and what it fills in has to be what the rules behind it ask for: else it would be noted, and held, of every such row. */
  #required(one: Extract<ValidationRule, { readonly required: true }>, path: readonly PropertyKey[]): void {
    const { key, required = [], validate = [] } = this.#rule;
    const { column, with: instead } = one;
    const first = validate.find((other) => 'required' in other && other.column === column);
    if (key.includes(column) || required.includes(column) || first !== one)
      this.#say([...path, 'column'], `${column} is required already: nobody would come to ask this`);
    if (instead === undefined) return;
    for (const other of validate)
      if (other.column === column && refusesValue(other, instead)) this.#say([...path, 'with'], `is refused by the rule ${other.name}`);
  }

  #checked(one: ValidationRule, path: readonly PropertyKey[]): void {
    if ('required' in one) this.#required(one, path);
    else if ('range' in one) {
      const { range, from, to } = one;
      const [least, most] = [from, to].map((end) => (end === undefined ? undefined : COMPARABLE[range](end)));
      if (least === null) this.#say([...path, 'from'], `is no ${range}`);
      if (most === null) this.#say([...path, 'to'], `is no ${range}`);
      if (least != null && most != null && compareValues(least, most, false) > 0) this.#say([...path, 'to'], 'must not be below from');
    } else if ('check' in one) this.#comparison(one.check, [...path, 'check']);
    else if ('matches' in one) compilePattern(one.matches, (why) => this.#say([...path, 'matches'], `is no pattern of RE2: ${why}`));
    else if ('rejects' in one) compilePattern(one.rejects, (why) => this.#say([...path, 'rejects'], `is no pattern of RE2: ${why}`));
  }

  #comparison(value: Comparison, path: readonly PropertyKey[]): void {
    if ('compare' in value) {
      this.#makes(value.left, [...path, 'left']);
      this.#makes(value.right, [...path, 'right']);
    } else if ('value' in value) this.#makes(value.value, [...path, 'value']);
    else if ('not' in value) this.#comparison(value.not, [...path, 'not']);
    else {
      const [key, inner] = 'all' in value ? (['all', value.all] as const) : (['any', value.any] as const);
      for (const [index, one] of inner.entries()) this.#comparison(one, [...path, key, index]);
    }
  }

  /** Columns of the target, each named once. */
  #made(names: readonly string[], path: readonly PropertyKey[]): void {
    for (const [index, column] of names.entries()) {
      this.#makes(column, [...path, index]);
      if (names.indexOf(column) !== index) this.#say([...path, index], `${column} is named twice`);
    }
  }

  #makes(column: string, path: readonly PropertyKey[]): void {
    if (!Object.hasOwn(this.#rule.columns, column)) this.#say(path, `the rule makes no column ${column}`);
  }

  #expression(value: Expression, path: readonly PropertyKey[], place: Place): void {
    if ('column' in value) {
      const table = place.rows.get(value.of ?? place.home);
      if (table === undefined) this.#say([...path, 'of'], `there is no join ${value.of ?? ''} that can be read here`);
      else this.#column(value.column, table, [...path, 'column']);
    } else if ('input' in value) {
      // What is held is a row with its columns; here nobody would hear of the problem.
      const holds = 'invalid' in value && value.invalid === 'held';
      if (holds && !place.holds) this.#say([...path, 'invalid'], ONLY_COLUMNS_HOLD);
      if ('convert' in value) this.#converter(value, path);
      if ('allocated' in value) this.#sequence(value, path, place);
      this.#expression(value.input, [...path, 'input'], place);
    } else if ('first' in value) this.#expressions(value.first, [...path, 'first'], place);
    else if ('concat' in value) this.#expressions(value.concat, [...path, 'concat'], place);
    else if ('array' in value) this.#expressions(value.array, [...path, 'array'], place);
    else if ('object' in value) {
      for (const [name, one] of Object.entries(value.object)) this.#expression(one, [...path, 'object', name], place);
    } else if ('when' in value) {
      for (const [index, one] of value.when.entries()) {
        this.#condition(one.if, [...path, 'when', index, 'if'], { ...place, holds: false });
        this.#expression(one.then, [...path, 'when', index, 'then'], place);
      }
      if (value.otherwise !== undefined) this.#expression(value.otherwise, [...path, 'otherwise'], place);
    } else if ('keyOf' in value) this.#say(path, 'must stand alone in a column: it is known only when the row that it refers to stands');
    else if ('custom' in value) {
      if (value.invalid === 'held' && !place.holds) this.#say([...path, 'invalid'], ONLY_COLUMNS_HOLD);
      this.#function(value, value.fn, [...path, 'fn']);
      if (value.inverse !== undefined) this.#function(value, value.inverse.fn, [...path, 'inverse', 'fn']);
      this.#expressions(value.inputs, [...path, 'inputs'], place);
    }
  }

  #expressions(values: readonly Expression[], path: readonly PropertyKey[], place: Place): void {
    for (const [index, value] of values.entries()) this.#expression(value, [...path, index], place);
  }

  #condition(value: Condition, path: readonly PropertyKey[], place: Place): void {
    if ('is' in value) this.#expression(value.is, [...path, 'is'], place);
    else if ('not' in value) this.#condition(value.not, [...path, 'not'], place);
    else {
      const [key, inner] = 'all' in value ? (['all', value.all] as const) : (['any', value.any] as const);
      for (const [index, one] of inner.entries()) this.#condition(one, [...path, key, index], place);
    }
  }

  #order(order: Order, table: Columns, path: readonly PropertyKey[]): void {
    for (const [index, { column }] of order.entries()) this.#column(column, table, [...path, index, 'column']);
  }

  #converter({ convert, options }: Extract<Expression, { readonly convert: string }>, path: readonly PropertyKey[]): void {
    const { converters } = this.#known;
    if (converters === undefined) return;
    const make = Object.hasOwn(converters, convert) ? converters[convert] : undefined;
    if (make === undefined) {
      this.#say([...path, 'convert'], `there is no converter ${convert}`);
      return;
    }
    try {
      make(options);
    } catch (error) {
      this.#say([...path, 'options'], asChangeoverError(error).message);
    }
  }

  /** Numbers are given where rows are made, in one order. */
  #sequence(value: Extract<Expression, { readonly allocated: string }>, path: readonly PropertyKey[], { holds }: Place): void {
    if (!holds) this.#say([...path, 'allocated'], 'must not be here: only what a column holds is given a number');
    const { allocated, start, step } = value;
    const [first] = this.#rules.flatMap(sequencesIn).filter(({ name }) => name === allocated);
    if (first === undefined || (first.start === start && first.step === step)) return;
    const { start: from, step: by } = first;
    this.#say([...path, 'allocated'], `${allocated} has start ${String(from)} and step ${String(by)} elsewhere: it is one sequence`);
  }

  #function({ custom }: CustomExpression, text: string, path: readonly PropertyKey[]): void {
    for (const { message, line, column } of functionProblems(text))
      this.#say(path, `${message} (${custom}, line ${String(line)}, column ${String(column)} of its text)`);
  }

  #table(name: string, path: readonly PropertyKey[]): Columns {
    const { tables } = this.#known;
    const table = tables?.get(name);
    if (tables !== undefined && table === undefined) this.#say(path, `the source gives no table ${name}`);
    if (table?.key.length === 0) this.#say(path, `${name} has no key, by which its rows are found again`);
    return this.#columnsOf(name);
  }

  #columnsOf(name: string): Columns {
    return { name, columns: this.#known.tables?.get(name)?.columns };
  }

  #column(column: string, { name, columns }: Columns, path: readonly PropertyKey[]): void {
    if (columns?.includes(column) === false) this.#say(path, `${name} has no column ${column}`);
  }

  #say(path: readonly PropertyKey[], message: string): void {
    this.#issues.push({ path, message });
  }
}

function namesOf(rules: readonly TableRule[]): string {
  const names = rules.flatMap(({ name }) => (name === undefined ? [] : [name]));
  return names.length === 0 ? 'it has no name, so none' : names.join(', ');
}
