import { constants, createContext, runInContext, type Context } from 'node:vm';

import { byText } from './by-text.js';

/** What a custom function finds besides its arguments: what JavaScript itself has, as far as it is the same everywhere. */
export const GLOBALS: ReadonlySet<string> = new Set([
  ...['Array', 'BigInt', 'Boolean', 'Date', 'JSON', 'Map', 'Math', 'Number', 'Object', 'RegExp', 'Set', 'String'],
  ...['Error', 'RangeError', 'SyntaxError', 'TypeError', 'Infinity', 'NaN', 'undefined'],
  ...['decodeURI', 'decodeURIComponent', 'encodeURI', 'encodeURIComponent', 'isFinite', 'isNaN', 'parseFloat', 'parseInt'],
]);

/** Methods whose answer depends on the machine's language. */
export const OF_LANGUAGE: ReadonlySet<string> = new Set([
  ...['localeCompare', 'toLocaleDateString', 'toLocaleLowerCase', 'toLocaleString', 'toLocaleTimeString', 'toLocaleUpperCase'],
]);

/** Methods of a date whose answer depends on the machine's time zone; its `toString` does too. */
export const OF_TIME_ZONE: ReadonlySet<string> = new Set([
  ...['Date', 'Day', 'FullYear', 'Hours', 'Milliseconds', 'Minutes', 'Month', 'Seconds', 'Year'].flatMap((part) => [
    `get${part}`,
    `set${part}`,
  ]),
  ...['getTimezoneOffset', 'toDateString', 'toTimeString'],
]);

/**
 * Runs in the realm, before anything else does. What is not the same everywhere goes, and nothing can be changed afterwards: so a function cannot keep anything
 * from one call to the next. A date can be made of a number, or of a text that names its moment.
 */
const HARDENING = `(globals, impure) => {
  const [root, RealDate, { freeze }] = [globalThis, Date, Object];
  const { apply, construct, defineProperty, deleteProperty, ownKeys, getOwnPropertyDescriptor, getPrototypeOf } = Reflect;
  const { getTime } = RealDate.prototype;
  const MOMENT = /^(?!-000000)(?:\\d{4}|[+-]\\d{6})-\\d\\d-\\d\\d(?:T\\d\\d:\\d\\d(?::\\d\\d(?:\\.\\d+)?)?(?:Z|[+-]\\d\\d:\\d\\d))?$/;
  const isMoment = (at) => typeof at === 'number' || at instanceof RealDate || (typeof at === 'string' && MOMENT.test(at));
  const checked = (at) => {
    if (!isMoment(at)) throw new TypeError('no moment');
    // Whatever it says that it is made of.
    return typeof at === 'object' ? apply(getTime, at, []) : at;
  };
  function PureDate(...given) {
    if (new.target === undefined || given.length !== 1) throw new TypeError('no moment');
    return construct(RealDate, [checked(given[0])], new.target);
  }
  PureDate.prototype = RealDate.prototype;
  PureDate.prototype.constructor = PureDate;
  PureDate.UTC = RealDate.UTC;
  PureDate.parse = (text) => RealDate.parse(checked(text));
  root.Date = PureDate;
  delete Math.random;
  // Not "[object Date]", as it would be without.
  Date.prototype.toString = () => {
    throw new TypeError('no text of a date but by toISOString');
  };
  delete Error.captureStackTrace;
  Error.stackTraceLimit = 0;
  for (const name of Object.getOwnPropertyNames(RegExp)) if (/^(?:\\$|input|last|left|right)/.test(name)) delete RegExp[name];
  const hidden = [[].values(), ''[Symbol.iterator](), new Map().values(), new Set().values(), ''.matchAll(/x/g), (function* () {})()];
  const seen = new Set();
  const settle = (value) => {
    if (value === null || (typeof value !== 'object' && typeof value !== 'function') || seen.has(value)) return;
    seen.add(value);
    for (const name of impure) delete value[name];
    for (const key of ownKeys(value)) {
      const one = getOwnPropertyDescriptor(value, key);
      for (const part of [one.value, one.get, one.set]) settle(part);
    }
    settle(getPrototypeOf(value));
    freeze(value);
  };
  // What Node was told to expose cannot be deleted, only be made nothing.
  for (const name of Object.getOwnPropertyNames(root)) if (!globals.includes(name) && !deleteProperty(root, name)) root[name] = undefined;
  // So that an object of somebody's own may have these names: what is frozen above it would forbid it.
  for (const key of ownKeys(Object.prototype)) {
    const { value } = getOwnPropertyDescriptor(Object.prototype, key);
    if (value === undefined || impure.includes(key)) continue;
    hidden.push(value);
    const get = () => value;
    function set(given) {
      if (this === Object.prototype) throw new TypeError('frozen');
      defineProperty(this, key, { value: given, writable: true, enumerable: true, configurable: true });
    }
    defineProperty(Object.prototype, key, { get, set, enumerable: false, configurable: false });
  }
  for (const one of [...hidden, root]) settle(one);
}`;

let realm: Context | undefined;

/**
 * The function that a text says, which must be that of one function expression and nothing else. It can reach nothing but {@link GLOBALS}: no clock, no chance, no files, nothing of this
 * process, and no code that it would make of a text. What it throws is of its own realm.
 */
export const pureFunction = byText((text: string): ((...values: readonly unknown[]) => unknown) => {
  realm ??= hardened();
  const made = runInContext(`'use strict';(\n${text}\n)`, realm, { filename: 'custom function' }) as (
    ...values: readonly unknown[]
  ) => unknown;
  if (typeof made.prototype === 'object') Object.freeze(made.prototype);
  return Object.freeze(made);
});

function hardened(): Context {
  // An ordinary global object: each look at one that Node watches would take a microsecond.
  const made = createContext(constants.DONT_CONTEXTIFY, { codeGeneration: { strings: false, wasm: false } });
  const lists = [GLOBALS, new Set([...OF_LANGUAGE, ...OF_TIME_ZONE])].map((names) => JSON.stringify([...names]));
  runInContext(`'use strict';(${HARDENING})(${lists.join(', ')})`, made);
  return made;
}
