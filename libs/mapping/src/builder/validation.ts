import type { ComparedAs, Comparison, Severity, TableRule, ValidationRule } from '../rule.js';
import type { Text } from './value.js';

type Name<Row> = keyof Row & string;
type Dates = Text<'date'> | Text<'timestamp without time zone'> | Text<'timestamp with time zone'>;

/** As what the texts of a column can be compared; of one that says nothing of its texts, as anything. */
export type Compared<Type> = [NonNullable<Type>] extends [never]
  ? never
  : NonNullable<Type> extends `${number}`
    ? 'number'
    : NonNullable<Type> extends Dates
      ? 'date'
      : string extends NonNullable<Type>
        ? 'text'
        : never;

type ColumnsComparedAs<Row, As extends ComparedAs> = {
  [Column in Name<Row>]: As extends Compared<Exclude<Row[Column], undefined>> ? Column : never;
}[Name<Row>];

/** What a column can be left empty for; the severity `fix` of all checks but that of length does it. */
type Emptying<Type> = null extends Type ? Severity : Exclude<Severity, 'fix'>;

type CheckOfColumn<Type> =
  | { readonly atMost: number; readonly severity: Severity }
  | ({ readonly severity: Emptying<Type> } & (
      | { readonly matches: string }
      | { readonly rejects: string }
      | { readonly oneOf: readonly NonNullable<Type>[] }
      | ([Compared<Type>] extends [never]
          ? never
          : { readonly range: Compared<Type>; readonly from?: BoundOf<Compared<Type>>; readonly to?: BoundOf<Compared<Type>> })
    ));

type BoundOf<As> = As extends 'number' ? `${number}` : string;

/** A condition over columns of the target's row. With a null it is neither true nor false; only where `in` names null itself can a null be asked for. */
export type RowCheck<Row> =
  | {
      [As in ComparedAs]: {
        readonly compare: As;
        readonly left: ColumnsComparedAs<Row, As>;
        readonly is: Extract<Comparison, { readonly compare: string }>['is'];
        readonly right: ColumnsComparedAs<Row, As>;
      };
    }[ComparedAs]
  | { [Column in Name<Row>]: { readonly value: Column; readonly in: readonly Exclude<Row[Column], undefined>[] } }[Name<Row>]
  | { readonly not: RowCheck<Row> }
  | { readonly all: readonly RowCheck<Row>[] }
  | { readonly any: readonly RowCheck<Row>[] };

/**
 * What a column of the target has to be, and what becomes of a row where it is not. Of a column that may not be null only a length can be fixed. Without `name` it is called by
 * what it checks and the column, as in `length of name`.
 */
export type Validation<Row> = {
  [Column in Name<Row>]-?: [Exclude<Row[Column], undefined>] extends [never]
    ? never
    : { readonly name?: string; readonly column: Column } & (
        | CheckOfColumn<Exclude<Row[Column], undefined>>
        | { readonly check: RowCheck<Row>; readonly severity: Emptying<Exclude<Row[Column], undefined>> }
      );
}[Name<Row>];

/**
 * A column that may not be null, and what becomes of a row where it is; without more said it is held, whatever anybody accepts. Only of one that the target takes without a value a null
 * can be written all the same.
 */
export type Required<Row> = {
  [Column in Name<Row>]-?: [Exclude<Row[Column], undefined>] extends [never]
    ? never
    : | Column
      | { readonly column: Column; readonly severity: 'hold' | 'stop' | (null extends Row[Column] ? 'warn' : never); readonly with?: never }
      | { readonly column: Column; readonly severity: 'fix'; readonly with: NonNullable<Row[Column]> };
}[Name<Row>];

/** Columns of which no null is written, whatever the rule's values are. */
export type NeverNull<One> = One extends string
  ? One
  : One extends { readonly column: infer Column; readonly severity: 'fix' | 'hold' | 'stop' }
    ? Column
    : never;

/** Those that hold their row, and rules for all others. */
export function requiredOf(required: readonly (string | object)[]): Pick<TableRule, 'required' | 'validate'> {
  const plain = required.filter((one) => typeof one === 'string');
  const others = required.filter((one) => typeof one !== 'string');
  return { required: plain, validate: others.map((one) => validationOf({ ...one, required: true })) };
}

/** The plain data that it is. */
export function validationOf(validation: object): ValidationRule {
  const given = validation as ValidationRule & { readonly name?: string };
  return { ...given, name: given.name ?? `${kindOf(given)} of ${given.column}` };
}

function kindOf(rule: ValidationRule): string {
  if ('required' in rule) return 'presence';
  if ('atMost' in rule) return 'length';
  if ('range' in rule) return 'range';
  if ('oneOf' in rule) return 'values';
  return 'check' in rule ? 'check' : 'pattern';
}
