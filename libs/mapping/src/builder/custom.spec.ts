import { ChangeoverError } from '@changeover/core';

import { compileRule } from '../compile-rule.js';
import { ConversionProblem, type CompiledRule, type SourceTable } from '../compiled-rule.js';
import { invertRule } from '../inverse/invert-rule.js';
import { canonicalMapping, parseMapping } from '../mapping.js';
import { mappingHash } from '../table-plan.js';
import type { TableRule } from '../rule.js';
import { concat, constant, convert, custom, is, mapping, type Text } from './index.js';

type Source = {
  'old.person': { row: { id: `${number}`; title: string | null; gender: 'M' | 'F'; name: string; born: Text<'date'> | null } };
};
type Target = {
  'new.person': { row: { id: `${number}`; greeting: 'Herr' | 'Frau'; name: string; note?: string | null; born?: Text<'date'> | null } };
};

const TABLES = new Map<string, SourceTable>([['old.person', { columns: ['id', 'title', 'gender', 'name', 'born'], key: ['id'] }]]);
const CONVERTERS = { bad: () => () => null };

const map = mapping<Source, Target>();
const row = map.from('old.person');

const greeting = custom({ name: 'greeting', fn: (gender: 'M' | 'F') => (gender === 'M' ? 'Herr' : 'Frau') });
const titled = custom({
  name: 'titled',
  fn: (title: string | null, name: string) => (title === null ? name : `${title} ${name}`),
});

const ruleOf = (columns: Partial<Record<'greeting' | 'name' | 'note', unknown>>): TableRule =>
  map.table('new.person', {
    from: row,
    columns: { id: row('id'), greeting: greeting(row('gender')), name: row('name'), ...(columns as object) },
    key: ['id'],
  });
const derived = (rule: TableRule, ...driving: readonly (string | null)[]): ReturnType<CompiledRule['derive']> =>
  compileRule(rule, TABLES, CONVERTERS).derive([driving]);
const codeOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (error instanceof ChangeoverError) return `${error.code} ${error.message}`;
  }
  return 'nothing';
};

describe('a custom function', () => {
  it('makes values of values, and is plain data', () => {
    const rule = ruleOf({ name: titled(row('title'), row('name')) });
    expect(JSON.parse(JSON.stringify(rule))).toEqual(rule);
    expect(parseMapping({ rules: [rule] }).rules[0]).toEqual(rule);
    expect(rule.columns['name']).toEqual({
      custom: 'titled',
      fn: expect.stringContaining('=>'),
      inputs: [{ column: 'title' }, { column: 'name' }],
      invalid: 'held',
    });
    expect(derived(rule, '1', 'Dr.', 'F', 'Ada', null)).toEqual({ values: ['1', 'Frau', 'Dr. Ada'], notes: [] });
    // As the log would tell it.
    expect(derived(JSON.parse(JSON.stringify(rule)) as TableRule, '1', null, 'M', 'Ada', null)).toMatchObject({
      values: ['1', 'Herr', 'Ada'],
    });
  });

  it('may be written as a method or a named function', () => {
    const method = custom({
      name: 'method',
      fn(text: string) {
        return text.toUpperCase();
      },
    });
    const named = custom({
      name: 'named',
      fn: function reversed(text: string): string {
        return text === '' ? '' : reversed(text.slice(1)) + text.slice(0, 1);
      },
    });
    expect(derived(ruleOf({ name: method(row('name')), note: named(row('name')) }), '1', null, 'F', 'Ada', null)).toMatchObject({
      values: ['1', 'Frau', 'ADA', 'adA'],
    });
  });

  it('can be asked for in a condition, where it is null without an answer', () => {
    const strict = custom({
      name: 'strict',
      invalid: 'empty',
      fn: (name: string) => {
        if (name === '') throw new RangeError(name);
        return name;
      },
    });
    const rule = { ...ruleOf({}), where: is(strict(row('name')), null) as never };
    const { accepts } = compileRule(parseMapping({ rules: [rule] }).rules[0] as TableRule, TABLES, CONVERTERS);
    expect([accepts([['1', null, 'F', '', null]]), accepts([['1', null, 'F', 'Ada', null]])]).toEqual([true, false]);
    const holding = { ...rule, where: is(titled(row('title'), row('name')) as never, null) as never };
    expect(codeOf(() => parseMapping({ rules: [holding] }))).toContain('where.is.invalid: must be empty: only a column can hold its row');
  });

  it.each<[string, string, string]>([
    ['throws what it was given', '(name) => { throw new Error(name); }', 'failed'],
    ['throws nothing', '() => { throw undefined; }', 'failed'],
    ['never ends to call itself', 'function f(name) { return f(name); }', 'failed'],
    ['reaches for the clock by a trick', '(name) => [].at["constr" + "uctor"]("return Date.now()")()', 'failed'],
    ['reaches for the locale by a trick', '(name) => name["toLocale" + "UpperCase"]()', 'failed'],
    ['gives an object', '(name) => ({ name })', 'gave no text'],
    ['gives what becomes a text', '(name) => ({ toString: () => name })', 'gave no text'],
    ['gives a list', '(name) => [name]', 'gave no text'],
    ['gives a number', '(name) => name.length', 'gave no text'],
    ['gives nothing', '(name) => {}', 'gave no text'],
    ['gives a NUL', '(name) => name + "\\0"', 'gave a character that no database can keep'],
    ['gives half a character', '(name) => "😀".charAt(1)', 'gave a character that no database can keep'],
    ['gives 5 MB', '(name) => name.repeat(5 * 1024 * 1024)', 'gave more than a million characters'],
  ])('that %s holds its row, and says nothing of its values', (_, fn, reason) => {
    const columns = { ...ruleOf({}).columns, name: { custom: 'wrong', fn, inputs: [{ column: 'name' }], invalid: 'held' } as const };
    const rule = parseMapping({ rules: [{ ...ruleOf({}), columns }] }).rules[0] as TableRule;
    expect(derived(rule, '1', null, 'F', 'secret', null)).toEqual({
      problems: [{ reason: `the function wrong ${reason}`, column: 'name' }],
    });
    const emptied = { ...rule, columns: { ...rule.columns, name: { ...columns.name, invalid: 'empty' } } } as TableRule;
    expect(derived(emptied, '1', null, 'F', 'secret', null)).toMatchObject({ values: ['Frau', '1', null] });
  });

  it('is not asked where one of its values holds the row already', () => {
    const never = custom({ name: 'never', fn: (name: string) => ({ name }) as never });
    const rule = ruleOf({ name: never(convert<string, 'old.person'>('strict', row('name'))) });
    const { derive } = compileRule(rule, TABLES, { strict: () => () => new ConversionProblem('bad value') });
    expect(derive([['1', null, 'F', 'Ada', null]])).toEqual({ problems: [{ reason: 'bad value', column: 'name' }] });
    expect(derive([['1', null, 'F', null, null]])).toEqual({ problems: [{ reason: 'the function never gave no text', column: 'name' }] });
  });

  it('has no way into the process, in whatever mapping it stands', () => {
    const told = (fn: string, inverse?: string): string => {
      const name = {
        custom: 'own',
        fn,
        inputs: [{ column: 'name' }],
        invalid: 'held',
        ...(inverse && { inverse: { fn: inverse, exact: true } }),
      };
      return codeOf(() => parseMapping({ rules: [{ ...ruleOf({}), columns: { ...ruleOf({}).columns, name } }] }));
    };
    expect(told('(a) =>\n  process.pid')).toBe(
      'MAPPING_INVALID the mapping has 1 problem(s): rules[0] (new.person).columns.name.fn: process is nothing of its own. Give it what it needs as an argument, or write it out within the function (own, line 2, column 3 of its text)',
    );
    expect(told('(a) => a', '(a) => [Date.now()]')).toContain('columns.name.inverse.fn: Date.now depends on the clock');
    expect(told('(a) => a); (() => 1')).toContain('it is no function that is written out');
    expect(told('(a) => a')).toBe('nothing');
    const outer = 'something of the file';
    const closing = custom({ name: 'closing', fn: (name: string) => name + outer });
    expect(codeOf(() => parseMapping({ rules: [ruleOf({ name: closing(row('name')) })] }))).toContain('outer is nothing of its own');
    const trim: (name: string) => string = String.prototype.trim.bind(' x ');
    const bound = custom({ name: 'bound', fn: trim });
    expect(codeOf(() => parseMapping({ rules: [ruleOf({ name: bound(row('name')) })] }))).toContain(
      'it is no function that is written out',
    );
  });

  it('is part of the mapping’s hash: its text, its name and its inverse', () => {
    const hashOf = (one: object): string => {
      const name = { custom: 'own', fn: '(a) => a', inputs: [{ column: 'name' }], invalid: 'held', ...one };
      return mappingHash(parseMapping({ rules: [{ ...ruleOf({}), columns: { ...ruleOf({}).columns, name } }] }));
    };
    const all = [
      {},
      { fn: '(a) => a + ""' },
      { custom: 'other' },
      { inverse: { fn: '(a) => [a]', exact: true } },
      { inverse: { fn: '(a) => [a]', exact: false } },
    ];
    expect(new Set(all.map(hashOf)).size).toBe(all.length);
    expect(hashOf({})).toBe(hashOf({ fn: '(a) => a' }));
    expect(canonicalMapping(parseMapping({ rules: [ruleOf({})] }))).toContain('"custom":"greeting"');
  });
});

describe('its examples', () => {
  const fn = (title: string | null, name: string): string => (title === null ? name : `${title} ${name}`);

  it('are tried when the mapping is loaded', () => {
    const made = (...examples: readonly (readonly [[string | null, string], string])[]) =>
      codeOf(() => custom({ name: 'titled', fn, examples }));
    expect(made([[null, 'Ada'], 'Ada'], [['Dr.', 'Ada'], 'Dr. Ada'])).toBe('nothing');
    expect(made([[null, 'Ada'], 'Ada'], [['Dr.', 'Ada'], 'Dr Ada'])).toBe(
      'MAPPING_INVALID the custom function titled, example 2: it gives "Dr. Ada", not "Dr Ada"',
    );
    const failing = () =>
      custom({ name: 'failing', fn: (name: string): string => (name.at(5) as string).trim(), examples: [['Ada'], 'Ada'] as never });
    expect(codeOf(failing)).toContain('example 1: ');
  });

  it('say whether an inverse is exact', () => {
    const wayOf = (
      inverse: ((result: string) => [string | null, string]) | undefined,
      ...examples: readonly (readonly [[string | null, string], string])[]
    ) => {
      const made = custom({ name: 'titled', fn, examples, ...(inverse && { inverse }) });
      const inverted = invertRule(ruleOf({ name: made(row('title'), row('name')) }), TABLES, CONVERTERS, {});
      return inverted.columns.get('name');
    };
    const parts = (result: string): [string | null, string] => {
      const at = result.indexOf(' ');
      return at === -1 ? [null, result] : [result.slice(0, at), result.slice(at + 1)];
    };
    expect(wayOf(undefined)).toEqual({ kind: 'lossy', reasons: ['nobody knows the way back of titled'] });
    expect(wayOf(parts)).toEqual({ kind: 'kept', reasons: ['several inputs of titled become the same'] });
    expect(wayOf(parts, [['Dr.', 'Ada'], 'Dr. Ada'])).toEqual({ kind: 'exact', reasons: [] });
    expect(wayOf(parts, [['Dr.', 'Ada'], 'Dr. Ada'], [[null, 'Ada King'], 'Ada King'])?.kind).toBe('kept');
    expect(codeOf(() => wayOf((result) => [null, result.slice(1)], [[null, 'Ada'], 'Ada']))).toContain(
      'example 1: the inverse gives [null,"da"], of which that does not come',
    );
    expect(codeOf(() => wayOf((result) => [result] as never, [[null, 'Ada'], 'Ada']))).toContain('the inverse gives no list of 2 values');
  });

  it('an inverse takes a changed value to where it came from', () => {
    const made = custom({
      name: 'titled',
      fn,
      inverse: (result) => {
        const at = result.indexOf(' ');
        return at === -1 ? [null, result] : [result.slice(0, at), result.slice(at + 1)];
      },
    });
    const { put } = invertRule(ruleOf({ name: made(row('title'), row('name')) }), TABLES, CONVERTERS, {});
    const rows = [['1', 'Dr.', 'F', 'Ada', null]] as const;
    expect(put(['1', 'Frau', 'Dr. Ada'], rows)).toEqual({ driving: rows[0] });
    expect(put(['1', 'Frau', 'Prof. Grace Hopper'], rows)).toEqual({ driving: ['1', 'Prof.', 'F', 'Grace Hopper', null] });
    expect(put(['1', 'Frau', 'Grace'], rows)).toEqual({ driving: ['1', null, 'F', 'Grace', null] });
    // What the way back itself gets wrong is seen, not written.
    const wrong = { custom: 'titled', fn: fn.toString(), inputs: [{ column: 'title' }, { column: 'name' }], invalid: 'held' } as const;
    const broken = { ...ruleOf({}), columns: { ...ruleOf({}).columns, name: { ...wrong, inverse: { fn: '(a) => [a, a]', exact: true } } } };
    expect(invertRule(broken, TABLES, CONVERTERS, {}).put(['1', 'Frau', 'Grace'], rows)).toEqual({
      problems: [{ reason: 'no way back', column: 'name' }],
    });
  });

  it('an inverse that cannot hold in all rows is no way back', () => {
    const same = {
      name: 'same',
      fn: (name: string) => name,
      inverse: (name: string): [string] => [name],
      examples: [[['a'], 'a']] as const,
    };
    const wayOf = (value: unknown) =>
      invertRule(ruleOf({ name: value }), TABLES, { up: () => (text) => text.toUpperCase() }, {}).columns.get('name');
    expect(wayOf(custom(same as never)(row('name') as never))).toEqual({ kind: 'exact', reasons: [] });
    expect(wayOf(custom({ ...same, invalid: 'empty' } as never)(row('name') as never))?.kind).toBe('lossy');
    expect(wayOf(custom(same as never)(convert('up', row('name')) as never))?.reasons).toContain('one conversion upon another');
    const two = custom({ name: 'two', fn: (a: string, b: string) => `${a} ${b}`, inverse: () => ['', ''] });
    expect(wayOf(two(row('name'), row('name')))?.reasons).toContain('name is read more than once');
  });
});

/** Never run: that each line with `@ts-expect-error` does not compile is checked with the types of the specs. */
export function wrongs(): void {
  // @ts-expect-error a number is no text
  custom({ name: 'n', fn: (name: string) => name.length });
  // @ts-expect-error nor is something that comes later
  custom({ name: 'n', fn: (name: string) => Promise.resolve(name) });
  // @ts-expect-error of an object nothing is known
  custom({ name: 'n', fn: (name: { readonly a: string }) => name.a });
  // @ts-expect-error the title may be null
  titled(row('name'), row('title'));
  // @ts-expect-error there are two values
  titled(row('title'));
  // @ts-expect-error a text is no label
  greeting(row('name'));
  // @ts-expect-error an example has one text for each argument
  custom({ name: 'n', fn: (name: string) => name, examples: [[['a', 'b'], 'c']] });
  // @ts-expect-error an inverse gives all arguments
  custom({ name: 'n', fn: (a: string, b: string | null) => a + (b ?? ''), inverse: (result) => [result] });
  const nullable = custom({ name: 'n', fn: (name: string) => (name === '' ? null : name) });
  const emptied = custom({ name: 'n', fn: (name: string) => name, invalid: 'empty' });
  const columns = { id: row('id'), greeting: greeting(row('gender')), name: row('name') };
  // @ts-expect-error the name is never null
  map.table('new.person', { from: row, columns: { ...columns, name: nullable(row('name')) }, key: ['id'] });
  // @ts-expect-error nor may it be left empty
  map.table('new.person', { from: row, columns: { ...columns, name: emptied(row('name')) }, key: ['id'] });
  // @ts-expect-error a text is no date
  map.table('new.person', { from: row, columns: { ...columns, born: nullable(row('name')) }, key: ['id'] });
  // @ts-expect-error what holds its row is no condition
  is(titled(row('title'), row('name')), 'x');
  // All of these are right.
  const day = custom({ name: 'n', fn: (text: Text<'date'> | null): Text<'date'> | null => text });
  const joined = custom({ name: 'n', fn: (...parts: readonly (string | null)[]) => parts.join(' ') });
  const more = { born: day(row('born')), note: nullable(titled(constant(null), concat(' ', row('name'), row('gender')))) };
  map.table('new.person', { from: row, columns: { ...columns, ...more, name: joined(row('name'), row('title'), row('id')) }, key: ['id'] });
  is(emptied(row('name')), 'x', null);
}
