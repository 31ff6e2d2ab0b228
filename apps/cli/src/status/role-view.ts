import type { LeaseView, Role, RoleStatus } from '@changeover/control-postgres';

import { inColumns } from './columns.js';

/** One role as `status` and `up` show it. */
export type RoleView = {
  readonly role: Role;
  /** `live`: renewed its lease lately; `stopped`: ended in order; `silent`: neither; `never`: did not run yet. */
  readonly health: LeaseView['health'] | 'never';
  readonly status: RoleStatus | null;
};

const ROLES: readonly Role[] = ['capture', 'transform', 'load'];

/** All three roles, in the order of the data path, those that never ran too. */
export function roleViews(leases: readonly LeaseView[]): readonly RoleView[] {
  return ROLES.map((role) => leases.find((lease) => lease.role === role) ?? { role, health: 'never', status: null });
}

/** A line per role, in columns. */
export function renderRoles(views: readonly RoleView[]): readonly string[] {
  return inColumns(views.map(cells));
}

/** All roles in one line. */
export function renderLine(views: readonly RoleView[]): string {
  return views
    .map((view) =>
      cells(view)
        .filter((cell) => cell !== '')
        .join(' '),
    )
    .join(' | ');
}

function cells({ role, health, status }: RoleView): readonly string[] {
  if (status === null) return [role, 'never ran', '', '', '', '', ''];
  const { position, seq, rowsPerSecond, lagMs, lagRecords, lastError, details } = status;
  const alive = health === 'live';
  const extra = Object.entries(details).map(([name, value]) => `${name} ${typeof value === 'number' ? count(value) : value}`);
  return [
    role,
    alive ? status.state : health,
    position === '' ? '-' : position,
    `${role === 'load' ? 'writes' : 'changes'} ${count(seq)}`,
    alive ? `${count(rowsPerSecond)} rows/s` : '',
    alive ? lagWords(lagMs, lagRecords) : '',
    [...extra, ...(lastError === null ? [] : [`last error ${lastError}`])].join(', '),
  ];
}

function lagWords(ms: number | null, records: number | null): string {
  if (ms === null) return 'lag unknown';
  const behind = records === null || records === 0 ? '' : ` (${count(records)} ${records === 1 ? 'record' : 'records'})`;
  return `lag ${ms < 1_000 ? `${String(Math.round(ms))} ms` : `${(ms / 1_000).toFixed(1)} s`}${behind}`;
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}
