import type { Difference } from '../../compare-sides.js';
import type { Proof } from '../proof/prove.js';

export const DAMAGES = [
  'column',
  'missing row',
  'extra row',
  'swapped pair',
  'empty instead of null',
  'reason of a held row',
  'missing held row',
  'extra held row',
] as const;

export type DamageKind = (typeof DAMAGES)[number];

/** What was done, as the proof must tell it. */
export type Damage = { readonly kind: DamageKind; readonly differences: readonly ({ readonly table: string } & Difference)[] };

/** Did the proof find the damage, the whole damage and nothing but the damage? */
export function isExactly(proof: Proof, damage: Damage): boolean {
  const count = proof.tables.reduce((sum, { missing, extra, different }) => sum + missing + extra + different, 0);
  const found = proof.tables.flatMap(({ table, examples }) => examples.map((example) => ({ table, ...example })));
  return count === damage.differences.length && said(found) === said(damage.differences);
}

function said(differences: Damage['differences']): string {
  return JSON.stringify(differences.map(({ table, kind, key, columns }) => [table, kind, key, [...columns].sort()].join('|')).sort());
}

/** A table, and what can be done to it. */
export type Victim = {
  readonly table: string;
  readonly key: readonly string[];
  /** Column, and SQL for a value that differs from the present one. */
  readonly columns: readonly (readonly [column: string, expression: string])[];
  /** Columns that an extra row, a copy of another, must have otherwise. */
  readonly renewed: Readonly<Record<string, string>>;
  /** Columns whose values two rows can exchange. */
  readonly swapped: readonly string[];
  /** Of the texts that may be null. */
  readonly nullable: readonly string[];
};

const NEXT = '(SELECT max(id) + 1 FROM other)';
const ANY = 'gen_random_uuid()';
const text = (column: string): readonly [string, string] => [column, `${column} || '.'`];
const flag = (column: string): readonly [string, string] => [column, `NOT ${column}`];
const moved = (column: string): readonly [string, string] => [column, `${column} + interval '1 microsecond'`];

export const VICTIMS: readonly Victim[] = [
  {
    table: 'crm.app_user',
    key: ['id'],
    columns: [text('name'), flag('active')],
    renewed: { id: NEXT },
    swapped: ['login'],
    nullable: [],
  },
  {
    table: 'crm.account',
    key: ['id'],
    columns: [text('name'), flag('may_call'), moved('created_at'), ['phone', "CASE WHEN phone IS NULL THEN '+493023125000' END"]],
    renewed: { id: NEXT, customer_number: 'NULL' },
    swapped: ['name', 'customer_number', 'created_at'],
    nullable: [],
  },
  {
    table: 'crm.contact',
    key: ['id'],
    columns: [
      text('last_name'),
      ['email', "CASE WHEN email IS NULL THEN 'nobody@example.com' END"],
      ['born_on', "coalesce(born_on + 1, '2001-01-01')"],
    ],
    renewed: { id: ANY, email: 'NULL' },
    swapped: ['email', 'account_id'],
    nullable: ['title'],
  },
  {
    table: 'crm.lead',
    key: ['id'],
    columns: [text('name'), ['status', "CASE status WHEN 'lost' THEN 'new' ELSE 'lost' END::crm.lead_status"]],
    renewed: { id: ANY },
    swapped: ['created_at'],
    nullable: [],
  },
  {
    table: 'crm.deal',
    key: ['id'],
    columns: [['amount', 'amount + 0.01'], moved('created_at'), ['owner_id', 'CASE WHEN owner_id IS NULL THEN 1 END']],
    renewed: { id: ANY },
    swapped: ['amount', 'account_id'],
    nullable: [],
  },
  {
    table: 'crm.deal_contact',
    key: ['deal_id', 'contact_id'],
    columns: [['role', "CASE WHEN role IS NULL THEN 'user'::crm.deal_role END"]],
    renewed: { contact_id: ANY },
    swapped: [],
    nullable: [],
  },
  {
    table: 'crm.activity',
    key: ['id'],
    columns: [flag('finished'), ['due_at', "coalesce(due_at + interval '1 second', '2001-01-01')"]],
    renewed: { id: NEXT },
    swapped: ['contact_id'],
    nullable: ['subject'],
  },
  { table: 'crm.note', key: ['id'], columns: [text('body'), flag('pinned')], renewed: { id: NEXT }, swapped: ['body'], nullable: [] },
];

export const HELD: Victim = {
  table: 'changeover.held',
  key: ['target', 'source_key'],
  columns: [text('reason')],
  renewed: { source_key: "source_key || '.'" },
  swapped: [],
  nullable: [],
};
