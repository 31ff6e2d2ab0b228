export { arrayOf, count, jsonArrayOf, latest, max, min, sum, textOf, type Aggregated } from './aggregate.js';
export { custom, type CustomFunction } from './custom.js';
export {
  allocated,
  constant,
  concat,
  convert,
  first,
  split,
  stride,
  unchecked,
  uuid,
  type Converted,
  type Holds,
  type Invalid,
  type Text,
  type Uuid,
  type Value,
} from './value.js';
export { all, any, is, not, when, type Where } from './where.js';
export type { RowCheck, Validation } from './validation.js';
export { array, field, json, jsonArray, jsonBoolean, jsonNumber, jsonObject } from './json.js';
export { mapping, type MappingBuilder } from './table-builder.js';
export type { DrivingRow, JoinedRow, ReadColumn, Tables } from './rows.js';
