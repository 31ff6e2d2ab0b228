import type { ProposedColumn, Proposal } from '@changeover/analysis';

import { renderMapping } from './render-mapping.js';

const column = (change: Partial<ProposedColumn>): ProposedColumn => ({
  target: 'name',
  sources: [{ column: 'name' }],
  value: { how: 'same' },
  because: [],
  open: [],
  required: false,
  ...change,
});

const proposal = (columns: readonly ProposedColumn[], change: Partial<Proposal['rules'][number]> = {}): Proposal => ({
  rules: [
    {
      source: 'public.class',
      target: 'crm.is',
      because: 'the names are alike',
      joins: [],
      where: null,
      columns,
      key: ['id'],
      requires: [],
      unique: [],
      left: [],
      ...change,
    },
  ],
  sourcesLeft: [{ table: 'public.links', joined: true }],
  targetsLeft: ['crm.nothing'],
});

test('names of tables and columns are anything, and the file is what it says', () => {
  const hostile = `a'b\\ "c" */ \n; process.exit()`;
  const text = renderMapping(
    proposal([column({ target: hostile, sources: [{ column: hostile }], because: [hostile], open: [hostile] })], {
      source: hostile,
      left: [hostile],
    }),
  );
  // In quotes, or in a comment of one line.
  for (const line of text.split('\n').filter((one) => one.includes('process.exit')))
    expect(line).toMatch(/^\s*\/\/|'.*process\.exit\(\).*'/u);
  expect(text).toContain(`'a\\'b\\\\ "c" */ \\n; process.exit()'`);
});

test('what is not used is not imported, and nothing is given a name that is taken', () => {
  const text = renderMapping(proposal([column({})]));
  expect(text).toContain("import { defineMapping, mapping } from '@changeover/mapping';");
  expect(text).not.toContain('@changeover/cleaning');
  expect(text).toContain("const classRow = map.from('public.class');");
  expect(text).toContain("const toIs = map.table('crm.is', {");
  expect(renderMapping({ rules: [], sourcesLeft: [], targetsLeft: [] })).toContain("import { defineMapping } from '@changeover/mapping';");
});

test('reasons, and what somebody has to decide', () => {
  const text = renderMapping(
    proposal([column({ because: ['same name'], open: ['which one?'] })], {
      where: { column: 'deleted', values: ['0', null], because: 'rows that were thrown away stay behind' },
    }),
  );
  expect(text).toContain('    // same name\n    // TODO which one?\n    name: classRow(');
  expect(text).toContain("where: is(classRow('deleted'), '0', null),");
  expect(text).toContain('// TODO crm.nothing: nothing was found that becomes it.');
  expect(text).toContain('// public.links: read by joins alone.');
});

test('unique values, with what becomes of who wants the same', () => {
  const text = renderMapping(
    proposal([column({})], {
      unique: [
        { columns: ['na me'], otherwise: 'empty', because: ['the index u', '3 rows want what another has'], open: ['which?'] },
        { columns: ['a', 'b'], otherwise: 'held', because: ['the index v'], open: [] },
      ],
    }),
  );
  expect(text).toContain(
    [
      '  unique: [',
      '    // the index u; 3 rows want what another has',
      '    // TODO which?',
      `    { columns: ['na me'], otherwise: 'empty' },`,
      '    // the index v',
      `    { columns: ['a', 'b'], otherwise: 'held' },`,
      '  ],',
    ].join('\n'),
  );
});

test('joins and parents by several columns', () => {
  const join = { table: 'public.firms', where: [], because: 'at most one', open: [] };
  const text = renderMapping(
    proposal([column({ sources: [{ column: 'no', of: 'second' }] })], {
      joins: [
        {
          ...join,
          as: 'first',
          on: [
            { column: 'tenant', equals: 'tenant' },
            { column: 'no', equals: 'firm no' },
          ],
        },
        {
          ...join,
          as: 'second',
          on: [
            { column: 'tenant', equals: 'tenant', of: 'first' },
            { column: 'no', equals: 'parent', of: 'first' },
          ],
        },
      ],
      requires: [{ parent: 'crm.firm', key: [{ column: 'tenant' }, { column: 'no', of: 'second' }] }],
    }),
  );
  expect(text).toContain(`on: { tenant: classRow('tenant'), no: classRow('firm no') },`);
  expect(text).toContain(`on: { tenant: isFirst('tenant'), no: isFirst('parent') },`);
  expect(text).toContain(`{ parent: 'crm.firm', key: [classRow('tenant'), isSecond('no')] },`);
});

test.each([
  [{ how: 'unchecked' }, "unchecked({ column: 'name' })"],
  [{ how: 'trim', entities: false }, "trim(classRow('name'))"],
  [{ how: 'email' }, "email(classRow('name'))"],
  [{ how: 'phone', country: null }, "phone(classRow('name'), { invalid: 'empty' })"],
  [{ how: 'phone', country: 'DE' }, "phone(classRow('name'), { country: 'DE', invalid: 'empty' })"],
  [{ how: 'date', formats: ['DD.MM.YYYY'] }, "date(classRow('name'), { formats: ['DD.MM.YYYY'], zeroDate: 'null' })"],
  [
    { how: 'timestamp', formats: ['YYYY-MM-DD HH:mm'], zone: true },
    "timestamp(classRow('name'), { formats: ['YYYY-MM-DD HH:mm'], zone: 'UTC', zeroDate: 'null' })",
  ],
  [{ how: 'boolean' }, "boolean(classRow('name'))"],
  [
    { how: 'enumeration', values: { 'a b': 'x', "it's": null }, spelled: true },
    "enumeration(classRow('name'), { 'a b': 'x', 'it\\'s': null }, { ignoreCase: true, ignoreSpace: true })",
  ],
  [{ how: 'null' }, 'constant(null)'],
] as const)('%j', (value, expression) => {
  expect(renderMapping(proposal([column({ value })]))).toContain(`    name: ${expression},`);
});
