import { CONVERTERS } from '@changeover/cleaning';
import { parseMapping } from '@changeover/mapping';
import { textTable } from '@changeover/testing';

import { unrecordedFindings } from './reference-findings.js';

const looking = (table: string) => ({
  source: 'old.account',
  target: 'crm.account',
  joins: [{ as: 'owner', table, on: { mail: { column: 'owner' } } }],
  columns: { id: { column: 'id' }, owner_id: { column: 'id', of: 'owner' } },
  key: ['id'],
});
const MAPPING = parseMapping({ rules: [looking('target:crm.member')] }, CONVERTERS);
const recorded = (columns: readonly string[], isWhole = true) =>
  new Map([['target:crm.member', { form: textTable('target:crm.member', columns), isWhole }]]);

test('what is looked up and not recorded, or not all of it, is a warning with what to run', () => {
  for (const known of [new Map(), recorded(['id']), recorded(['id', 'mail'], false)])
    expect(unrecordedFindings(MAPPING, known)).toEqual([
      {
        ...{ part: 'mapping', severity: 'warning', check: 'reference', fix: ['changeover reference refresh'] },
        message: expect.stringMatching(/looks up rows of crm\.member, which are not recorded yet/u) as string,
      },
    ]);
  expect(unrecordedFindings(MAPPING, recorded(['id', 'mail', 'name']))).toEqual([]);
});

test('a mapping that looks nothing up needs nothing recorded', () => {
  expect(unrecordedFindings(parseMapping({ rules: [looking('old.member')] }, CONVERTERS), new Map())).toEqual([]);
});
