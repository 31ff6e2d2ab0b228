export { CaptureLoop, type CaptureLimits, type CaptureOptions } from './capture/capture-loop.js';
export type { CopyLimits } from './capture/copies/copy-driver.js';
export { LoadLoop, type LoadLimits, type LoadOptions } from './load/load-loop.js';
export { CaptureRequests, PipelineObserver, SilentObserver, type CaptureRequest, type DeliverBatch, type ReadBatch } from './ports.js';
export { RangeDerivation } from './transform/range-derivation.js';
export type { RangeOutcome, RangeSetup, RangeTask, RangeThreads, StartRangeThreads } from './transform/range-threads.js';
export { judgeSchemaChange } from './schema-change.js';
export { supervise, type Retry, type SupervisedLoop, type SuperviseOptions } from './supervise.js';
export { TransformLoop, type TransformLimits, type TransformOptions } from './transform/transform-loop.js';
