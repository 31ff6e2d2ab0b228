import { columnsRead, columnsTested, columnText, printCondition, printExpression } from './print-rule.js';
import type { Condition, Expression } from './rule.js';

const NAME: Expression = { convert: 'trim', input: { column: 'name' }, invalid: 'empty' };
const MAIL: Expression = { column: 'address', of: 'mail' };

describe('a rule as a person writes it', () => {
  it.each<[Expression, string, readonly string[]]>([
    [{ column: 'id' }, 'id', ['id']],
    [MAIL, 'mail.address', ['mail.address']],
    [{ constant: "it's \\" }, "'it\\'s \\\\'", []],
    [{ constant: null }, 'null', []],
    [{ first: [NAME, MAIL, { column: 'name' }] }, "first(trim(name, { invalid: 'empty' }), mail.address, name)", ['name', 'mail.address']],
    [{ concat: [{ column: 'a' }, { column: 'b' }], separator: ' ' }, "concat(' ', a, b)", ['a', 'b']],
    [
      { uuid: '6ba7b810-9dad-11d1-80b4-00c04fd430c8', input: NAME },
      "uuid('6ba7b810-9dad-11d1-80b4-00c04fd430c8', trim(name, { invalid: 'empty' }))",
      ['name'],
    ],
    [
      { stride: 10, offset: 1, input: { column: 'id' }, invalid: 'empty' },
      "stride(id, { stride: 10, offset: 1, invalid: 'empty' })",
      ['id'],
    ],
    [{ allocated: 'keys', start: 1, step: 1, input: MAIL }, "allocated('keys', mail.address)", ['mail.address']],
    [{ allocated: 'keys', start: 7, step: 2, input: MAIL }, "allocated('keys', mail.address, { start: 7, step: 2 })", ['mail.address']],
    [{ split: ',', part: -1, input: MAIL }, "split(mail.address, ',', -1)", ['mail.address']],
    [{ field: ['a', 0], input: { column: 'j' }, invalid: 'empty' }, "field(j, ['a', 0], { invalid: 'empty' })", ['j']],
    [{ object: { a: { column: 'x' }, 'b c': { constant: '1' } } }, "jsonObject({ a: x, 'b c': '1' })", ['x']],
    [
      { array: [{ column: 'x' }, { json: 'number', input: { column: 'y' }, invalid: 'held' }], as: 'json' },
      'jsonArray(x, jsonNumber(y))',
      ['x', 'y'],
    ],
    [
      { when: [{ if: { is: { column: 's' }, in: ['1'] }, then: { column: 'a' } }], otherwise: { column: 'b' } },
      "when([[is(s, '1'), a]], b)",
      ['s', 'a', 'b'],
    ],
    [
      { custom: 'own', fn: '(a, b) => a', inputs: [NAME, MAIL], invalid: 'held' },
      "own(trim(name, { invalid: 'empty' }), mail.address)",
      ['name', 'mail.address'],
    ],
    [
      { keyOf: 'crm.person', rule: 'leads', keyColumn: 'id', key: [MAIL] },
      "keyOf('crm.person (leads)', 'id', mail.address)",
      ['mail.address'],
    ],
    [{ custom: 'own', fn: '() => null', inputs: [{ column: 'a' }], invalid: 'empty' }, "own(a, { invalid: 'empty' })", ['a']],
    [
      { convert: 'date', options: { formats: ['YYYY', 'x'], of: { 'a b': 1, c: null } }, input: { column: 'a' }, invalid: 'held' },
      "date(a, { formats: ['YYYY', 'x'], of: { 'a b': 1, c: null } })",
      ['a'],
    ],
  ])('%j', (expression, text, read) => {
    expect(printExpression(expression)).toBe(text);
    expect(columnsRead(expression).map(columnText)).toEqual(read);
  });

  it.each<[Condition, string, readonly string[]]>([
    [{ is: { column: 'a' }, in: ['x', null] }, "is(a, 'x', null)", ['a']],
    [{ not: { is: MAIL, in: ['x'] } }, "not(is(mail.address, 'x'))", ['mail.address']],
    [{ all: [{ is: { column: 'a' }, in: ['1'] }, { any: [{ is: { column: 'b' }, in: [] }] }] }, "all(is(a, '1'), any(is(b)))", ['a', 'b']],
  ])('%j', (condition, text, read) => {
    expect(printCondition(condition)).toBe(text);
    expect(columnsTested(condition).map(columnText)).toEqual(read);
  });
});
