export { analyze, type AddedTable, type Analysis, type AnalysisOptions, type PersonalColumn, type Repeated } from './analysis.js';
export {
  BLANKS,
  ColumnProfiler,
  LEGAL_FORMS,
  type ColumnCondition,
  type ColumnCounts,
  type ColumnPlace,
  type ColumnsPlace,
  type NormalColumn,
  type NormalForm,
  type Orphans,
  type Repeats,
  type ValueCount,
} from './column-profiler.port.js';
export { share } from './compare/convert-into.js';
export { estimate, type Estimate } from './estimate.js';
export { findingsOf, type Finding } from './findings.js';
export type { ColumnProfile } from './profile/column-profile.js';
export type {
  ProposedColumn,
  ProposedJoin,
  ProposedRule,
  ProposedSource,
  ProposedUnique,
  ProposedValue,
  Proposal,
} from './proposal/proposal.js';
export type { Reference } from './references/find-references.js';
export type { Score, ScorePart } from './score.js';
export type { TableProfile } from './table-profile.js';
