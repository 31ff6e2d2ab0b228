import type { DescribedColumn, DescribedTable, TableSchema } from '@changeover/events';
import type { Comparison, Expression, Json, Severity, TableRule } from '@changeover/mapping';
import { textTable } from '@changeover/testing';

import { ruleFindings } from './rule-findings.js';

const text = (name: string): DescribedColumn => {
  return {
    name,
    type: 'text',
    base: 'text',
    labels: null,
    notNull: false,
    fills: false,
    identity: null,
    generated: false,
    default: null,
    comment: null,
  };
};
const described = (table: string, columns: readonly DescribedColumn[], references: readonly [string, string][] = []): DescribedTable => {
  const foreignKeys = references.map(([column, toTable]) => ({ columns: [column], toSchema: 'crm', toTable, toColumns: ['id'] }));
  return { schema: 'crm', table, columns, key: ['id'], uniques: [], foreignKeys, comment: null };
};

const NAMESPACE = '6ba7b810-9dad-11d1-80b4-00c04fd430c8';
const SOURCE: TableSchema = textTable('contacts', ['id', 'account_id', 'name']);
const SOURCES = [
  { ...SOURCE, schema: 'public', columns: SOURCE.columns.map((column) => ({ ...column, notNull: column.name !== 'account_id' })) },
];
const rule = (target: string, change: Partial<TableRule> = {}): TableRule => {
  return { source: 'public.contacts', target: `crm.${target}`, columns: { id: { column: 'id' } }, key: ['id'], ...change };
};
const messages = (rules: readonly TableRule[], ...targets: readonly DescribedTable[]): readonly string[] =>
  ruleFindings(rules, { sources: SOURCES, targets }).map(
    ({ part, severity, check, message }) => `${part} ${severity} ${check}: ${message}`,
  );

describe('a foreign key of the target', () => {
  const account = described('account', [text('id')]);
  const person = described(
    'person',
    [text('id'), text('account_id'), text('boss_id')],
    [
      ['account_id', 'account'],
      ['boss_id', 'person'],
    ],
  );
  const columns = { id: { column: 'id' }, account_id: { column: 'account_id' } } as const;
  const requires = [{ parent: 'crm.account', key: [{ column: 'account_id' }] }];

  it('whose parent a rule makes is to be required', () => {
    expect(messages([rule('account'), rule('person', { columns })], account, person)).toEqual([
      'mapping warning requires: crm.person refers to crm.account (account_id), which another rule makes and this one does not require: a row whose parent is held will be refused instead of waiting for it',
    ]);
    expect(messages([rule('account'), rule('person', { columns, requires })], account, person)).toEqual([]);
  });

  it('need not be, where the rule does not write it, or nobody makes the parent', () => {
    expect(messages([rule('account'), rule('person')], account, person)).toEqual([]);
    expect(
      messages([rule('account'), rule('person', { columns: { ...columns, account_id: { constant: null } } })], account, person),
    ).toEqual([]);
    expect(messages([rule('person', { columns })], account, person)).toEqual([]);
    expect(messages([rule('account'), rule('person', { columns })], account)).toEqual([]);
  });

  it('may refer to the table itself', () => {
    const self = { columns: { id: { column: 'id' }, boss_id: { column: 'account_id' } } } as const;
    expect(messages([rule('person', self)], person)).toHaveLength(1);
    expect(messages([rule('person', { ...self, requires: [{ parent: 'crm.person', key: [{ column: 'account_id' }] }] })], person)).toEqual(
      [],
    );
  });
});

describe('a column of the target that is never null', () => {
  const must = [
    { ...text('id'), notNull: true },
    { ...text('name'), notNull: true },
    { ...text('shown'), notNull: true, generated: true },
    text('note'),
  ];
  const of = (name: Expression, change: Partial<TableRule> = {}): readonly string[] =>
    messages([rule('person', { columns: { id: { column: 'id' }, name, note: { constant: null } }, ...change })], described('person', must));
  const convert = (name: string, options: object, input: Expression = { column: 'name' }): Expression => {
    return { convert: name, options: { ...options }, input, invalid: 'held' };
  };

  it.each<[Expression]>([
    [{ column: 'account_id' }],
    [{ column: 'name', of: 'account' }],
    [{ constant: null }],
    [{ first: [{ column: 'account_id' }, { constant: null }] }],
    [{ concat: [{ column: 'account_id' }], separator: '' }],
    [{ uuid: NAMESPACE, input: { column: 'account_id' } }],
    [{ stride: 2, offset: 1, input: { column: 'account_id' }, invalid: 'held' }],
    [{ stride: 2, offset: 1, input: { column: 'name' }, invalid: 'empty' }],
    [{ split: ' ', part: 2, input: { column: 'name' } }],
    [{ field: ['a'], input: { column: 'name' }, invalid: 'held' }],
    [{ when: [{ if: { is: { column: 'id' }, in: ['1'] }, then: { column: 'name' } }] }],
    [{ when: [{ if: { is: { column: 'id' }, in: ['1'] }, then: { column: 'account_id' } }], otherwise: { column: 'name' } }],
    [convert('trim', {})],
    [convert('enum', { values: { a: 'b', c: null } })],
    [convert('enum', { values: { a: 'b' } }, { column: 'account_id' })],
    [{ convert: 'enum', options: { values: { a: 'b' } }, input: { column: 'name' }, invalid: 'empty' }],
  ])('may be left empty by %j', (value) => {
    expect(of(value)).toEqual([
      'mapping warning required: columns of crm.person are NOT NULL and may be left empty by the rule: such rows will be refused; with the columns in `required` they are held: name',
    ]);
    expect(of(value, { required: ['name'] })).toEqual([]);
    const asked = (severity: 'hold' | 'warn') => of(value, { validate: [{ name: 'n', column: 'name', required: true, severity }] });
    expect(asked('hold')).toEqual([]);
    expect(asked('warn')).toHaveLength(1);
  });

  it.each<[Expression]>([
    [{ column: 'name' }],
    [{ constant: '' }],
    [{ first: [{ column: 'account_id' }, { constant: 'x' }] }],
    [{ concat: [{ column: 'account_id' }, { column: 'name' }], separator: '' }],
    [{ uuid: NAMESPACE, input: { column: 'name' } }],
    [{ stride: 2, offset: 1, input: { column: 'name' }, invalid: 'held' }],
    [{ when: [{ if: { is: { column: 'id' }, in: ['1'] }, then: { constant: 'x' } }], otherwise: { column: 'name' } }],
    [{ object: { a: { column: 'account_id' } } }],
    [{ array: [{ column: 'account_id' }], as: 'json' }],
    [convert('enum', { values: { a: 'b' } })],
  ])('is always given by %j', (value) => {
    expect(of(value)).toEqual([]);
  });

  it('may be made of no rows at all, unless they are counted or put into an array', () => {
    const all = {
      columns: { n: { count: 'rows' }, list: { array: { column: 'id' }, as: 'json' }, total: { sum: { column: 'id' } } },
      atMost: 9,
    } as const;
    const joins = [{ as: 'notes', table: 'public.notes', on: { id: { column: 'id' } }, all }];
    expect(of({ column: 'n', of: 'notes' }, { joins })).toEqual([]);
    expect(of({ column: 'list', of: 'notes' }, { joins })).toEqual([]);
    expect(of({ column: 'total', of: 'notes' }, { joins })).toHaveLength(1);
  });

  it('is held without, where it is part of the key', () => {
    expect(of({ column: 'account_id' }, { key: ['id', 'name'] })).toEqual([]);
  });
});

describe('a column that takes only so many characters', () => {
  const sources = SOURCES.map((table) => ({
    ...table,
    columns: table.columns.map((column) => (column.name === 'name' ? { ...column, type: 'character varying(20)' } : column)),
  }));
  const target = (type: string): DescribedTable => described('person', [text('id'), { ...text('name'), type, base: 'character varying' }]);
  const found = (type: string, name: Expression, validate: TableRule['validate'] = []): readonly string[] =>
    ruleFindings([rule('person', { columns: { id: { column: 'id' }, name }, validate })], { sources, targets: [target(type)] }).map(
      ({ message }) => message,
    );
  const convert = (name: string, input: Expression, options?: Json): Expression => {
    return { convert: name, input, invalid: 'empty', ...(options !== undefined && { options }) };
  };
  const column: Expression = { column: 'name' };

  it.each<[string, Expression]>([
    ['character varying(20)', column],
    ['text', { column: 'id' }],
    ['character varying', { column: 'id' }],
    ['character(20)', convert('trim', { split: ',', part: 1, input: column })],
    ['character varying(3)', { first: [{ constant: 'abc' }, { constant: null }] }],
    ['character varying(36)', { uuid: NAMESPACE, input: column }],
    ['character varying(2)', convert('enum', column, { values: { a: 'bb', b: null } })],
    ['character varying(20)', { when: [{ if: { is: column, in: ['1'] }, then: { constant: 'x' } }], otherwise: column }],
  ])('that is %s takes %j', (type, value) => {
    expect(found(type, value)).toEqual([]);
  });

  it('takes what is written instead of null, or does not', () => {
    const instead = (text: string) => [{ name: 'n', column: 'name', required: true, severity: 'fix', with: text }] as const;
    expect(found('character varying(3)', { constant: 'abc' }, instead('abc'))).toEqual([]);
    expect(found('character varying(3)', { constant: 'abc' }, instead('abcd'))).toHaveLength(1);
  });

  it.each<[string, Expression]>([
    ['character varying(19)', column],
    ['character(19)', convert('trim', column)],
    ['character varying(100)', { column: 'id' }],
    ['character varying(100)', { column: 'name', of: 'joined' }],
    ['character varying(100)', { concat: [column, column], separator: '' }],
    ['character varying(1)', convert('enum', column, { values: { a: 'bb' } })],
    ['character varying(19)', { when: [{ if: { is: column, in: ['1'] }, then: { constant: 'x' } }], otherwise: column }],
    ['character varying(35)', { uuid: NAMESPACE, input: column }],
    ['character varying(100)', convert('phone', column)],
  ])('that is %s may get more of %j', (type, value) => {
    const [, length] = /\((\d+)\)/u.exec(type) ?? [];
    expect(found(type, value)).toEqual([
      `columns of crm.person take only so many characters, and the rule may make more: such rows will be refused; with \`atMost\` in \`validate\` they are cut or held: name (${length ?? ''})`,
    ]);
  });

  it('gets no more where a rule of the validation cuts or holds it', () => {
    const atMost = (most: number, severity: Severity) => ({ name: 'n', column: 'name', atMost: most, severity });
    expect(found('character varying(19)', column, [atMost(19, 'fix')])).toEqual([]);
    expect(found('character varying(19)', column, [atMost(19, 'stop')])).toEqual([]);
    expect(found('character varying(19)', column, [atMost(19, 'warn')])).toHaveLength(1);
    expect(found('character varying(19)', column, [atMost(20, 'fix')])).toHaveLength(1);
    expect(found('character varying(19)', column, [{ ...atMost(19, 'fix'), column: 'id' }])).toHaveLength(1);
  });
});

describe('a unique rule', () => {
  const there = { value: 'gone', in: [null] } as const;
  const found = (where: Comparison | undefined, ...predicates: readonly (string | null)[]): readonly string[] => {
    const unique: TableRule['unique'] = [{ columns: ['a', 'b'], otherwise: 'held', ...(where && { where }) }];
    const uniques = predicates.map((predicate, at) => ({
      name: `u${String(at)}`,
      columns: ['b', 'a'],
      expressions: ['b', 'a'],
      predicate,
    }));
    return messages([rule('person', { unique })], { ...described('person', []), uniques });
  };

  it('counts the rows that the index is over', () => {
    expect(found(undefined)).toEqual([]);
    expect(found(undefined, null)).toEqual([]);
    expect(found(undefined, '(gone IS NULL)', null)).toEqual([]);
    expect(found(there, '(gone IS NULL)')).toEqual([]);
    expect(found(there, 'main', '(gone IS NULL)')).toEqual([]);
  });

  it.each<[Comparison | undefined, string | null, string]>([
    [
      undefined,
      '(gone IS NULL)',
      'the index u0 is only over rows of crm.person (a, b) where (gone IS NULL), and the rule counts all of them: more go without the value, or are held, than have to; `where` says which rows count',
    ],
    [
      there,
      null,
      'the index u0 is over all rows of crm.person (a, b), and the rule counts only those with is(gone, null): others that want the same will be refused',
    ],
    [
      there,
      'main',
      'the index u0 is only over rows of crm.person (a, b) where main, and the rule counts those with is(gone, null), which are others: rows that the index counts and the rule does not will be refused where they want the same',
    ],
    [
      there,
      '(score > 3)',
      'the index u0 is only over rows of crm.person (a, b) where (score > 3), and the rule counts those with is(gone, null): look whether these are the same rows, as they cannot be compared here',
    ],
  ])('that says %j of an index with %j is told', (where, predicate, message) => {
    expect(found(where, predicate)).toEqual([`mapping warning unique: ${message}`]);
  });
});

describe('rows that are merged', () => {
  const by = { column: 'name' } as const;
  const merged = (id: Expression): TableRule => rule('person', { name: 'contacts', columns: { id, name: by }, merge: { by, atMost: 10 } });
  const person = described('person', [text('id'), text('name')]);
  const note = described('note', [text('id'), text('person_id')], [['person_id', 'person']]);

  it('have a key that stays, or that of the first of them', () => {
    expect(messages([merged({ uuid: NAMESPACE, input: { first: [by, { column: 'id' }] } })], person)).toEqual([
      'mapping ok merge: crm.person (contacts): rows with the same name are merged, and keep their key (id) whichever of them comes and goes',
    ]);
    expect(messages([merged({ column: 'id' })], person)).toEqual([
      'mapping warning merge: crm.person (contacts): rows with the same name are merged, and have the key (id) of the first of them: where another becomes the first the row gets another key, as if it went and another came; a key made of the merge key stays',
    ]);
  });

  it('are referred to by a row that is joined, not by the key of one of them', () => {
    const requires = [{ parent: 'crm.person', rule: 'contacts', key: [{ column: 'account_id' }] }];
    const joins = [{ as: 'contact', table: 'public.contacts', on: { id: { column: 'account_id' } } }];
    const of = (person_id: Expression): TableRule => rule('note', { columns: { id: { column: 'id' }, person_id }, joins, requires });
    expect(messages([merged(by), of({ column: 'name', of: 'contact' })], note)).toEqual([]);
    expect(messages([merged(by), of({ constant: null })], note)).toEqual([]);
    expect(
      messages([merged(by), of({ keyOf: 'crm.person', rule: 'contacts', keyColumn: 'id', key: [{ column: 'account_id' }] })], note),
    ).toEqual([]);
    expect(messages([merged(by), of({ column: 'account_id' })], note)).toEqual([
      "mapping warning merge: crm.note refers to crm.person, whose rows are merged, by its own row alone (person_id): a row that was merged into another has that one's key; have it by `keyOf`, or join the row that makes the parent, and make the key as its rule does",
    ]);
  });
});
