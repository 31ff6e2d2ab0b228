export { ControlDatabase, openControl, type ControlOptions } from './control-database.js';
export { CONTROL_SCHEMA, type RequestKind, type Role } from './entities.js';
export { LEASE_EXPIRES_MS, LeaseKeeper, type LeaseClaim, type LeaseView } from './lease-keeper.js';
export { Lease, LEASE_RENEW_MS, type LeaseCallbacks } from './lease.js';
export { RequestQueue, type NewRequest, type OperatorRequest } from './request-queue.js';
export { type CopyStatus, type RoleState, type RoleStatus } from './role-status.js';
export { probeControl, type ControlProbe } from './probe-control.js';
