import { asChangeoverError } from '@changeover/core';

import type { Converters } from './compile-rule.js';
import type { MappingIssue } from './plain-data.js';
import type { Condition, Expression, TableRule } from './rule.js';

/** Which rows an expression may name: those of these joins, and without `of` the driving row, or that of the join itself. */
type Place = { readonly aliases: ReadonlySet<string>; readonly holds: boolean };

/**
 * What can be said of rules without the tables' columns: names that nothing stands behind, things made twice. What needs the columns says
 * `compileRule`. Without `converters` their names and options are not looked at.
 */
export function ruleIssues(rules: readonly TableRule[], converters?: Converters): readonly MappingIssue[] {
  const targets = new Set(rules.map(({ target }) => target));
  return rules.flatMap((rule, index) => new RuleCheck(['rules', index], converters).check(rule, targets));
}

class RuleCheck {
  readonly #issues: MappingIssue[] = [];
  readonly #path: readonly PropertyKey[];
  readonly #converters: Converters | undefined;

  constructor(path: readonly PropertyKey[], converters: Converters | undefined) {
    this.#path = path;
    this.#converters = converters;
  }

  check(rule: TableRule, targets: ReadonlySet<string>): readonly MappingIssue[] {
    const aliases = new Set<string>();
    for (const [index, { as, on, where }] of (rule.joins ?? []).entries()) {
      const path = ['joins', index];
      for (const [column, value] of Object.entries(on)) this.#expression(value, [...path, 'on', column], { aliases, holds: false });
      if (where !== undefined) this.#condition(where, [...path, 'where'], { aliases: new Set([as]), holds: false });
      if (aliases.has(as)) this.#say([...path, 'as'], `${as} is the name of another join too`);
      aliases.add(as);
    }
    for (const [column, value] of Object.entries(rule.columns)) this.#expression(value, ['columns', column], { aliases, holds: true });
    if (rule.where !== undefined) this.#condition(rule.where, ['where'], { aliases, holds: false });
    for (const [index, { parent, key }] of (rule.requires ?? []).entries()) {
      if (!targets.has(parent)) this.#say(['requires', index, 'parent'], `no rule makes ${parent}`);
      for (const [place, value] of key.entries()) {
        this.#expression(value, ['requires', index, 'key', place], { aliases, holds: false });
      }
    }
    this.#made(rule, rule.key, ['key']);
    this.#made(rule, rule.required ?? [], ['required']);
    for (const [index, { columns }] of (rule.unique ?? []).entries()) this.#made(rule, columns, ['unique', index, 'columns']);
    return this.#issues;
  }

  /** Columns of the target, each named once. */
  #made({ columns }: TableRule, names: readonly string[], path: readonly PropertyKey[]): void {
    for (const [index, column] of names.entries()) {
      if (!Object.hasOwn(columns, column)) this.#say([...path, index], `the rule makes no column ${column}`);
      if (names.indexOf(column) !== index) this.#say([...path, index], `${column} is named twice`);
    }
  }

  #expression(value: Expression, path: readonly PropertyKey[], place: Place): void {
    if ('column' in value) {
      const { of } = value;
      if (of !== undefined && !place.aliases.has(of)) this.#say([...path, 'of'], `there is no join ${of} that can be read here`);
    } else if ('convert' in value) {
      // What is held is a row with its columns; here nobody would hear of the problem.
      if (value.invalid === 'held' && !place.holds) this.#say([...path, 'invalid'], 'must be empty: only a column can hold its row');
      this.#converter(value, path);
      this.#expression(value.input, [...path, 'input'], place);
    } else if ('first' in value) this.#expressions(value.first, [...path, 'first'], place);
    else if ('concat' in value) this.#expressions(value.concat, [...path, 'concat'], place);
  }

  #expressions(values: readonly Expression[], path: readonly PropertyKey[], place: Place): void {
    for (const [index, value] of values.entries()) this.#expression(value, [...path, index], place);
  }

  #converter({ convert, options }: Extract<Expression, { convert: string }>, path: readonly PropertyKey[]): void {
    if (this.#converters === undefined) return;
    const make = Object.hasOwn(this.#converters, convert) ? this.#converters[convert] : undefined;
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

  #condition(value: Condition, path: readonly PropertyKey[], place: Place): void {
    if ('is' in value) this.#expression(value.is, [...path, 'is'], place);
    else if ('not' in value) this.#condition(value.not, [...path, 'not'], place);
    else {
      const [key, inner] = 'all' in value ? (['all', value.all] as const) : (['any', value.any] as const);
      for (const [index, one] of inner.entries()) this.#condition(one, [...path, key, index], place);
    }
  }

  #say(path: readonly PropertyKey[], message: string): void {
    this.#issues.push({ path: [...this.#path, ...path], message });
  }
}
