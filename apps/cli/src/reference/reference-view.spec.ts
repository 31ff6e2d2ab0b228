import { textTable } from '@changeover/testing';

import { differenceOf, ReferenceTable } from './recorded-tables.js';
import { listedOf, refreshedOf, renderListed, renderRefreshed } from './reference-view.js';

const tableOf = (lines: string): ReferenceTable => {
  const table = new ReferenceTable(textTable('target:crm.user', ['id', 'mail']));
  table.put(lines);
  table.isWhole = true;
  return table;
};
const words = (
  [now, before]: readonly [string, string | null],
  { dryRun = false, reached = false, absent = [] as readonly string[] } = {},
): string => {
  const difference = { ...differenceOf(tableOf(now), before === null ? undefined : tableOf(before)), absent };
  const requests = difference.isNew && !dryRun ? ['r'] : [];
  return renderRefreshed({ dryRun, reached, ...refreshedOf({ differences: [difference], requests }, false) });
};

describe('what reference refresh says', () => {
  it('of an empty table that was never recorded, and of one that was', () => {
    expect(words(['', null], { dryRun: true })).toContain('without --dry-run it is recorded');
    expect(words(['', ''], { dryRun: true })).toMatch(/nothing has changed\n$/u);
    expect(words(['', null])).toContain('asked for');
  });

  it('where it has waited', () => {
    expect(words(['1\ta\n', ''], { reached: true })).toContain('recorded, and what comes of it is in the new database');
    expect(words(['1\ta\n', '1\ta\n'], { reached: true })).toMatch(/nothing has changed, and .* is in the new database\n$/u);
  });

  it('of columns that are not there any more', () => {
    expect(words(['1\t\\N\n', '1\ta\n'], { absent: ['mail'] })).toContain('warning: crm.user does not have mail any more');
    expect(words(['1\ta\n', '1\ta\n'])).not.toContain('warning');
  });
});

test('what is listed says when it was asked for last', () => {
  const table = tableOf('1\ta\n');
  table.askedMs = 1_700_000_000_000;
  const listed = listedOf(table);
  expect(listed).toMatchObject({ table: 'crm.user', rows: 1, whole: true, askedMs: 1_700_000_000_000 });
  expect(renderListed([listed])).toMatch(/last asked for *\ncrm\.user +1 +id +id, mail +2023-11-14T22:13:20\.000Z *\n$/u);
});
