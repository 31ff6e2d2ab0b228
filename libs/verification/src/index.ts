export type { Difference, DifferenceKind, TableComparison } from './compare-table.js';
export { deleteOlder, makeByTime, nameAfter, type CheckpointSchedule } from './checkpoint/checkpoints-by-time.js';
export { createCheckpoint, type CheckpointStep, type CreateCheckpointOptions } from './checkpoint/create-checkpoint.js';
export {
  compareTargets,
  digestTable,
  pairOf,
  type CompareTargetsOptions,
  type PairComparison,
  type TableDigest,
  type TablePair,
  type TargetsComparison,
} from './rebuild/compare-targets.js';
export { whileBothHeld, type BothHeld, type BothOptions } from './rebuild/both-held.js';
export { followLog, writtenTables, type FollowOptions, type WrittenTablesOptions } from './rebuild/follow-log.js';
export { swapTables } from './rebuild/swap-tables.js';
export { isEqualResumed, nothingToResume, resumeVerification, type ResumedReport } from './resume-verification.js';
export type { RepairedRow, RepairReport, RepairResult } from './repair.js';
export type { Sample } from './sampled.js';
export type { SampledTable } from './trial/table-sample.js';
export { tryMapping, type Misfit, type TrialOptions, type TrialReport, type TrialStep, type UnusedColumn } from './trial/try-mapping.js';
export {
  isEqual,
  verify,
  verifyAndRepair,
  type RepairedReport,
  type VerificationOptions,
  type VerificationReport,
  type VerificationStep,
} from './verification.js';
export { isEqualChosen, verifyChosen, type Choice, type ChosenOptions, type ChosenReport, type RowCount } from './verify-chosen.js';
export { verifyMirror, type MirrorOptions, type MirrorReport } from './verify-mirror.js';
export type { PlacedComparison } from './unfinished.js';
