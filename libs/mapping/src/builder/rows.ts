import type { JoinRule } from '../rule.js';
import { aggregateOf, type Aggregated } from './aggregate.js';
import { unchecked, expressionOf, type AnyValue, type Value } from './value.js';
import { conditionOf, type Where } from './where.js';

/** What the rows of tables hold, as `changeover introspect` writes it. What stands beside `row` may be left out; then nothing is held against it. */
export type Tables = Readonly<Record<string, Table>>;

export type Table = {
  /** By column, the texts that it can have; never where nobody can write it. */
  readonly row: Readonly<Record<string, string | null | undefined>>;
  /** The columns by which a row can be found: of its key, or of a unique index. */
  readonly key?: readonly string[];
  /** The columns of its unique indexes, also of those that are not about all rows. */
  readonly unique?: readonly string[];
  /** By the table that they lead to, the columns of its foreign keys. */
  readonly references?: Readonly<Record<string, readonly string[]>>;
};

/** Columns of a row, read by name. `Row` names the driving table. */
export type ReadColumn<Columns, Row> = <Column extends keyof Columns & string>(column: Column) => Value<Columns[Column], Row>;

type JoinOptions<Columns, Row> = {
  /** Columns of the joined table, and what they must equal: of the driving row, or of a join before this one. */
  readonly on: { readonly [Column in keyof Columns]?: Value<string | null, Row> };
  /** Which of the rows that match are taken; it sees the joined row alone. */
  readonly where?: (joined: ReadColumn<Columns, 'joined row'>) => Where<'joined row'>;
  /** Which of several comes first. */
  readonly order?: Ordered<Columns>;
};

type AllOptions<Columns, Row, Joined, Made> = JoinOptions<Columns, Row> & {
  /** What is made of all rows that match, by name; it sees the joined rows alone, and what it joins to each of them. */
  readonly columns: (joined: Joined) => Made;
  /** A driving row with more of them is held. 1000 without. */
  readonly atMost?: number;
};

type TypeMade<A> = A extends Aggregated<infer Type> ? Type : never;

const AT_MOST = 1000;

export type Ordered<Columns> = readonly { readonly column: keyof Columns & string; readonly descending?: boolean }[];

/** A row of which many are joined. */
export interface JoinedRow<Source extends Tables, Name extends keyof Source & string> extends ReadColumn<
  Source[Name]['row'],
  'joined row'
> {
  /** At most one row of another table for each of these, as of a driving row. */
  join<Table extends keyof Source & string>(
    as: string,
    table: Table,
    options: JoinOptions<Source[Table]['row'], 'joined row'>,
  ): ReadColumn<{ readonly [Column in keyof Source[Table]['row']]: Source[Table]['row'][Column] | null }, 'joined row'>;
}

/** A row of the table that drives a rule: each makes a row of the target. */
export interface DrivingRow<Source extends Tables, Name extends keyof Source & string> extends ReadColumn<Source[Name]['row'], Name> {
  readonly source: Name;
  /** In the order in which they were made. */
  readonly joins: readonly JoinRule[];
  /** At most one row of another table for each of this one. `as` names it in the mapping. Without a match its columns are null. */
  join<Table extends keyof Source & string>(
    as: string,
    table: Table,
    options: JoinOptions<Source[Table]['row'], Name>,
  ): ReadColumn<{ readonly [Column in keyof Source[Table]['row']]: Source[Table]['row'][Column] | null }, Name>;
  /** One row that is made of all rows of another table that match, also where there are none: `columns` says what it holds. */
  joinAll<Table extends keyof Source & string, Made extends Readonly<Record<string, Aggregated<string | null>>>>(
    as: string,
    table: Table,
    options: AllOptions<Source[Table]['row'], Name, JoinedRow<Source, Table>, Made>,
  ): ReadColumn<{ readonly [Column in keyof Made]: TypeMade<Made[Column]> }, Name>;
  /** Columns that the target has under the same names. */
  same<Column extends keyof Source[Name]['row'] & string>(
    ...columns: readonly Column[]
  ): { readonly [C in Column]: Value<Source[Name]['row'][C], Name> };
}

export function drivingRow<Source extends Tables, Name extends keyof Source & string>(source: Name): DrivingRow<Source, Name> {
  const joins: JoinRule[] = [];
  const read = (column: string): AnyValue => unchecked({ column });
  const join = (as: string, table: string, options: AnyOptions): unknown => {
    joins.push(joinRule(as, table, options));
    return reader(as);
  };
  const joinAll = (as: string, table: string, options: AllOptions<AnyColumns, unknown, unknown, AnyMade>): unknown => {
    const inner: JoinRule[] = [];
    const joinInner = (innerAs: string, innerTable: string, innerOptions: AnyOptions): unknown => {
      inner.push(joinRule(innerAs, innerTable, innerOptions));
      return reader(innerAs);
    };
    const made = Object.entries(options.columns(Object.assign(reader(as), { join: joinInner })));
    const columns = Object.fromEntries(made.map(([name, aggregated]) => [name, aggregateOf(aggregated)]));
    const all = { ...(inner.length > 0 && { joins: inner }), columns, atMost: options.atMost ?? AT_MOST };
    joins.push({ ...joinRule(as, table, options), all });
    return reader(as);
  };
  const same = (...columns: readonly string[]): unknown => Object.fromEntries(columns.map((column) => [column, read(column)]));
  return Object.assign(read, { source, joins, join, joinAll, same }) as unknown as DrivingRow<Source, Name>;
}

type AnyColumns = Readonly<Record<string, unknown>>;
type AnyOptions = JoinOptions<AnyColumns, unknown>;
type AnyMade = Readonly<Record<string, Aggregated<unknown>>>;

function joinRule(as: string, table: string, { on, where, order }: AnyOptions): JoinRule {
  return {
    as,
    table,
    on: Object.fromEntries(Object.entries(on).flatMap(([column, value]) => (value === undefined ? [] : [[column, expressionOf(value)]]))),
    ...(where !== undefined && { where: conditionOf(where(reader(as) as ReadColumn<AnyColumns, 'joined row'>)) }),
    ...(order !== undefined && { order }),
  };
}

function reader(of: string): (column: string) => AnyValue {
  return (column) => unchecked({ column, of });
}
