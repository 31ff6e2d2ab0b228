import { mappingsAskedFor, type AskedFor } from '@changeover/app-transform';
import type { ControlDatabase, MappingStatus } from '@changeover/control-postgres';

/** The mapping in force and the refused ones as transform has told last, and one that was asked for and is neither; null: none is. */
export type MappingView = MappingStatus & { readonly pending: string | null };

/** Null: transform has told nothing of it. */
export async function mappingView(control: ControlDatabase, migration: string): Promise<MappingView | null> {
  const told = await toldMapping(control, migration);
  if (told === null) return null;
  const last = (await mappingsAskedFor(control.requests, migration)).at(-1);
  const isPending = last !== undefined && last.hash !== told.hash && !isRefused(told, last);
  return { ...told, pending: isPending ? last.hash : null };
}

/** The mappings that were asked for and, as far as transform has told, not refused; in their order. */
export async function notRefused(control: ControlDatabase, migration: string): Promise<readonly AskedFor[]> {
  const told = await toldMapping(control, migration);
  return (await mappingsAskedFor(control.requests, migration)).filter((asked) => told === null || !isRefused(told, asked));
}

async function toldMapping(control: ControlDatabase, migration: string): Promise<MappingStatus | null> {
  const transform = (await control.leases.statuses(migration)).find(({ role }) => role === 'transform');
  return transform?.status?.mapping ?? null;
}

function isRefused({ refused }: MappingStatus, { id }: AskedFor): boolean {
  return refused.some(({ requestId }) => requestId === id);
}
