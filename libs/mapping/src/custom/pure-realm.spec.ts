import { setFlagsFromString } from 'node:v8';

import { pureFunction } from './pure-realm.js';

// As a process may be started: it cannot be deleted.
setFlagsFromString('--expose-gc');

const run = (body: string, ...values: readonly unknown[]): unknown => pureFunction(`(a, b) => ${body}`)(...values);

describe('the realm of custom functions', () => {
  it.each([
    ['a.trim().toUpperCase()', ' ä ', 'Ä'],
    ['/(\\d+)-(\\d+)/.exec(a)?.[2] ?? null', '1-22', '22'],
    ['new Date(a).toISOString()', '2026-01-02T10:00+02:00', '2026-01-02T08:00:00.000Z'],
    ['new Date(Date.UTC(2026, 0, 2)).getUTCDay().toString()', '', '5'],
    ['String(Date.parse(a))', '1970-01-02', '86400000'],
    ['[...new Set(a.split(","))].sort().map((one) => ({ one })).map(({ one }) => one).join("")', 'c,a,c,b', 'abc'],
    ['String(BigInt(a) * 3n + BigInt(Math.max(1, 2)))', '7', '23'],
    ['JSON.stringify(JSON.parse(a))', '{ "a": [1] }', '{"a":[1]}'],
    [
      'Object.keys(a.split(" ").reduce((seen, word) => { seen[word] = true; return seen; }, {})).join(" ")',
      'the constructor valueOf the',
      'the constructor valueOf',
    ],
    ['String({ toString() { return a; } })', 'own', 'own'],
  ])('%s', (body, value, result) => {
    expect(run(body, value)).toBe(result);
  });

  it.each([
    'Date.now',
    'Math.random',
    'gc',
    ...['toLocaleString', 'localeCompare', 'toLocaleUpperCase']
      .map((name) => `"a"[${JSON.stringify(name)}] === Object.prototype.x`)
      .map((one) => `(${one} ? undefined : 1)`),
    '(1).toLocaleString',
    '[1].toLocaleString',
    'new Date(0).getHours',
    'Error.captureStackTrace',
    'RegExp.$1',
    'RegExp.lastMatch',
    '"abc".match(/b/) && RegExp["$_"]',
  ])('has no %s', (expression) => {
    expect(run(expression)).toBeUndefined();
  });

  it.each([
    ...[
      'process',
      'globalThis',
      'Intl',
      'performance',
      'console',
      'eval',
      'Function',
      'Proxy',
      'Reflect',
      'Symbol',
      'Promise',
      'setTimeout',
    ],
    ...['require', 'fetch', 'crypto', 'WebAssembly', 'SharedArrayBuffer', 'WeakRef', 'Temporal', 'Iterator'],
  ])('%s is not there', (name) => {
    expect(() => run(name)).toThrow(/is not defined/u);
  });

  it.each([
    'new Date()',
    'Date()',
    'new Date(2026, 0, 1)',
    'new Date("12345-01-01")',
    'new Date("02026-01-01")',
    'new Date("+2026-01-01")',
    'String(new Date(0))',
    '`${new Date(0)}`',
    'new Date("2026-01-02T10:00")',
    'new Date("Jan 2 2026")',
    'Date.parse("2026-01-02 10:00")',
    'new (new Date(0).constructor)()',
    'new (Object.getPrototypeOf(new Date(0)).constructor)()',
    '[].at["constr" + "uctor"]("return 1")()',
    'Object.getPrototypeOf((function* () {}).constructor)("return 1")',
    '[].at.constructor.constructor("return process")()',
    'Math.count = 1',
    'Object.prototype.count = 1',
    'Array.prototype.count = 1',
    '[].values().__proto__.count = 1',
    '"".matchAll(/x/g).__proto__.__proto__.count = 1',
    'Date.count = 1',
    'Math = 1',
    'count = 1',
  ])('%s throws', (expression) => {
    expect(() => run(expression)).toThrow();
  });

  it('takes of a date its moment, whatever it says that it is made of', () => {
    expect(
      run(
        '{ const at = new Date(5); Object.defineProperty(at, "toString", { value: () => "2026" }); return String(new Date(at).getTime()); }',
      ),
    ).toBe('5');
  });

  it('keeps nothing from one call to the next', () => {
    const counting = (text: string): unknown[] => {
      const counted = pureFunction(text);
      return [1, 2].map(() => {
        try {
          return counted('a');
        } catch {
          return 'threw';
        }
      });
    };
    expect(counting('function f() { f.count = (f.count ?? 0) + 1; return f.count; }')).toEqual(['threw', 'threw']);
    expect(counting('function f() { f.prototype.count = (f.prototype.count ?? 0) + 1; return f.prototype.count; }')).toEqual([
      'threw',
      'threw',
    ]);
    expect(counting('(a) => { const r = /a/g; r.test(a); return r.lastIndex; }')).toEqual([1, 1]);
    expect(
      counting('(a) => { const tag = (parts) => { parts.count = (parts.count ?? 0) + 1; return parts.count; }; return tag`x`; }'),
    ).toEqual(['threw', 'threw']);
  });

  it('says nothing of where it runs', () => {
    expect(run('new Error("x").stack')).toBe('Error: x');
    expect(run('{ try { null.x } catch (error) { return error.stack.split("\\n").length } }')).toBe(1);
  });

  it('is not our own realm', () => {
    expect(run('[].constructor === b', '', Array)).toBe(false);
    expect((run('{ try { null.x } catch (error) { return error } }') as object) instanceof Error).toBe(false);
  });
});
