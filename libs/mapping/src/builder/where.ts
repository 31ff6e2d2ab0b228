import type { Condition } from '../rule.js';
import { expressionOf, unchecked, type AnyValue, type RowOf, type TypeOf, type Value } from './value.js';

declare const ROW: unique symbol;

/** A condition as TypeScript sees it; when the file runs it is plain data. `Row`: as of a {@link Value}. */
export interface Where<out Row> {
  readonly [ROW]: Row;
}

export function conditionOf(where: Where<unknown>): Condition {
  return where as unknown as Condition;
}

function where<Row>(condition: Condition): Where<Row> {
  return condition as unknown as Where<Row>;
}

/** The value is one of these; null is one that can be asked for. */
export function is<Type extends string | null, Row extends string>(
  value: Value<Type, Row>,
  ...accepted: readonly [NoInfer<Type>, ...NoInfer<Type>[]]
): Where<Row> {
  return where({ is: expressionOf(value), in: accepted });
}

export function not<Row>(condition: Where<Row>): Where<Row> {
  return where({ not: conditionOf(condition) });
}

export function all<Row>(...conditions: readonly [Where<Row>, ...Where<Row>[]]): Where<Row> {
  return where({ all: conditions.map(conditionOf) });
}

export function any<Row>(...conditions: readonly [Where<Row>, ...Where<Row>[]]): Where<Row> {
  return where({ any: conditions.map(conditionOf) });
}

type Case = readonly [condition: Where<unknown>, value: AnyValue];
type WhereRowOf<W> = W extends Where<infer Row> ? Row : never;

/** The value beside the first condition that holds; if none does `otherwise`, or null. */
export function when<const Cases extends readonly [Case, ...Case[]], Otherwise extends AnyValue = Value<null, never>>(
  cases: Cases,
  otherwise?: Otherwise,
): Value<TypeOf<Cases[number][1]> | TypeOf<Otherwise>, WhereRowOf<Cases[number][0]> | RowOf<Cases[number][1]> | RowOf<Otherwise>> {
  return unchecked({
    when: cases.map(([condition, value]) => ({ if: conditionOf(condition), then: expressionOf(value) })),
    ...(otherwise !== undefined && { otherwise: expressionOf(otherwise) }),
  });
}
