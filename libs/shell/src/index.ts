export { LOG_KEYS, type LogFacts, type LogKey } from './logging/log-keys.js';
export { errorFacts, safeMessage } from './logging/error-facts.js';
export { ENVIRONMENT } from './settings/environment.js';
export { readSettings, SETTINGS_FILE, settingsFile, type ReadOptions, type ReadSettings } from './settings/read-settings.js';
export {
  completeSettings,
  MIGRATION_ID,
  needsEmbeddedServices,
  type AllSettings,
  type App,
  type CaptureSettings,
  type CliSettings,
  type KafkaSettings,
  type LoadSettings,
  type LogSettings,
  type SourceSettings,
  type StateSettings,
  type TargetSettings,
  type TransformSettings,
} from './settings/schema.js';
export { HeldCounts } from './telemetry/held-counts.js';
export { withoutPassword } from './without-password.js';
export { crashPointFrom } from './process/crash-point.js';
export { acquireLease } from './process/acquire-lease.js';
export { loadMapping } from './settings/load-mapping.js';
export { mappingTypeErrors } from './settings/mapping-types.js';
export {
  createCheckpoints,
  createColumnTypes,
  createHeldRowList,
  createRefusedRetries,
  createLog,
  createRebuiltTables,
  createSampleTables,
  createSource,
  createSourceCatalogue,
  createSourceSnapshots,
  createTarget,
  createTargetCatalogue,
  createTargetMoves,
  createTargetReader,
  createTargetRows,
  emptyState,
  lookAtState,
  openScratchState,
  openState,
  stateBytes,
  stateFolder,
  type AdapterContext,
  type OpenLog,
} from './adapters/adapters.js';
