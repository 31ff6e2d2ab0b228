import type { DescribedTable, TableSchema } from '@changeover/events';
import { aliasesOf, keyFollowsMergeKey, printComparison, printExpression, type Expression, type TableRule } from '@changeover/mapping';

import type { Finding } from './finding.js';
import { isSameCondition } from './index-condition.js';

type Ends = { readonly sources: readonly TableSchema[]; readonly targets: readonly DescribedTable[] };

/**
 * Rows that rules make and the target would refuse, although the rule could hold them or let them wait. What the target lacks altogether its
 * own check tells.
 */
export function ruleFindings(rules: readonly TableRule[], { sources, targets }: Ends): readonly Finding[] {
  const described = new Map(targets.map((table) => [`${table.schema}.${table.table}`, table]));
  const notNull = new Map(
    sources.map(({ schema, table, columns }) => [
      `${schema}.${table}`,
      new Set(columns.filter((column) => column.notNull).map(({ name }) => name)),
    ]),
  );
  const made = new Set(rules.map(({ target }) => target));
  const merged = new Set(rules.flatMap(({ target, merge }) => (merge === undefined ? [] : [target])));
  return rules.flatMap((rule) => {
    const target = described.get(rule.target);
    if (target === undefined) return [];
    const source = sources.find(({ schema, table }) => `${schema}.${table}` === rule.source);
    return [
      ...parentFindings(rule, target, made),
      ...nullFindings(rule, target, notNull.get(rule.source) ?? new Set()),
      ...lengthFindings(rule, target, source),
      ...uniqueFindings(rule, target),
      ...mergedFindings(rule),
      ...mergedParentFindings(rule, target, merged),
    ];
  });
}

/** A row that is there before its parent is refused, and tried again only by chance; one that waits comes with its parent. */
function parentFindings(
  { target, columns, requires = [] }: TableRule,
  { foreignKeys }: DescribedTable,
  made: ReadonlySet<string>,
): readonly Finding[] {
  return foreignKeys.flatMap(({ columns: own, toSchema, toTable }) => {
    const parent = `${toSchema}.${toTable}`;
    const writes = own.every((column) => Object.hasOwn(columns, column) && !isAlwaysNull(columns[column] as Expression));
    if (!writes || !made.has(parent) || requires.some((one) => one.parent === parent)) return [];
    return [
      warning(
        'requires',
        `${target} refers to ${parent} (${own.join(', ')}), which another rule makes and this one does not require: a row whose parent is held will be refused instead of waiting for it`,
      ),
    ];
  });
}

/** Which key a merged row has. */
function mergedFindings(rule: TableRule): readonly Finding[] {
  const { target, name = '', key, merge } = rule;
  if (merge === undefined) return [];
  const by = printExpression(merge.by);
  const label = `${target} (${name}): rows with the same ${by} are merged`;
  if (keyFollowsMergeKey(rule))
    return [
      {
        part: 'mapping',
        severity: 'ok',
        check: 'merge',
        message: `${label}, and keep their key (${key.join(', ')}) whichever of them comes and goes`,
      },
    ];
  return [
    warning(
      'merge',
      `${label}, and have the key (${key.join(', ')}) of the first of them: where another becomes the first the row gets another key, as if it went and another came; a key made of the merge key stays`,
    ),
  ];
}

/** Of a row that was merged into another the key that it would have had alone is nobody's. */
function mergedParentFindings(
  { target, columns }: TableRule,
  { foreignKeys }: DescribedTable,
  merged: ReadonlySet<string>,
): readonly Finding[] {
  return foreignKeys.flatMap(({ columns: own, toSchema, toTable }) => {
    const parent = `${toSchema}.${toTable}`;
    const direct = own.filter((column) => {
      const value = Object.hasOwn(columns, column) ? columns[column] : undefined;
      return value !== undefined && !isAlwaysNull(value) && !('keyOf' in value) && aliasesOf(value).length === 0;
    });
    if (!merged.has(parent) || direct.length === 0) return [];
    return [
      warning(
        'merge',
        `${target} refers to ${parent}, whose rows are merged, by its own row alone (${direct.join(', ')}): a row that was merged into another has that one's key; have it by \`keyOf\`, or join the row that makes the parent, and make the key as its rule does`,
      ),
    ];
  });
}

function nullFindings(
  { target, columns, key, required = [], joins = [], validate = [] }: TableRule,
  table: DescribedTable,
  drivingNotNull: ReadonlySet<string>,
): readonly Finding[] {
  const made = joins.flatMap(({ as, all }) =>
    Object.entries(all?.columns ?? {}).flatMap(([name, aggregate]) =>
      'count' in aggregate || 'array' in aggregate ? [`${as} ${name}`] : [],
    ),
  );
  const notNull = new Set([...drivingNotNull, ...made]);
  const asked = validate.flatMap((one) => ('required' in one && one.severity !== 'warn' ? [one.column] : []));
  const needed = new Set([...key, ...required, ...asked]);
  const may = table.columns
    .filter(({ name, notNull: must, generated }) => must && !generated && Object.hasOwn(columns, name) && !needed.has(name))
    .filter(({ name }) => mayBeNull(columns[name] as Expression, notNull))
    .map(({ name }) => name);
  if (may.length === 0) return [];
  return [
    warning(
      'required',
      `columns of ${target} are NOT NULL and may be left empty by the rule: such rows will be refused; with the columns in \`required\` they are held: ${may.join(', ')}`,
    ),
  ];
}

/** Where a rule counts other rows than the index does: those would be refused, or go without a value that they could have. */
function uniqueFindings({ target, unique = [] }: TableRule, { uniques }: DescribedTable): readonly Finding[] {
  return unique.flatMap(({ columns, where }) => {
    const same = uniques.filter((one) => one.columns?.toSorted().join() === columns.toSorted().join());
    const told = `${target} (${columns.join(', ')})`;
    const whole = same.find(({ predicate }) => predicate === null);
    if (whole !== undefined)
      return where === undefined
        ? []
        : [
            warning(
              'unique',
              `the index ${whole.name} is over all rows of ${told}, and the rule counts only those with ${printComparison(where)}: others that want the same will be refused`,
            ),
          ];
    const partial = same.flatMap(({ name, predicate }) => (predicate === null ? [] : [{ name, predicate }]));
    const [first] = partial;
    if (first === undefined) return [];
    const is = `the index ${first.name} is only over rows of ${told} where ${first.predicate}`;
    if (where === undefined)
      return [
        warning(
          'unique',
          `${is}, and the rule counts all of them: more go without the value, or are held, than have to; \`where\` says which rows count`,
        ),
      ];
    const compared = partial.map(({ predicate }) => isSameCondition(predicate, where));
    if (compared.includes(true)) return [];
    const rule = `the rule counts those with ${printComparison(where)}`;
    return [
      warning(
        'unique',
        compared.includes(null)
          ? `${is}, and ${rule}: look whether these are the same rows, as they cannot be compared here`
          : `${is}, and ${rule}, which are others: rows that the index counts and the rule does not will be refused where they want the same`,
      ),
    ];
  });
}

/** Texts that may be longer than their column takes. */
function lengthFindings(
  { target, columns, validate = [] }: TableRule,
  table: DescribedTable,
  source: TableSchema | undefined,
): readonly Finding[] {
  const lengths = new Map((source?.columns ?? []).map(({ name, type }) => [name, lengthOf(type)]));
  const may = table.columns.flatMap(({ name, type }) => {
    const length = lengthOf(type);
    const value = Object.hasOwn(columns, name) ? columns[name] : undefined;
    if (length === null || value === undefined) return [];
    const instead = validate.map((one) => ('required' in one && one.column === name ? Array.from(one.with ?? '').length : 0));
    if (Math.max(longest(value, lengths), ...instead) <= length) return [];
    const isChecked = validate.some((one) => one.column === name && 'atMost' in one && one.atMost <= length && one.severity !== 'warn');
    return isChecked ? [] : [`${name} (${String(length)})`];
  });
  if (may.length === 0) return [];
  return [
    warning(
      'length',
      `columns of ${target} take only so many characters, and the rule may make more: such rows will be refused; with \`atMost\` in \`validate\` they are cut or held: ${may.join(', ')}`,
    ),
  ];
}

/** The characters that a type takes; null: as many as there are. */
function lengthOf(type: string): number | null {
  const [, length] = /^character(?: varying)?\((\d+)\)$/u.exec(type) ?? [];
  return length === undefined ? null : Number(length);
}

/** How many characters a value may have at most, as far as the rule says so itself. */
function longest(value: Expression, lengths: ReadonlyMap<string, number | null>): number {
  if ('column' in value) return (value.of === undefined ? lengths.get(value.column) : null) ?? Infinity;
  if ('constant' in value) return Array.from(value.constant ?? '').length;
  if ('first' in value) return Math.max(...value.first.map((one) => longest(one, lengths)));
  if ('when' in value) {
    const values = [...value.when.map(({ then }) => then), ...(value.otherwise === undefined ? [] : [value.otherwise])];
    return Math.max(...values.map((one) => longest(one, lengths)));
  }
  if ('uuid' in value) return 36;
  if ('split' in value) return longest(value.input, lengths);
  if (!('convert' in value)) return Infinity;
  if (value.convert === 'trim') return longest(value.input, lengths);
  if (value.convert !== 'enum') return Infinity;
  const { values } = value.options as { readonly values: Readonly<Record<string, string | null>> };
  return Math.max(...Object.values(values).map((text) => Array.from(text ?? '').length));
}

/** `notNull`: columns of the driving row, and with their alias those of joins. */
function mayBeNull(value: Expression, notNull: ReadonlySet<string>): boolean {
  if ('column' in value) return !notNull.has(value.of === undefined ? value.column : `${value.of} ${value.column}`);
  if ('constant' in value) return value.constant === null;
  if ('first' in value) return value.first.every((one) => mayBeNull(one, notNull));
  if ('concat' in value) return value.concat.every((one) => mayBeNull(one, notNull));
  if ('object' in value || 'array' in value) return false;
  if ('when' in value)
    return [...value.when.map(({ then }) => then), value.otherwise].some((one) => one === undefined || mayBeNull(one, notNull));
  if ('split' in value || 'field' in value || 'custom' in value) return true;
  if ('uuid' in value || 'allocated' in value) return mayBeNull(value.input, notNull);
  if ('keyOf' in value) return value.key.some((one) => mayBeNull(one, notNull));
  if (!('convert' in value)) return value.invalid === 'empty' || mayBeNull(value.input, notNull);
  return value.invalid === 'empty' || mayBeNull(value.input, notNull) || !givesAValue(value);
}

/** Most converters give null for blank text; of `enum` the mapping itself says what it gives. */
function givesAValue({ convert, options }: Extract<Expression, { readonly convert: string }>): boolean {
  if (convert !== 'enum') return false;
  const { values } = options as { readonly values: Readonly<Record<string, string | null>> };
  return !Object.values(values).includes(null);
}

function isAlwaysNull(value: Expression): boolean {
  return 'constant' in value && value.constant === null;
}

function warning(check: string, message: string): Finding {
  return { part: 'mapping', severity: 'warning', check, message };
}
