import { aliasesIn, aliasesOf, joinsRead } from '../expression-parts.js';
import type { Expression, TableRule } from '../rule.js';
import { mergeOf, type Merge } from './merge.js';
import { referenceName } from '../reference.js';
import { max } from './aggregate.js';
import { drivingRow, type DrivingRow, type Ordered, type ReadColumn, type Table, type Tables } from './rows.js';
import { expressionOf, unchecked, type AnyValue, type Holds, type RowOf, type TypeOf, type Value } from './value.js';
import { requiredOf, validationOf, type NeverNull, type Required, type RowCheck, type Validation } from './validation.js';
import { conditionOf, type Where } from './where.js';

type Name<T> = keyof T & string;

/** Columns of a target table; those that must be there and never null are, unless they are among `Held`: without them the row is held. */
type Columns<Row, From, Held> = {
  readonly [Column in keyof Row]: [Exclude<Row[Column], undefined>] extends [never]
    ? never
    : Value<Row[Column] | (Column extends Held ? null : never), From | Holds>;
};

/** Columns that can be left empty. */
type Emptiable<Row> = { [Column in keyof Row]-?: null extends Row[Column] ? Column : never }[keyof Row] & string;

/** What is told of a table under this name, as a list of columns; where it is not told, any of them. */
type Told<T extends Table, Part extends 'key' | 'unique'> = T extends { readonly [P in Part]: infer Names extends readonly string[] }
  ? Readonly<Names>
  : readonly Name<T['row']>[];

/** A database without foreign keys says nothing of what belongs together: then a row may need one of any table. */
type Parent<T extends Table, Target> = Name<Target> & (T extends { readonly references: infer Parents } ? keyof Parents : string);

type UniqueOptions<T extends Table, From> = {
  /** Rows of which it is not true want nothing: where the index is a partial one. */
  readonly where?: RowCheck<T['row']>;
  readonly order?: Ordered<From>;
} & (
  | { readonly columns: Told<T, 'unique'> & readonly Name<T['row']>[]; readonly otherwise: 'held' }
  | { readonly columns: Told<T, 'unique'> & readonly Emptiable<T['row']>[]; readonly otherwise: 'empty' }
);

type TableOptions<
  Source extends Tables,
  Target extends Tables,
  From extends Name<Source>,
  To extends Name<Target>,
  Key extends readonly string[],
  Needs extends readonly unknown[],
> = {
  /** Each of these rows makes one row of the target, or none. */
  readonly from: DrivingRow<Source, From>;
  /** Rows that it refuses are not in the target. */
  readonly where?: Where<NoInfer<From>>;
  readonly columns: Columns<Target[To]['row'], NoInfer<From>, Key[number] | NeverNull<Needs[number]>>;
  /** Where several rules make the table: a name of its own. They make the same columns, and have the same key and unique rules. */
  readonly name?: string;
  /** Columns by which a row is found: of the target's key, or of a unique index. One that is null holds its row. */
  readonly key: Key;
  /** Columns that hold their row when they are null; with a `severity` what becomes of it instead. They are asked before all that `validate` says. */
  readonly required?: Needs;
  /**
   * Target rows that must be there before this one, by its foreign keys: `key` is that of the source row that makes them, `rule` the name of its rule where several
   * do.
   */
  readonly requires?: readonly {
    readonly parent: Parent<Target[To], Target>;
    readonly rule?: string;
    readonly key: readonly Value<string | null, NoInfer<From>>[];
  }[];
  /** By its unique indexes: of the rows that want the same values the first in `order` has them; the others go without, or are held. */
  readonly unique?: readonly UniqueOptions<Target[To], Source[From]['row']>[];
  /** Rows that agree in a key become one row. All rules for the table say so, with the same `columns` and `atMost`, and each has a `name`. */
  readonly merge?: Merge<Target[To]['row'], Source[From]['row'], NoInfer<From>>;
  /** What its columns have to be once they are made, in this order: each sees what those before it have fixed. */
  readonly validate?: readonly Validation<Target[To]['row']>[];
  /** What stands in the target while a row is held: its last good version (the default), or nothing. */
  readonly whileHeld?: 'last' | 'none';
};

/** The columns by which rows of a table are found; where they are not told, any of them. */
type KeyColumn<T extends Table> = T extends { readonly key: readonly (infer Column)[] } ? Column & Name<T['row']> : Name<T['row']>;

/** Null if one of the values can be. */
type NullAmong<Key extends readonly AnyValue[]> = null extends TypeOf<Key[number]> ? null : never;

type ReferOptions<T extends Table, From, Columns> = {
  /** Columns of the table, and what they must equal: of the driving row, or of a join before this one. */
  readonly on: { readonly [Column in keyof T['row']]?: Value<string | null, From> };
  /** Which of the rows that match are taken; it sees the row of the target alone. */
  readonly where?: (found: ReadColumn<{ readonly [Column in keyof T['row']]-?: T['row'][Column] }, 'joined row'>) => Where<'joined row'>;
  /** Those that are read of it. */
  readonly columns: Columns;
};

export interface MappingBuilder<Source extends Tables, Target extends Tables> {
  /** The rows of a source table, to make rows of the target from. */
  from<From extends Name<Source>>(table: From): DrivingRow<Source, From>;
  /**
   * What a row that this one requires has in a column of its key: that of the merged row, where its source row was merged into another. `parent` stands among `requires` as well. Nothing
   * else can be made of it, or asked of it.
   */
  keyOf<Parent extends Name<Target>, Column extends KeyColumn<Target[Parent]>, const Key extends readonly [AnyValue, ...AnyValue[]]>(
    parent: { readonly parent: Parent; readonly rule?: string; readonly key: Key },
    column: Column,
  ): Value<Exclude<Target[Parent]['row'][Column], null | undefined> | NullAmong<Key>, RowOf<Key[number]>>;
  /**
   * The one row of a table of the target, one that the mapping does not write, which matches: as `changeover reference refresh` has recorded it last. Without a match its columns are null; where
   * several match the driving row is held. `as` names it in the mapping.
   */
  refer<From extends Name<Source>, To extends Name<Target>, const Columns extends readonly Name<Target[To]['row']>[]>(
    row: DrivingRow<Source, From>,
    as: string,
    table: To,
    options: ReferOptions<Target[To], NoInfer<From>, Columns>,
  ): ReadColumn<{ readonly [Column in Columns[number]]: Exclude<Target[To]['row'][Column], undefined> | null }, From>;
  /** How the rows of a target table are made. */
  table<
    From extends Name<Source>,
    To extends Name<Target>,
    const Key extends Told<Target[To], 'key'>,
    const Needs extends readonly Required<Target[To]['row']>[] = readonly [],
  >(
    target: To,
    options: TableOptions<Source, Target, From, To, Key, Needs>,
  ): TableRule;
}

/**
 * Makes rules that TypeScript checks against the tables of both databases, whose types `changeover introspect` writes. What it makes is
 * plain data.
 */
export function mapping<Source extends Tables = Untyped, Target extends Tables = Untyped>(): MappingBuilder<Source, Target> {
  return {
    from: (table) => drivingRow(table),
    keyOf: ({ parent, rule, key }, column) =>
      unchecked({ keyOf: parent, ...(rule !== undefined && { rule }), keyColumn: column, key: key.map(expressionOf) }),
    refer: (row, as, table, { columns, ...options }) => {
      const only = (found: (column: string) => Value<string | null, 'joined row'>) =>
        Object.fromEntries(columns.map((column) => [column, max(found(column))]));
      // Of one row each of its values is the greatest; of more than one nobody could say which is meant.
      const all = { ...(options as object), on: options.on, columns: only, atMost: 1 };
      return (row as unknown as DrivingRow<Untyped, string>).joinAll(as, referenceName(table), all) as never;
    },
    table: (target, { from, name, where, columns, key, required, requires, unique, merge, validate, whileHeld }) => {
      const needs = requiredOf((required ?? []) as readonly (string | object)[]);
      const asked = [...(needs.validate ?? []), ...(validate ?? []).map(validationOf)];
      const rule = {
        source: from.source,
        target,
        ...(name !== undefined && { name }),
        ...(where !== undefined && { where: conditionOf(where) }),
        columns: expressionsOf(columns),
        key,
        ...(needs.required?.length !== 0 && { required: needs.required }),
        ...(requires !== undefined && { requires: requires.map((one) => ({ ...one, key: one.key.map(expressionOf) })) }),
        ...(unique !== undefined && { unique }),
        ...(merge !== undefined && { merge: mergeOf(merge) }),
        ...(asked.length > 0 && { validate: asked }),
        ...(whileHeld !== undefined && { whileHeld }),
      } satisfies TableRule;
      // The driving row may have been joined for other rules too: a join that nothing reads only costs time.
      const by = rule.merge === undefined ? [] : [rule.merge.by];
      const values = [...Object.values(rule.columns), ...(rule.requires ?? []).flatMap((one) => one.key), ...by];
      const joins = joinsRead(from.joins, [...values.flatMap(aliasesOf), ...(rule.where === undefined ? [] : aliasesIn(rule.where))]);
      return joins.length === 0 ? rule : { ...rule, joins };
    },
  };
}

/** Nothing is known of the tables: whatever a column is called and holds, it fits. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- what is read of it has to fit everywhere, and everything has to fit into it
type Untyped = Readonly<Record<string, { readonly row: Readonly<Record<string, any>> }>>;

function expressionsOf(columns: object): Readonly<Record<string, Expression>> {
  const values = Object.entries(columns as Readonly<Record<string, AnyValue | undefined>>);
  return Object.fromEntries(values.flatMap(([column, value]) => (value === undefined ? [] : [[column, expressionOf(value)]])));
}
