export { PostgresSourceCatalogue } from './source-catalogue.js';
export { PostgresSource } from './postgres-source.js';
export { type PostgresSourceSettings, type TableSelection, type TablesWithoutKey } from './settings.js';
export { PostgresSourceSnapshots } from './snapshot/postgres-source-snapshots.js';
