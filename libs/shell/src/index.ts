export { lineDestination } from './logging/line-destination.js';
export { LOG_KEYS, type LogFacts, type LogKey } from './logging/log-keys.js';
export { Log, type LogDestination, type LogLevel, type LogOptions } from './logging/log.js';
export { errorFacts, safeMessage } from './logging/error-facts.js';
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
  type TargetSettings,
  type TransformSettings,
} from './settings/schema.js';
export { METRICS } from './telemetry/metrics.js';
export { RoleTelemetry, type RoleTelemetryOptions } from './telemetry/role-telemetry.js';
export { withoutPassword } from './without-password.js';
