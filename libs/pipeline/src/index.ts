export { CaptureLoop, type CaptureLimits, type CaptureOptions } from './capture/capture-loop.js';
export { ReadBudget } from './capture/copies/read-budget.js';
export type { CopyLimits } from './capture/copies/copy-driver.js';
export { LoadLoop, type LoadLimits, type LoadOptions } from './load/load-loop.js';
export { moveTarget, whenFree, type Moved, type MoveTargetOptions } from './move/move-target.js';
export { readWritten, WrittenForms } from './move/written-frames.js';
export { CaptureRequests, PipelineObserver, SilentObserver, type CaptureRequest, type DeliverBatch, type ReadBatch } from './ports.js';
export { RangeDerivation } from './transform/range-derivation.js';
export type { RangeOutcome, RangeSetup, RangeTask, RangeThreads, StartRangeThreads } from './transform/range-threads.js';
export type { Dependants, ExplainedRow, ReadValue, SourceRow } from './explain/explained-row.js';
export { CorrectableRows, type CorrectableRow, type HeldByRules, type StandingCorrection } from './explain/correctable-rows.js';
export type { RowCounts } from './explain/row-counts.js';
export { RowExplanations } from './explain/row-explanations.js';
export { judgeSchemaChange } from './schema-change.js';
export { supervise, type Retry, type SupervisedLoop, type SuperviseOptions } from './supervise.js';
export { SnapshotDerivation, type DerivedSoFar, type SnapshotDerivationOptions } from './transform/snapshot-derivation.js';
export type { ToldVersion } from './transform/told-versions.js';
export type { DrivingRow } from './derive/derivation.js';
export type { RuleOutcome } from './derive/rule-outcome.js';
export { StoredDerivation, type ReviewedTable } from './transform/stored-derivation.js';
export { mappingAt, refusedActivation, type ActiveMapping } from './transform/mapping-in-force.js';
export { activationOf, lastActivationOf, refusedOf, StoredMirror } from './transform/stored-mirror.js';
export { TransformLoop, type TransformLimits, type TransformOptions } from './transform/transform-loop.js';
export {
  changesNothing,
  planMapping,
  type HeldCounts,
  type MappingPlan,
  type PlannedRow,
  type PlannedTable,
  type PlanStep,
} from './plan/plan-mapping.js';
export { STATE_VERSION, type RefusedActivation } from './transform/transform-place.js';
