import { functionProblems } from './function-problems.js';

const words = (text: string): readonly string[] => functionProblems(text).map(({ word }) => word);

describe('what a custom function must not have in it', () => {
  it.each([
    '(a, b) => (a === null ? b : `${a} ${b ?? ""}`)',
    'function (a) { return a; }',
    'function named(a) { return a === null ? null : named(null); }',
    '({ length: n }, [first, , ...rest], x = first, ...more) => { const { y: { z }, ...others } = { y: { z: 1 } }; return String(n + x + z + rest.length + more.length + others.w); }',
    '(a) => { outer: for (const [i, c] of [...a].entries()) { if (c === "x") continue outer; if (i > 3) break outer; } return a; }',
    '(a) => { try { return JSON.parse(a).process; } catch (error) { return error instanceof SyntaxError ? null : a; } }',
    '(a) => { class Item { fetch() { return 1; } } const process = { Date: 1, require: new Item().fetch() }; return String(process.Date); }',
    '(a) => { const pairs = { a, b: a }; return pairs.a + new Date(Date.UTC(2026, 1)).getUTCDate() + Math.min(1, Infinity); }',
    '(a) => { let count = 0; for (let i = 0; i < a.length; i++) count += i; function inner(x) { return x; } return String(inner(count)); }',
  ])('%s has nothing', (text) => {
    expect(functionProblems(text)).toEqual([]);
  });

  it.each<[string, readonly string[]]>([
    ['(a) => Date.now() + a', ['now']],
    ['(a) => new Date().toISOString()', ['Date']],
    ['(a) => new Date(2026, 1).toISOString()', ['Date']],
    ['(a) => Date()', ['Date']],
    ['(a) => String(Math.random())', ['random']],
    ['(a) => a.toLocaleUpperCase()', ['toLocaleUpperCase']],
    ['(a) => a["localeCompare"]("b")', ['"localeCompare"']],
    ['(a) => String(new Date(a).getHours())', ['getHours']],
    ['(a) => process.env.HOME', ['process']],
    ['(a) => globalThis.x ?? performance.now() ?? crypto.randomUUID()', ['globalThis', 'performance', 'crypto']],
    ['(a) => new Intl.NumberFormat().format(a)', ['Intl']],
    ['(a) => fetch(a) ?? require("fs") ?? eval(a) ?? Function(a)', ['fetch', 'require', 'eval', 'Function']],
    ['(a) => import("fs")', ['import']],
    ['(a) => this.x', ['this']],
    ['function () { return this; }', ['this']],
    ['async (a) => a', ['async']],
    ['async function (a) { return await a; }', ['async']],
    ['function* (a) { yield a; }', ['*']],
    ['(a) => { const later = async () => a; return a; }', ['async']],
    ['(a) => ({ ...upper })', ['upper']],
    ['(a) => ({ [key]: a, upper })', ['key', 'upper']],
    ['(a) => (0, _helpers.upper)(a)', ['upper']],
    ['(a = other) => a', ['other']],
    ['(a) => `x ${TABLE[a]}`', ['TABLE']],
    ['(a) => { counter += 1; return a; }', ['counter']],
  ])('%s', (text, found) => {
    expect(words(text)).toEqual(found);
  });

  it.each([
    'a => a), (b',
    'a => a); process.exit(1); (b => b',
    '(() => (a) => a)()',
    'class A {}',
    '"text"',
    'function trim() { [native code] }',
    'function (a) { with (a) { return b; } }',
    '(a) => {',
    '',
  ])('%j is no function', (text) => {
    expect(functionProblems(text)).toEqual([
      expect.objectContaining({ message: expect.stringContaining('it is no function that is written out'), word: '' }),
    ]);
  });

  it('says where', () => {
    const text = '(a) => {\n  const b = "process";\n  return b + a.process + process.pid +\n    process.ppid;\n}';
    expect(functionProblems(text)).toEqual([
      {
        word: 'process',
        nth: 1,
        line: 3,
        column: 26,
        message: expect.stringContaining('process is nothing of its own. Give it what it needs'),
      },
      { word: 'process', nth: 2, line: 4, column: 5, message: expect.stringContaining('process') },
    ]);
    expect(functionProblems('x => y')).toMatchObject([{ line: 1, column: 6 }]);
    expect(functionProblems('(a) => {\n  return (;\n}')).toMatchObject([{ line: 2, column: 11 }]);
  });
});
