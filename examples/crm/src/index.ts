export { compareCrms, type Comparison, type Difference, type TableComparison } from './compare.js';
export { LagProbe, summarise, type LagProbeOptions, type LagSummary } from './lag-probe.js';
export { createLegacySchema } from './legacy-schema.js';
export { createModernSchema } from './modern-schema.js';
export { Random } from './random.js';
export { DAMAGES, sabotage, type Damage } from './sabotage.js';
export { CHANGE_KINDS, type ChangeKind } from './traffic/change-kinds.js';
export { type JournalSummary } from './traffic/journal.js';
export { Traffic, type TrafficOptions } from './traffic/traffic.js';
