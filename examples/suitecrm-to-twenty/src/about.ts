import type { DrivingRow, ReadColumn, Value } from '@changeover/mapping';

import { live } from './crm.js';
import type { Source } from './types.js';

type Found<Table extends keyof Source, Row> = ReadColumn<
  { readonly [Column in keyof Source[Table]['row']]: Source[Table]['row'][Column] | null },
  Row
>;

/**
 * What a row is about. SuiteCRM says it by a type and an id (`parent_type`, `parent_id`); no two records have one id, so it is enough to look where the
 * id is found.
 */
export function about<Name extends keyof Source>(
  row: DrivingRow<Source, Name>,
  id: Value<string | null, Name>,
): {
  readonly account: Found<'public.accounts', Name>;
  readonly opportunity: Found<'public.opportunities', Name>;
  readonly contact: Found<'public.contacts', Name>;
} {
  return {
    account: row.join('account', 'public.accounts', { on: { id }, where: live }),
    opportunity: row.join('opportunity', 'public.opportunities', { on: { id }, where: live }),
    contact: row.join('contact', 'public.contacts', { on: { id }, where: live }),
  };
}
