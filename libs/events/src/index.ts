export {
  countLines,
  CopyTextWriter,
  fieldText,
  formatRows,
  isNull,
  isUnchanged,
  parseRows,
  scanLine,
  UNCHANGED,
  unescapeInto,
} from './frame/copy-text.js';
export { encodeFrameHeader, FrameReader } from './frame/frame-codec.js';
export { FRAME_HEADER_BYTES, type Before, type Frame, type Operation } from './frame/frame.js';
export { ALLOCATED_COLUMNS, ALLOCATED_TABLE, type AllocatedColumn } from './frame/allocated-table.js';
export { CORRECTION_COLUMNS, CORRECTION_TABLE, type CorrectionColumn } from './frame/correction-table.js';
export { OWN_TABLES } from './frame/own-tables.js';
export { REFERENCE_COLUMNS, REFERENCE_TABLE, type ReferenceColumn } from './frame/reference-table.js';
export { HELD_COLUMNS, HELD_NOW_COLUMNS, HELD_NOW_TABLE, HELD_TABLE, type HeldColumn } from './frame/held-table.js';
export { isPartial, joinLines, keyText, lineOf, mergeLines, type Line } from './frame/line.js';
export { ROW_TEXT_SETTINGS } from './frame/row-text-settings.js';
export { tableName, tableSchemaHash, textColumn, type ColumnSchema, type ForeignKey, type TableSchema } from './frame/table-schema.js';
export {
  EventLog,
  readPositionOf,
  type LogEntry,
  type LogItem,
  type LogTail,
  type LogWriter,
  type ReadPosition,
  type RecordPart,
} from './log/event-log.port.js';
export { MessageStore, type Retention, type StoredMessage, type StreamName } from './log/message-store.port.js';
export { CountedRecords } from './log/counted-records.js';
export { SequencedLog } from './log/sequenced-log.js';
export { MAX_BODY_BYTES } from './log/sequenced-writer.js';
export {
  ChangeSource,
  type ChunkRequest,
  type HeldSource,
  type PreflightFinding,
  type SourceEvent,
  type SourceIdentity,
  type TableSize,
} from './ports/change-source.port.js';
export {
  HeldRowList,
  SETTLE_MS,
  type HeldFilter,
  type HeldGroup,
  type HeldPage,
  type HeldPlace,
  type HeldRow,
  type HeldState,
  type HeldTotals,
  type ListedRow,
  type RowText,
} from './ports/held-row-list.port.js';
export { RefusedRetries, type RefusedFilter, type RetriedRows } from './ports/refused-retries.port.js';
export {
  MAX_STATE_KEY_BYTES,
  PENDING_CHANGE_BYTES,
  StateDraft,
  StateStore,
  StateView,
  type StateChanges,
  type StateEntry,
  type StateLook,
} from './ports/state-store.port.js';
export { ColumnTypes, type ColumnRefusals } from './ports/column-types.port.js';
export {
  TableCatalogue,
  type DescribedColumn,
  type DescribedForeignKey,
  type DescribedTable,
  type DescribedUnique,
} from './ports/table-catalogue.port.js';
export {
  Checkpoints,
  type BarrierPlace,
  type Checkpoint,
  type ListedCheckpoint,
  type RowsDigest,
  type TableDigest,
  type Whereabouts,
} from './ports/checkpoints.port.js';
export { TargetMoves, type ChangedRow, type MoveOptions, type MoveReport, type TargetMove } from './ports/target-moves.port.js';
export { RebuiltTables, type FoundRebuild, type SwapReport, type TableName } from './ports/rebuilt-tables.port.js';
export { SampleTables, type RefusedLine } from './ports/sample-tables.port.js';
export { SourceSnapshots, type SourceSnapshot } from './ports/source-snapshots.port.js';
export {
  HOLD_MS,
  TargetReader,
  type LoadHold,
  type NumbersTold,
  type RefusedVersion,
  type RepairOutcome,
  type RowRepair,
  type TargetSnapshot,
  type Verified,
} from './ports/target-reader.port.js';
export { TargetRows, type WantedColumns } from './ports/target-rows.port.js';
export {
  TargetWriter,
  type ApplyReport,
  type BarrierReached,
  type Held,
  type LoadBatch,
  type LoadProgress,
  type SchemaLookup,
  type Stopping,
  type TargetSession,
  type RefusalLimit,
  type WriteTransaction,
} from './ports/target-writer.port.js';
export {
  decodeJsonBody,
  encodeJsonBody,
  wholeProgress,
  type BarrierBody,
  type CopyProgress,
  type CorrectionBody,
  type Decision,
  type JsonBodies,
  type MappingActivatedBody,
  type ProgressBody,
  type ReferenceRows,
  type SameProgress,
  type SchemaBody,
  type TakenRequests,
} from './record/bodies.js';
export { decodeMessage, encodeMessage, MESSAGE_VERSION, type DecodedMessage } from './record/message-codec.js';
export {
  type AnyHeader,
  type FenceHeader,
  type ActivationRefusal,
  type LastPartFacts,
  type RecordHeader,
  type RecordKind,
  type RecordRef,
} from './record/header.js';
export { auditLog, type AuditProgress, type LogReport, type LogStream } from './audit/audit-log.js';
export { type FindingCode, type LogCheck, type LogFinding } from './audit/finding.js';
export { listRecords, type ListedRecord } from './audit/list-records.js';
export { type RowChange, type RowValues } from './audit/row-changes.js';
export { type StreamFacts } from './audit/stream-summary.js';
