import { mappingsAskedFor, type AskedFor } from '@changeover/app-transform';
import type { ControlDatabase, LeaseView, MappingStatus } from '@changeover/control-postgres';

/** The mapping in force and the refused ones as transform has told last, and one that was asked for and is neither; null: none is. */
export type MappingView = MappingStatus & { readonly pending: string | null };

/** `leases`: of all roles. Null: transform has told nothing of it. */
export async function mappingView(
  { requests }: Pick<ControlDatabase, 'requests'>,
  migration: string,
  leases: readonly LeaseView[],
): Promise<MappingView | null> {
  const told = toldBy(leases);
  if (told === null) return null;
  const last = (await mappingsAskedFor(requests, migration)).at(-1);
  const isPending = last !== undefined && last.hash !== told.hash && !isRefused(told, last);
  return { ...told, pending: isPending ? last.hash : null };
}

/** The mappings that were asked for and, as far as transform has told, not refused; in their order. */
export async function notRefused(control: ControlDatabase, migration: string): Promise<readonly AskedFor[]> {
  const told = toldBy(await control.leases.statuses(migration));
  return (await mappingsAskedFor(control.requests, migration)).filter((asked) => told === null || !isRefused(told, asked));
}

function toldBy(leases: readonly LeaseView[]): MappingStatus | null {
  return leases.find(({ role }) => role === 'transform')?.status?.mapping ?? null;
}

function isRefused({ refused }: MappingStatus, { id }: AskedFor): boolean {
  return refused.some(({ requestId }) => requestId === id);
}
