/** A table of the old CRM beside the table of the new one that must hold the same rows. */
export type TablePair = {
  readonly legacy: readonly [schema: string, table: string];
  readonly modern: readonly [schema: string, table: string];
  /** Key columns, which are also in `columns`. */
  readonly key: readonly ColumnPair[];
  readonly columns: readonly ColumnPair[];
};

export type ColumnPair = readonly [legacy: string, modern: string];

const same = (...names: readonly string[]): ColumnPair[] => names.map((name) => [name, name]);

/**
 * Written by hand and on purpose a second time: the comparison must not believe the mapping it checks.
 * It is held against both catalogues before each comparison, so a table or column left out here is an error.
 */
export const TABLE_PAIRS: readonly TablePair[] = [
  {
    legacy: ['public', 'users'],
    modern: ['public', 'users'],
    key: same('id'),
    columns: same('id', 'login', 'full_name', 'email', 'active', 'preferences', 'last_login_at'),
  },
  {
    legacy: ['public', 'accounts'],
    modern: ['crm', 'account'],
    key: same('id'),
    columns: [
      ...same('id'),
      ['parent_id', 'parent_account_id'],
      ...same('owner_id'),
      ['primary_contact_id', 'primary_person_id'],
      ['name', 'title'],
      ['external_code', 'customer_number'],
      ...same('annual_revenue', 'billing_address', 'created_at', 'updated_at'),
    ],
  },
  {
    legacy: ['public', 'contacts'],
    modern: ['crm', 'person'],
    key: same('id'),
    columns: [
      ...same('id', 'account_id'),
      ['first_name', 'given_name'],
      ['last_name', 'family_name'],
      ...same('email', 'phone', 'birth_date', 'custom_fields', 'created_at', 'updated_at'),
    ],
  },
  {
    legacy: ['public', 'leads'],
    modern: ['public', 'leads'],
    key: same('code'),
    columns: same('code', 'owner_id', 'company', 'email', 'status', 'score', 'created_at'),
  },
  {
    legacy: ['public', 'opportunities'],
    modern: ['sales', 'deal'],
    key: same('id'),
    columns: [...same('id', 'account_id', 'lead_code'), ['name', 'title'], ...same('stage', 'amount', 'probability', 'close_date', 'tags')],
  },
  {
    legacy: ['public', 'activities'],
    modern: ['public', 'activities'],
    key: same('id'),
    columns: same('id', 'contact_id', 'opportunity_id', 'user_id', 'kind', 'subject', 'due_at', 'duration', 'done'),
  },
  {
    legacy: ['public', 'notes'],
    modern: ['public', 'notes'],
    key: same('id'),
    columns: same('id', 'account_id', 'author_id', 'pinned', 'body', 'attachment'),
  },
  {
    legacy: ['public', 'opportunity_contacts'],
    modern: ['public', 'opportunity_contacts'],
    key: same('opportunity_id', 'contact_id'),
    columns: same('opportunity_id', 'contact_id', 'role'),
  },
  {
    legacy: ['public', 'probes'],
    modern: ['public', 'probes'],
    key: same('id'),
    columns: same('id', 'sent_by'),
  },
];
