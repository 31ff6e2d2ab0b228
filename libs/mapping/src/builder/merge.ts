import type { MergeRule, Order, Survivor } from '../rule.js';
import type { Ordered } from './rows.js';
import type { Compared } from './validation.js';
import { expressionOf, type AnyValue, type Text, type Value } from './value.js';

type Name<Row> = keyof Row & string;
type Bare<Type> = NonNullable<Exclude<Type, undefined>>;

/** Which value a column can have of those of several rows; what it is made of all of them has to fit it. */
type SurvivorOf<Type> =
  | Extract<Survivor, string>
  | ([Compared<Type>] extends [never] ? never : { readonly least: Compared<Type> } | { readonly greatest: Compared<Type> })
  | (string extends Type ? { readonly text: string } : never)
  | (string extends Type ? { readonly array: 'json' | 'postgres' } : never)
  | (Type extends Text<`${string}[]`> ? { readonly array: 'postgres' } : never)
  | (Type extends Text<'json' | 'jsonb'> | Text<'json'> | Text<'jsonb'> ? { readonly array: 'json' } : never);

/** Rows that agree in a merge key become one row of the target. */
export type Merge<Columns, Row, From> = {
  /** The merge key: rows with the same one are merged, of this rule and of the others for the table. With null a row stands alone. */
  readonly by: Value<string | null, From>;
  /** Which row is the first, then by key. */
  readonly order?: Ordered<Row>;
  /** Which of the rows' values a column has: the first that is not null, for those that are left out. */
  readonly columns?: { readonly [Column in Name<Columns>]?: SurvivorOf<Bare<Columns[Column]>> };
  /** More rows than these are not merged: what would become of them is held. 100 without. */
  readonly atMost?: number;
};

const AT_MOST = 100;

type AnyMerge = { readonly by: AnyValue; readonly order?: Order; readonly columns?: object; readonly atMost?: number };

/** The plain data that it is. */
export function mergeOf({ by, order, columns, atMost = AT_MOST }: AnyMerge): MergeRule {
  return {
    by: expressionOf(by),
    ...(order !== undefined && { order }),
    ...(columns !== undefined && { columns: columns as Readonly<Record<string, Survivor>> }),
    atMost,
  };
}
