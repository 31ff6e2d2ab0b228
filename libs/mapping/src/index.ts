export { canonicalMapping, defineMapping, IDENTITY, parseMapping, type Mapping, type MappingInput } from './mapping.js';
export { mappingHash, targetSchema } from './table-plan.js';
