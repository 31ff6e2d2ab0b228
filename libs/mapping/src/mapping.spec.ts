import { parseMapping } from './mapping.js';

const FORM = 'must be of the form schema.table; the first dot separates the two';

test.each([
  [{ tables: { k: {} } }, `tables.k: ${FORM}`],
  [{ tables: { 'public.': {} } }, `tables.public.: ${FORM}`],
  [{ tables: { 'public.k': { to: 'k' } } }, `tables.public.k.to: ${FORM}`],
  [{ tables: { 'public.k': { columns: { '': 'x' } } } }, 'tables.public.k.columns.: Too small: expected string to have >=1 characters'],
  [{ tables: { 'public.k': { too: 'x' } } }, 'tables.public.k: Unrecognized key: "too"'],
])('%j: the message names the place, and what belongs there', (input, problem) => {
  expect(() => parseMapping(input)).toThrow(
    expect.objectContaining({ code: 'MAPPING_INVALID', message: `the mapping has 1 problem(s): ${problem}` }),
  );
});

test('a table may have dots in its name', () => {
  expect(parseMapping({ tables: { 'public.o.d': { to: 'crm.order.detail' } } })).toEqual({
    tables: { 'public.o.d': { to: 'crm.order.detail' } },
  });
});
