export { PostgresCheckpoints } from './checkpoints.js';
export { PostgresTargetMoves, type PostgresTargetMovesOptions } from './move/postgres-target-moves.js';
export { type CrashPoint, type PostgresTargetOptions } from './options.js';
export { PostgresHeldRowList } from './held-row-list.js';
export { PostgresTarget } from './postgres-target.js';
export { PostgresTargetReader, type PostgresTargetReaderOptions } from './postgres-target-reader.js';
export { PostgresColumnTypes } from './postgres-column-types.js';
export { PostgresTargetCatalogue } from './target-catalogue.js';
export { PostgresRebuiltTables, type PostgresRebuiltTablesOptions } from './rebuild/postgres-rebuilt-tables.js';
