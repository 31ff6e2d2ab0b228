export {
  constant,
  concat,
  convert,
  first,
  unchecked,
  uuid,
  type Converted,
  type Holds,
  type Invalid,
  type Text,
  type Uuid,
  type Value,
} from './value.js';
export { all, any, is, not, type Where } from './where.js';
export { mapping, type MappingBuilder } from './table-builder.js';
export type { DrivingRow, ReadColumn, Tables } from './rows.js';
