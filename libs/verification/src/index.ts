export type { Difference, DifferenceKind, TableComparison } from './compare-table.js';
export { isEqual, verify, type VerificationOptions, type VerificationReport, type VerificationStep } from './verification.js';
export { createCheckpoint, type CheckpointStep, type CreateCheckpointOptions } from './checkpoint/create-checkpoint.js';
