export { canonicalMapping, defineMapping, IDENTITY, parseMapping, type Mapping, type MappingInput } from './mapping.js';
export { mappingHash, ruleSchema, sourceTable, tablesRead, tableUse, targetSchema, type TableUse } from './table-plan.js';
export { compileRule } from './compile-rule.js';
export { aliasesIn, aliasesOf, inputsOf, joinsRead } from './expression-parts.js';
export { compileRules, ruleProblems } from './compile-rules.js';
export { columnsRead, columnsTested, columnText, printCondition, printExpression, type ColumnRead } from './print-rule.js';
export { traceRule, type TracedColumn } from './trace-rule.js';
export {
  ConversionProblem,
  type CompiledJoin,
  type CompiledRule,
  type CompiledUnique,
  type Converter,
  type Converters,
  type JoinedRows,
  type Problem,
  type Row,
  type SourceTable,
} from './compiled-rule.js';
export type { Condition, Expression, JoinRule, Json, Order, ParentRule, TableRule, UniqueRule } from './rule.js';
export {
  all,
  any,
  concat,
  constant,
  convert,
  first,
  is,
  mapping,
  not,
  unchecked,
  uuid,
  type Converted,
  type DrivingRow,
  type Holds,
  type Invalid,
  type MappingBuilder,
  type ReadColumn,
  type Tables,
  type Text,
  type Uuid,
  type Value,
  type Where,
} from './builder/index.js';
