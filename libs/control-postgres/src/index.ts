// `export type`, so that nothing of it is loaded: TypeORM is where a control database is opened.
export type { ControlDatabase, ControlOptions } from './control-database.js';
export { openControl } from './open-control.js';
export type { RequestKind, Role } from './entities.js';
export type { LeaseClaim, LeaseKeeper, LeaseView } from './lease-keeper.js';
export type { Lease, LeaseCallbacks } from './lease.js';
export type { RequestQueue, NewRequest, OperatorRequest } from './request-queue.js';
export type { CopyStatus, MappingStatus, RoleState, RoleStatus } from './role-status.js';
export { probeControl, type ControlProbe } from './probe-control.js';
