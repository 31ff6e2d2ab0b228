import { EntitySchema } from 'typeorm';

import { CONTROL_SCHEMA } from './control-schema.js';

/** The processes of a migration that must not run twice. */
export type Role = 'capture' | 'transform' | 'load';

/** One role of one migration: who has it, and how it says it is doing. */
export type LeaseRow = {
  readonly migration: string;
  readonly role: Role;
  /** The process, as a UUID of its own. */
  readonly owner: string;
  readonly acquiredAt: Date;
  readonly renewedAt: Date;
  /** Set by a process that stopped in order; null while it has the lease. */
  readonly releasedAt: Date | null;
  readonly status: unknown;
};

export type RequestKind = 'activate-mapping' | 'correct' | 'reference' | 'barrier';

/** What an operator asked for. Never changed, never deleted. */
export type RequestRow = {
  readonly migration: string;
  /** Dense within the migration, from 1, visible in ascending order. */
  readonly ordinal: number;
  readonly id: string;
  readonly kind: RequestKind;
  readonly payload: unknown;
  readonly submittedAt: Date;
};

// eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- TypeORM's options are a class in name only
export const LEASE = new EntitySchema<LeaseRow>({
  name: 'Lease',
  tableName: 'lease',
  schema: CONTROL_SCHEMA,
  columns: {
    migration: { type: 'text', primary: true, primaryKeyConstraintName: 'lease_pkey' },
    role: { type: 'text', primary: true, primaryKeyConstraintName: 'lease_pkey' },
    owner: { type: 'uuid' },
    acquiredAt: { name: 'acquired_at', type: 'timestamptz' },
    renewedAt: { name: 'renewed_at', type: 'timestamptz' },
    releasedAt: { name: 'released_at', type: 'timestamptz', nullable: true },
    status: { type: 'jsonb', nullable: true },
  },
});

// eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- TypeORM's options are a class in name only
export const REQUEST = new EntitySchema<RequestRow>({
  name: 'Request',
  tableName: 'request',
  schema: CONTROL_SCHEMA,
  columns: {
    migration: { type: 'text', primary: true, primaryKeyConstraintName: 'request_pkey' },
    ordinal: {
      type: 'bigint',
      primary: true,
      primaryKeyConstraintName: 'request_pkey',
      // pg gives bigint as text; ordinals stay far below 2^53.
      transformer: { from: Number, to: (value: unknown) => value },
    },
    id: { type: 'uuid' },
    kind: { type: 'text' },
    payload: { type: 'jsonb' },
    submittedAt: { name: 'submitted_at', type: 'timestamptz', default: () => 'clock_timestamp()' },
  },
  uniques: [{ name: 'request_id', columns: ['migration', 'id'] }],
});
