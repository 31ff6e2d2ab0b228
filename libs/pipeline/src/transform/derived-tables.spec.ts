import { lineOf } from '@changeover/events';
import { parseMapping } from '@changeover/mapping';
import { InMemoryStateStore, StateStorage, textTable } from '@changeover/testing';

import type { TouchedRow } from '../derive/derivation.js';
import { stateKey } from '../derive/state-keys.js';
import { DerivedTables } from './derived-tables.js';
import { SourceTables } from './source-tables.js';

const { rules } = parseMapping({
  rules: [
    {
      source: 'public.people',
      target: 'crm.person',
      joins: [
        {
          as: 'owner',
          table: 'target:crm.user',
          on: { mail: { column: 'name' } },
          all: { columns: { id: { max: { column: 'id', of: 'owner' } } }, atMost: 1 },
        },
      ],
      columns: { id: { column: 'id' }, owner: { column: 'id', of: 'owner' } },
      key: ['id'],
    },
  ],
});
const USERS = textTable('target:crm.user', ['id', 'mail', 'name']);

describe('a row of the target that is recorded again', () => {
  let touched: TouchedRow[];
  const record = (before: string, after: string): void => {
    touched = [];
    const state = new InMemoryStateStore(new StateStorage());
    const tables = new SourceTables(state);
    tables.tell({ seq: 1, at: 0 }, textTable('people', ['id', 'name']));
    const { table } = tables.tell({ seq: 2, at: 1 }, USERS);
    const output = { add: () => undefined };
    const isCopied = (): boolean => false;
    const derived = new DerivedTables({
      ...{ migration: 'm', rules, converters: {}, tables, state, output, isCopied, correctable: new Set<string>() },
    });
    Object.assign(derived.derivation, {
      derive: (rows: Iterable<TouchedRow>) => {
        touched.push(...rows);
        return [];
      },
    });
    const key = stateKey('mirror', table.number, '7');
    const [was, is] = [before, after].map((text) => (text === '' ? null : lineOf(Buffer.from(`${text}\n`)))) as [never, never];
    derived.touch(table.name, was, is, key, key);
    expect([...derived.derive({ seq: 3, ts_ms: 0 }, false)]).toEqual([]);
  };

  it.each([
    ['as it was', '7\ta\tAda', '7\ta\tAda'],
    ['with a column that no rule reads', '7\ta\t\\N', '7\ta\tAda'],
  ])('concerns nobody %s', (_, before, after) => {
    record(before, after);
    expect(touched).toEqual([]);
  });

  it.each([
    ['has another value where it is looked up by', '7\ta\tAda', '7\tb\tAda'],
    ['comes', '', '7\ta\tAda'],
    ['goes', '7\ta\tAda', ''],
  ])('concerns others where it %s', (_, before, after) => {
    record(before, after);
    expect(touched).toHaveLength(1);
  });
});
