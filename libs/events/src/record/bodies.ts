import { ChangeoverError, type Position } from '@changeover/core';

import type { TableSchema } from '../frame/table-schema.js';
import type { RecordKind, RecordRef } from './header.js';

export type TakenRequests = { readonly through: number; readonly beyond: readonly number[] };

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
};

/** Body of `schema`: the table's form from here on, and where the form before it is. */
export type SchemaBody = {
  readonly table: TableSchema;
  readonly previous: RecordRef | null;
  /** The table held no row when it had this form: no row can have changed with it that does not go by its own delete. */
  readonly empty?: true;
};

/** Body of `mapping-activated`. */
export type MappingActivatedBody = { readonly requestId: string; readonly hash: string; readonly mapping: unknown };

/** Body of `barrier`: a named place in the stream, behind everything that was committed when it was asked for. */
export type BarrierBody = { readonly requestId: string; readonly token: string };

/** What the JSON bodies hold, by kind. */
export type JsonBodies = {
  readonly progress: ProgressBody;
  readonly schema: SchemaBody;
  readonly 'mapping-activated': MappingActivatedBody;
  readonly barrier: BarrierBody;
};

export function encodeJsonBody<K extends keyof JsonBodies>(_kind: K, body: JsonBodies[K]): readonly [Buffer] {
  return [Buffer.from(JSON.stringify(body), 'utf8')];
}

/** The checksum has vouched for the bytes; the kind says which shape they have. LOG_CORRUPT where the kind is another. */
export function decodeJsonBody<K extends keyof JsonBodies>(
  kind: K,
  entry: { readonly header: { readonly kind: RecordKind }; readonly body: Buffer },
): JsonBodies[K] {
  if (entry.header.kind !== kind) throw new ChangeoverError('LOG_CORRUPT', `expected a ${kind} record, found ${entry.header.kind}`);
  return JSON.parse(entry.body.toString('utf8')) as JsonBodies[K];
}
