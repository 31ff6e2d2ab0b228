export { canonicalMapping, defineMapping, IDENTITY, parseMapping, type Mapping, type MappingInput } from './mapping.js';
export {
  correctableTables,
  mappingHash,
  ruleSchema,
  ruleSchemas,
  sourceTable,
  tablesRead,
  tableUse,
  targetSchema,
  type TableUse,
} from './table-plan.js';
export { wrongFunctions, type WrongFunction } from './custom/function-problems.js';
export { compileRule } from './compile-rule.js';
export { aliasesIn, aliasesOf, columnsValidated, joinsRead, sequencesOf } from './expression-parts.js';
export { compileRules, ruleProblems } from './compile-rules.js';
export { keyFollowsMergeKey } from './merge.js';
export { columnsUsed } from './columns-used.js';
export { isReference, referenceName, referencesRead, referredTable } from './reference.js';
export {
  columnsRead,
  columnsTested,
  columnText,
  printCondition,
  printComparison,
  printExpression,
  printSurvivor,
  printValidation,
  type ColumnRead,
} from './print-rule.js';
export { putBack, type Inverse, type Inverses } from './inverse/inverse.js';
export { invertRule, type InvertedRule } from './inverse/invert-rule.js';
export type { WayBack } from './inverse/way-back.js';
export { readKeyOf, type KeyOf } from './key-of.js';
export { traceRule, type TracedColumn, type TracedRow } from './trace-rule.js';
export {
  ConversionProblem,
  TOO_MANY_ROWS,
  type CompiledAll,
  type CompiledJoin,
  type CompiledMerge,
  type CompiledRule,
  type CompiledUnique,
  type Converter,
  type Converters,
  type DerivedRow,
  type JoinedRows,
  type Numbering,
  type Problem,
  type Row,
  type SourceTable,
  type Waives,
} from './compiled-rule.js';
export { MERGED } from './rule.js';
export type {
  Aggregate,
  Check,
  ComparedAs,
  Comparison,
  Condition,
  Expression,
  JoinRule,
  Json,
  MergeRule,
  Order,
  ParentRule,
  Sequence,
  Severity,
  Survivor,
  TableRule,
  UniqueRule,
  ValidationRule,
} from './rule.js';
export {
  all,
  allocated,
  any,
  array,
  arrayOf,
  concat,
  constant,
  convert,
  count,
  custom,
  field,
  first,
  is,
  json,
  jsonArray,
  jsonArrayOf,
  jsonBoolean,
  jsonNumber,
  jsonObject,
  latest,
  mapping,
  max,
  min,
  not,
  split,
  stride,
  sum,
  textOf,
  unchecked,
  uuid,
  when,
  type Aggregated,
  type Converted,
  type CustomFunction,
  type DrivingRow,
  type Holds,
  type Invalid,
  type JoinedRow,
  type MappingBuilder,
  type ReadColumn,
  type Tables,
  type Text,
  type RowCheck,
  type Uuid,
  type Validation,
  type Value,
  type Where,
} from './builder/index.js';
