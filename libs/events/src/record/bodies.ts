import { ChangeoverError, type Position } from '@changeover/core';

import type { TableSchema } from '../frame/table-schema.js';
import type { RecordKind, RecordRef } from './header.js';

export type TakenRequests = { readonly through: number; readonly beyond: readonly number[] };

/**
 * How far the copy of a table is. Whoever reads the log finds its rows in the `snapshot-chunk` records; when it has ended, what none of the
 * records behind `since` has touched is gone at the source.
 */
export type CopyProgress = {
  /** Sequence of a record before which nothing of this copy stands. It grows when the copy is begun anew, and until its first chunk. */
  readonly since: number;
  /** Key of the last row read, as COPY text of the key columns; null: none yet. */
  readonly after: string | null;
  /** Keys of rows that moved without all their values being told: to be read as well. */
  readonly again: readonly string[];
  /** All rows were read but those of `again`. */
  readonly ended?: true;
  /** The table is captured no longer: no more of it is copied, and what was not touched is not gone. */
  readonly left?: true;
  readonly rows: number;
  readonly bytes: number;
  /** What the source believed that there is; null where it had no idea. */
  readonly estimate: { readonly rows: number; readonly bytes: number } | null;
};

/**
 * Body of `progress`: all that capture needs to go on, so that there is no second bookkeeping.
 */
export type ProgressBody = {
  /**
   * `preparing`: a slot is about to be made, nothing was captured yet, so one that is found may be replaced.
   * `streaming`: everything up to the record's position is in the log.
   */
  readonly phase: 'preparing' | 'streaming';
  readonly position: Position;
  readonly systemId: string;
  readonly timeline: number;
  /** By `schema.table`, each form that was told, the last one last: hash and where its schema record is. */
  readonly schemas: Readonly<Record<string, readonly ({ readonly hash: string } & RecordRef)[]>>;
  /** Operator requests that are in the log: all up to the ordinal `through`, and those in `beyond`. */
  readonly requests: TakenRequests;
  /** Hash of the active mapping; null: none was activated yet, and no transaction captured. */
  readonly mapping: string | null;
  /** `HeldSource.watched`; left out before the first hold. */
  readonly watched?: string;
  /**
   * By `schema.table`, the tables whose copy is not finished. A table is in here before the log is told its form, and until the record that follows
   * its last chunk.
   */
  readonly copies?: Readonly<Record<string, CopyProgress>>;
  /**
   * Transactions in the log that a reader of the source may not see yet, see `HeldSource.unseen`; so may those of the records that follow. Left out where
   * there are none.
   */
  readonly unseen?: readonly string[];
};

/**
 * Body of a `progress` that says nothing new but the position; the rest is as in the record `same`. With many tables it is long, and it comes
 * every second.
 */
export type SameProgress = { readonly position: Position; readonly same: RecordRef };

/** Body of `schema`: the table's form from here on, and where the form before it is. */
export type SchemaBody = {
  readonly table: TableSchema;
  readonly previous: RecordRef | null;
  /** The table held no row when it had this form: no row can have changed with it that does not go by its own delete. */
  readonly empty?: true;
  /** Rows may have changed with it without row events: a copy of the table follows, which `progress` named before. */
  readonly copy?: true;
};

/** Body of `mapping-activated`. */
export type MappingActivatedBody = { readonly requestId: string; readonly hash: string; readonly mapping: unknown };

/**
 * What an operator decides about one row of the source.
 *
 * `correct`: where its column holds `from`, `to` is read. `key`: as the list of held rows has it, without a rule's name.
 *
 * `accept`: what it makes of the table `target` may be as the validation rule `rule` would not have it, while the values that this looks at are `from`: a line of COPY text, its own column's
 * first. `key`: as the list of held rows has it; `column`: of the target, which the rule is about.
 *
 * `withdraw` names either by its id, and where it stands; one that has been replaced since is left.
 */
export type Decision = { readonly table: string; readonly key: string; readonly column: string } & (
  | { readonly what: 'correct'; readonly from: string | null; readonly to: string | null; readonly why: string | null }
  | { readonly what: 'accept'; readonly target: string; readonly rule: string; readonly from: string; readonly why: string | null }
  | { readonly what: 'withdraw'; readonly id: string; readonly from: string | null; readonly target?: string; readonly rule?: string }
);

/** Body of `correction`. The id of a correction, or of what is accepted, is that of the request and its place among the decisions, from 1: `<requestId>.<n>`. */
export type CorrectionBody = { readonly requestId: string; readonly decisions: readonly Decision[] };

/**
 * What is recorded of a table of the target for mappings to look up. `table`: its form, under the name that joins call it by. `put` and `gone` are COPY text of that form: rows as they are now, and
 * those that are gone, of which only the key is told. `more`: other requests follow before the table is whole.
 */
export type ReferenceRows = { readonly table: TableSchema; readonly put: string; readonly gone: string; readonly more: boolean };

/** Body of `barrier`: a named place in the stream, behind everything that was committed when it was asked for. */
export type BarrierBody = { readonly requestId: string; readonly token: string };

/** What the JSON bodies hold, by kind. */
export type JsonBodies = {
  readonly progress: ProgressBody | SameProgress;
  readonly schema: SchemaBody;
  readonly 'mapping-activated': MappingActivatedBody;
  readonly correction: CorrectionBody;
  readonly barrier: BarrierBody;
};

type BodyOf = { readonly header: { readonly kind: RecordKind }; readonly body: Buffer };

export function encodeJsonBody<K extends keyof JsonBodies>(_kind: K, body: JsonBodies[K]): readonly [Buffer] {
  return [Buffer.from(JSON.stringify(body), 'utf8')];
}

/** The checksum has vouched for the bytes; the kind says which shape they have. LOG_CORRUPT where the kind is another. */
export function decodeJsonBody<K extends keyof JsonBodies>(kind: K, entry: BodyOf): JsonBodies[K] {
  if (entry.header.kind !== kind) throw new ChangeoverError('LOG_CORRUPT', `expected a ${kind} record, found ${entry.header.kind}`);
  return JSON.parse(entry.body.toString('utf8')) as JsonBodies[K];
}

/** The whole of a `progress`; `fetch` gives the record that it may refer to. */
export async function wholeProgress(entry: BodyOf, fetch: (ref: RecordRef) => Promise<BodyOf>): Promise<ProgressBody> {
  const body = decodeJsonBody('progress', entry);
  if (!('same' in body)) return body;
  const whole = decodeJsonBody('progress', await fetch(body.same));
  if ('same' in whole) throw new ChangeoverError('LOG_CORRUPT', 'a progress record refers to one that is not whole');
  return { ...whole, position: body.position };
}
