import type { DescribedColumn } from '@changeover/events';

import { profileColumn, type ColumnProfile } from '../profile/column-profile.js';
import { convertInto } from './convert-into.js';

const column = (name: string, base: string, labels: readonly string[] | null = null): DescribedColumn => ({
  name,
  type: base,
  base,
  labels,
  notNull: false,
  fills: false,
  generated: false,
  ...{ identity: null, default: null, comment: null },
});

function source(name: string, base: string, values: readonly string[], labels: readonly string[] | null = null): ColumnProfile {
  const rows = values.map((value) => ({ value, rows: 1 }));
  const lengths = values.map((value) => value.length);
  const blank = values.filter((value) => value.trim() === '').length;
  return profileColumn(column(name, base, labels), false, {
    rows: values.length,
    nulls: 0,
    blank,
    distinct: values.length,
    minLength: Math.min(...lengths),
    maxLength: Math.max(...lengths),
    min: null,
    max: null,
    values: rows,
  });
}

const value = (from: ColumnProfile, to: DescribedColumn): unknown => convertInto(from, to)?.value;

test('labels are found by their words, and what has none is left to somebody', () => {
  const stage = source('sales_stage', 'text', ['CLOSED WON', 'Closed  Won', 'Proposal/Price Quote', 'on hold', '']);
  expect(value(stage, column('stage', 'crm.stage', ['proposal', 'won', 'lost']))).toEqual({
    how: 'enumeration',
    values: { 'closed won': 'won', 'proposal/price quote': 'proposal', 'on hold': null, '': null },
    spelled: true,
  });
  expect(convertInto(stage, column('stage', 'crm.stage', ['proposal', 'won', 'lost']))?.open).toHaveLength(1);
  expect(convertInto(stage, column('colour', 'crm.colour', ['red', 'green']))).toBeNull();
});

test('an enum of the source has a value for each label, in its own spelling', () => {
  const state = source('state', 'crm.state', ['ACTIVE'], ['ACTIVE', 'LEFT']);
  expect(value(state, column('state', 'crm.s', ['active', 'former']))).toEqual({
    how: 'enumeration',
    values: { ACTIVE: 'active', LEFT: null },
    spelled: false,
  });
});

test('flags', () => {
  expect(value(source('pinned', 'text', ['Y', 'N']), column('pinned', 'boolean'))).toEqual({ how: 'boolean' });
  expect(value(source('pinned', 'boolean', ['t', 'f']), column('pinned', 'boolean'))).toEqual({ how: 'same' });
  expect(value(source('do_not_call', 'text', ['Y', 'no', 'on']), column('may_call', 'boolean'))).toEqual({
    how: 'boolean',
    spellings: { true: ['n', 'no', '0'], false: ['y', 'yes', '1', 'on'] },
  });
  expect(value(source('status', 'text', ['ACTIVE', 'INACTIVE']), column('active', 'boolean'))).toEqual({
    how: 'enumeration',
    values: { active: 't', inactive: 'f' },
    spelled: true,
  });
  expect(convertInto(source('name', 'text', ['Ada', 'Bob']), column('active', 'boolean'))).toBeNull();
});

test('dates by the formats that are in use, and a zone that somebody has to know', () => {
  const due = source('due', 'text', ['24.12.2019 18:30', '2020-01-01 10:00:00']);
  expect(value(due, column('due_at', 'timestamp with time zone'))).toMatchObject({ how: 'timestamp', zone: true });
  expect(convertInto(due, column('due_at', 'timestamp with time zone'))?.open.join()).toContain('time zone');
  expect(value(due, column('due_at', 'timestamp without time zone'))).toMatchObject({ how: 'timestamp', zone: false });
  expect(value(source('born', 'date', ['2020-01-01']), column('born_on', 'timestamp without time zone'))).toEqual({ how: 'same' });
  // With an offset and without: of no type that could be said.
  const mixed = source('due', 'text', ['2019-07-04T18:30:00+02:00', '2020-01-01 10:00:00']);
  expect(value(mixed, column('due_at', 'timestamp with time zone'))).toEqual({ how: 'unchecked' });
});

test('numbers and UUIDs in text go unchecked where they are some, and nowhere else', () => {
  expect(value(source('amount', 'text', ['1.5', '2']), column('amount', 'numeric'))).toEqual({ how: 'unchecked' });
  expect(convertInto(source('amount', 'text', ['1,250,000', 'much']), column('amount', 'numeric'))).toBeNull();
  expect(convertInto(source('id', 'text', ['seed_1', '1']), column('id', 'uuid'))).toBeNull();
  expect(value(source('id', 'bigint', ['1']), column('id', 'integer'))).toEqual({ how: 'same' });
});

test('text is mended where something is wrong with it', () => {
  expect(value(source('name', 'text', ['Ada']), column('name', 'text'))).toEqual({ how: 'same' });
  expect(value(source('name', 'text', ['Ada ']), column('name', 'text'))).toEqual({ how: 'trim', entities: false });
  expect(value(source('name', 'text', ['M&uuml;ller']), column('name', 'text'))).toEqual({ how: 'trim', entities: true });
  expect(value(source('country', 'text', ['Germany', 'France']), column('country', 'text'))).toEqual({ how: 'country' });
});

test('nobody can write a generated column', () => {
  expect(convertInto(source('a', 'text', ['x']), { ...column('a', 'text'), generated: true })).toBeNull();
});
