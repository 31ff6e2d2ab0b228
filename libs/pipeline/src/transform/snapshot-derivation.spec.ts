import { formatRows, parseRows } from '@changeover/events';
import { parseMapping } from '@changeover/mapping';
import { InMemoryStateStore, textTable } from '@changeover/testing';

import { SnapshotDerivation } from './snapshot-derivation.js';

const PERSON = textTable('crm.person', ['id', 'name']);
const TAG = textTable('crm.tag', ['id', 'person']);
const MAPPING = parseMapping({
  rules: [
    {
      source: 'crm.person',
      target: 'app.person',
      joins: [
        {
          as: 'tags',
          table: 'crm.tag',
          on: { person: { column: 'id' } },
          all: { columns: { ids: { text: { column: 'id' }, separator: ',' } }, atMost: 1 },
        },
      ],
      columns: {
        id: { allocated: 'person', start: 10, step: 1, input: { column: 'id' } },
        name: { column: 'name' },
        tags: { column: 'ids', of: 'tags' },
      },
      key: ['id'],
    },
  ],
});

test('a row that is held before it is derived to its end has no number, whatever its text is numbered for here', async () => {
  const derivation = new SnapshotDerivation({
    migration: 'm',
    mapping: MAPPING,
    converters: {},
    tables: [PERSON, TAG],
    state: new InMemoryStateStore(),
    maxStateBytes: 1e9,
  });
  await derivation.fill(
    PERSON,
    formatRows([
      ['a', 'Ann'],
      ['b', 'Bob'],
    ]),
  );
  await derivation.fill(
    TAG,
    formatRows([
      ['1', 'a'],
      ['2', 'b'],
      ['3', 'b'],
    ]),
  );
  // A stream to which the second row came later, with more rows than may be joined.
  const told = formatRows([['m', 'person', '10', 'a']]);
  await derivation.number(formatRows([['m', 'person', '11', 'of a record that was given up']]));
  await derivation.forgetNumbers();
  await derivation.number(told);
  await derivation.derive([], new AbortController().signal);
  const lines = [...derivation.numbers()].map(({ bytes, start, end }) => bytes.subarray(start, end + 1));
  expect(lines.flatMap((line) => parseRows(line))).toEqual(parseRows(told));
  const [target] = derivation.targets;
  expect(target && [...derivation.rows(target)].length).toBe(1);
  expect([...derivation.held()].length).toBe(1);
});
