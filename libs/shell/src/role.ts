// What only a role's process needs: its log, Nest application, metrics and transport. Commands do not wait for these to be read.
export { lineDestination } from './logging/line-destination.js';
export { Log, type LogDestination, type LogLevel, type LogOptions } from './logging/log.js';
export { runRoleProcess } from './process/run-role-process.js';
export { RoleTelemetry, type RoleTelemetryOptions } from './telemetry/role-telemetry.js';
export { createApp, type AppOptions } from './nest/create-app.js';
export { HandlesRecords, LogTransport, type RecordFeed } from './nest/log-transport.js';
export { RunningTask, type RunningTaskOptions } from './process/running-task.js';
export { startRole, type RoleContext, type RoleParts, type RunningRole, type StartOptions, type StartRole } from './process/start-role.js';
