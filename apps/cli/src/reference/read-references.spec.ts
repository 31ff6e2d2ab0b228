import type { DescribedColumn, DescribedTable } from '@changeover/events';

import { formOf } from './read-references.js';

const column = (name: string): DescribedColumn => {
  const of = { notNull: false, fills: false, identity: null, generated: false, default: null, comment: null };
  return { name, type: 'text', base: 'text', labels: null, ...of };
};
const described = (columns: readonly string[], key: readonly string[] = ['id']): DescribedTable => {
  return { schema: 'crm', table: 'user', columns: columns.map(column), key, uniques: [], foreignKeys: [], comment: null };
};
const formNow = (used: readonly string[], table: DescribedTable, recorded?: ReturnType<typeof formOf>): ReturnType<typeof formOf> =>
  formOf('target:crm.user', { used: new Set(used), described: [table], recorded: recorded?.form });
const names = ({ form }: ReturnType<typeof formOf>): readonly string[] => form.columns.map(({ name }) => name);

const FIRST = formNow(['mail', 'team'], described(['id', 'mail', 'team', 'name']));

describe('what is recorded of a table', () => {
  it('is its key and what the mapping reads, and what was recorded before', () => {
    expect(names(FIRST)).toEqual(['id', 'mail', 'team']);
    expect(names(formNow(['name'], described(['id', 'mail', 'team', 'name']), FIRST))).toEqual(['id', 'mail', 'name', 'team']);
  });

  it('stays so where the target has a column no more, and is the same when that comes back', () => {
    const without = formNow(['mail'], described(['id', 'mail', 'name']), FIRST);
    expect(without).toEqual({ form: FIRST.form, absent: ['team'] });
    expect(formNow(['mail'], described(['id', 'mail', 'team']), without)).toEqual({ form: FIRST.form, absent: [] });
    const asked = (): unknown => formNow(['team'], described(['id', 'mail']), FIRST);
    expect(asked).toThrow(
      expect.objectContaining({ code: 'MAPPING_INVALID', message: expect.stringContaining('team') as string }) as Error,
    );
  });

  it.each([[['id', 'mail']], [['mail']], [[]]])('is refused where rows have another key by now: %j', (key) => {
    const asked = (): unknown => formNow(['mail'], described(['id', 'mail', 'team'], key), FIRST);
    expect(asked).toThrow(expect.objectContaining({ code: 'MAPPING_INVALID' }) as Error);
  });

  it('has a key whatever the order of its columns', () => {
    const both = formNow(['team'], described(['id', 'mail', 'team'], ['mail', 'id']));
    expect(formNow(['team'], described(['id', 'mail', 'team'], ['id', 'mail']), both).form).toEqual(both.form);
  });
});
