import { arrayText, itemWriter } from './array-text.js';
import { ConversionProblem, type JoinedRows, type Row } from './compiled-rule.js';
import { decimalSum } from './decimal-sum.js';
import { compareValues } from './row-order.js';
import type { Aggregate, Expression } from './rule.js';
import type { Scope } from './scope.js';

const NOT_A_NUMBER = new ConversionProblem('not a number');

/** Makes one value of rows that are in order, each with those joined to it; a problem where there is none. */
type Aggregated = (rows: readonly JoinedRows[]) => string | null | ConversionProblem;

/** Makes one row of many, which are in order: `scope` knows only these, as `as`, and those joined to them. The first problem, where a value has one. */
export function compileAggregates(
  columns: Readonly<Record<string, Aggregate>>,
  scope: Scope,
  as: string,
): (rows: readonly JoinedRows[]) => Row | ConversionProblem {
  const aggregates = Object.values(columns).map((aggregate) => compileAggregate(aggregate, scope, as));
  return (rows) => {
    const values: (string | null)[] = [];
    for (const aggregate of aggregates) {
      const value = aggregate(rows);
      if (value instanceof ConversionProblem) return value;
      values.push(value);
    }
    return values;
  };
}

function compileAggregate(aggregate: Aggregate, scope: Scope, as: string): Aggregated {
  if ('count' in aggregate && aggregate.count === 'rows') return (rows) => String(rows.length);
  if ('latest' in aggregate) {
    const [value, by] = [scope.evaluate(aggregate.latest, as), scope.evaluate(aggregate.by, as)];
    const isNumber = scope.isNumber(aggregate.by, as);
    return (rows) => {
      let best: JoinedRows | null = null;
      let when: string | null = null;
      for (const row of rows) {
        const other = by(row);
        if (other === null || (when !== null && compareValues(other, when, isNumber) <= 0)) continue;
        [best, when] = [row, other];
      }
      return best === null ? null : value(best);
    };
  }
  const ofValues = (expression: Expression, aggregated: (values: readonly string[]) => string | null | ConversionProblem): Aggregated => {
    const value = scope.evaluate(expression, as);
    return (rows) => aggregated(rows.map(value).filter((one) => one !== null));
  };
  if ('count' in aggregate) return ofValues(aggregate.count as Expression, (values) => String(values.length));
  if ('sum' in aggregate) {
    return ofValues(aggregate.sum, (values) => (values.length === 0 ? null : (decimalSum(values) ?? NOT_A_NUMBER)));
  }
  if ('text' in aggregate) {
    const { separator } = aggregate;
    return ofValues(aggregate.text, (values) => (values.length === 0 ? null : values.join(separator)));
  }
  if ('array' in aggregate) {
    const write = itemWriter(aggregate.array, aggregate.as);
    return ofValues(aggregate.array, (values) => arrayText(values.map(write), aggregate.as));
  }
  const [expression, sign] = 'min' in aggregate ? [aggregate.min, 1] : [aggregate.max, -1];
  const isNumber = scope.isNumber(expression, as);
  return ofValues(expression, (values) => {
    let best: string | null = null;
    for (const value of values) if (best === null || sign * compareValues(value, best, isNumber) < 0) best = value;
    return best;
  });
}
