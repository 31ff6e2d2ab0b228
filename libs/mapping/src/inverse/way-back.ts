import { ConversionProblem, type Converter, type Converters } from '../compiled-rule.js';
import { customFunction, customInverse, type CustomExpression } from '../custom/custom-function.js';
import { columnsRead, printExpression } from '../print-rule.js';
import type { Condition, Expression } from '../rule.js';
import type { Problems, Rows, Scope } from '../scope.js';
import { integerKeyBack, jsonValueBack, splitPartBack } from '../text-functions.js';
import { uuidKeyBack } from '../uuid-key.js';
import { putBack, type Inverse, type Inverses } from './inverse.js';

/**
 * Whether what the source had can be had back from a column of the target.
 * - `exact`: from the value alone.
 * - `kept`: from the value and what the source has; `reasons` say what the value alone does not tell.
 * - `lossy`: a value that somebody has changed at the target cannot be written to the source, or not always. One that nobody changed stays as it is.
 */
export type WayBack = { readonly kind: 'exact' | 'kept' | 'lossy'; readonly reasons: readonly string[] };

/** What columns of the driving row have to hold, by their place in it. */
type Edits = readonly (readonly [place: number, value: string | null])[];

/**
 * An expression that can be gone through both ways, a lens (Foster et al., Combinators for Bidirectional Tree Transformations, 2005): `get` reads its value,
 * `put` says what changes in the driving row so that `get` gives another one; null: there is no way. Unless the way back is lossy, it holds for each value that some
 * row has.
 */
export type Lens = {
  readonly wayBack: WayBack;
  readonly get: Read;
  readonly put: (value: string | null, rows: Rows) => Edits | null;
  /** What `put` has a way for: any text, what converters write, or only values that some row has. */
  readonly takes: 'any' | 'written' | 'own';
};

/** A problem holds the row. */
type Read = (rows: Rows) => string | null | ConversionProblem;

export type LensParts = {
  readonly scope: Scope;
  readonly converters: Converters;
  readonly inverses: Inverses;
  /** What is said of a join's column. */
  readonly ofJoin: (alias: string) => string;
};

const EXACT: WayBack = { kind: 'exact', reasons: [] };
const HELD = new ConversionProblem('held');
const NO_EDITS: Edits = [];
const NOWHERE = (): null => null;

/** What changes in the driving row so that the lens gives this value; nothing where it does so already. */
function put({ get, put: write }: Lens, value: string | null, rows: Rows): Edits | null {
  return get(rows) === value ? NO_EDITS : write(value, rows);
}

export function lensOf(expression: Expression, parts: LensParts): Lens {
  const get = reading(expression, parts.scope);
  const lossy = (reason: string): Lens => ({ wayBack: wayBack('lossy', reason), get, put: NOWHERE, takes: 'own' });
  if ('column' in expression) {
    const { column, of } = expression;
    if (of !== undefined) return lossy(parts.ofJoin(of));
    const { index } = parts.scope.column(column, '');
    return { wayBack: EXACT, get, put: (value) => [[index, value]], takes: 'any' };
  }
  if ('constant' in expression) return lossy('the rule says what it is');
  if ('field' in expression) return lossy('one value out of a JSON text');
  if ('object' in expression || 'array' in expression) return lossy('several values in one text');
  if ('keyOf' in expression) return lossy('it is the key of another row');
  if ('input' in expression) return throughConversion(expression, parts, get);
  if ('custom' in expression) return throughCustom(expression, parts, get) ?? lossy(`nobody knows the way back of ${expression.custom}`);
  if ('when' in expression) return throughCases(expression, parts, get) ?? lossy('a condition decides where it comes from');
  const inputs = 'first' in expression ? expression.first : expression.concat;
  const [only] = inputs;
  if (inputs.length === 1 && only !== undefined) return lensOf(only, parts);
  const lenses = inputs.map((input) => lensOf(input, parts));
  return readOnce(
    inputs,
    'first' in expression
      ? throughFirst(expression.first, lenses, get)
      : throughConcat(expression.concat, expression.separator, lenses, get),
  );
}

/** A column that several inputs read cannot be what each of them would have it be. */
function readOnce(inputs: readonly Expression[], lens: Lens): Lens {
  const twice = repeated(inputs.flatMap((input) => columnsRead(input).map(({ column }) => column)));
  return twice === undefined
    ? lens
    : { ...lens, wayBack: worst(lens.wayBack, wayBack('lossy', `${twice} is read more than once`)), takes: 'own' };
}

/** Its inverse says what all inputs are, whatever they were. Null: it has none. */
function throughCustom(expression: CustomExpression, parts: LensParts, get: Read): Lens | null {
  const { custom, inputs, inverse, invalid } = expression;
  if (inverse === undefined) return null;
  const [made, back] = [customFunction(expression), customInverse(expression)];
  const lenses = inputs.map((input) => lensOf(input, parts));
  const ways = [inverse.exact ? EXACT : wayBack('kept', `several inputs of ${custom} become the same`)];
  // What it gives may be any text; and of an empty value it does not know whether the function gave that.
  if (lenses.some(({ takes }) => takes !== 'any')) ways.push(wayBack('lossy', 'one conversion upon another'));
  if (invalid === 'empty') ways.push(wayBack('lossy', 'what cannot be converted is left empty'));
  return readOnce(inputs, {
    wayBack: worst(...ways, ...lenses.map((lens) => lens.wayBack)),
    get,
    put: (value, rows) => {
      const values = back(value);
      // What does not become the value is no way: another may be.
      return values === null || made(values) !== value ? null : all(lenses.map((lens, index) => put(lens, values[index] ?? null, rows)));
    },
    takes: 'own',
  });
}

function reading(expression: Expression, scope: Scope): Read {
  const problems: Problems = { found: [] };
  const evaluate = scope.evaluate(expression, '', { column: '', problems });
  return (rows) => {
    problems.found = [];
    const value = evaluate(rows);
    return problems.found.length === 0 ? value : HELD;
  };
}

/** The one of which less comes back, with the reasons of all. */
export function worst(...ways: readonly WayBack[]): WayBack {
  const kinds = ways.map(({ kind }) => kind);
  const kind = kinds.includes('lossy') ? 'lossy' : kinds.includes('kept') ? 'kept' : 'exact';
  return { kind, reasons: [...new Set(ways.flatMap(({ reasons }) => reasons))] };
}

export function wayBack(kind: WayBack['kind'], reason: string): WayBack {
  return { kind, reasons: [reason] };
}

type Conversion = Exclude<Extract<Expression, { readonly input: Expression }>, { readonly field: unknown }>;

function throughConversion(expression: Conversion, parts: LensParts, get: Read): Lens {
  const input = lensOf(expression.input, parts);
  const { write, way, needs, leavesWritten } = conversionBack(expression, parts);
  const fits = TAKEN.indexOf(input.takes) <= TAKEN.indexOf(needs);
  return {
    wayBack: worst(way, input.wayBack, ...(fits ? [] : [wayBack('lossy', 'one conversion upon another')])),
    get,
    put: (value, rows) => {
      const written = write(value, nullOfProblem(input.get(rows)));
      return written instanceof ConversionProblem ? null : put(input, written, rows);
    },
    takes: fits && leavesWritten ? 'written' : 'own',
  };
}

/** Only the list of numbers says of which. */
const OF_ANOTHER_KEY = new ConversionProblem('the number of another key');

const TAKEN: readonly Lens['takes'][] = ['any', 'written', 'own'];

type ConversionBack = {
  /** The text for this value, where there is this text before. */
  readonly write: (value: string | null, before: string | null) => string | null | ConversionProblem;
  readonly way: WayBack;
  /** What it can give its input to take. */
  readonly needs: Lens['takes'];
  readonly leavesWritten: boolean;
};

function conversionBack(expression: Conversion, { scope, inverses }: LensParts): ConversionBack {
  if ('split' in expression)
    return {
      write: (value, before) => splitPartBack(expression.split, expression.part, value, before),
      way: wayBack('kept', 'the other parts of the text'),
      needs: 'any',
      leavesWritten: false,
    };
  const convert = scope.converter(expression);
  const inverse = inverseOf(expression, inverses);
  const empties = 'invalid' in expression && expression.invalid === 'empty';
  const given: Converter = empties ? (text) => nullOfProblem(convert(text)) : convert;
  const way = inverse.kind === 'exact' ? EXACT : wayBack(inverse.kind, inverse.reason);
  return {
    write: (value, before) => putBack({ convert: given, inverse }, value, before),
    way: empties ? worst(way, wayBack('kept', 'what cannot be converted is left empty')) : way,
    // What is JSON already is written as it is.
    needs: 'json' in expression ? 'own' : 'written',
    leavesWritten: inverse.kind === 'kept' && inverse.leavesWritten === true,
  };
}

function nullOfProblem(converted: ReturnType<Converter>): string | null {
  return converted instanceof ConversionProblem ? null : converted;
}

function inverseOf(expression: Exclude<Conversion, { readonly split: string }>, inverses: Inverses): Inverse {
  if ('uuid' in expression) return { kind: 'kept', reason: 'the key where it is no UUID', write: uuidKeyBack };
  if ('allocated' in expression) return { kind: 'kept', reason: 'the key that has the number', write: () => OF_ANOTHER_KEY };
  if ('stride' in expression) return { kind: 'exact', write: integerKeyBack(expression.stride, expression.offset) };
  if ('json' in expression) return { kind: 'exact', write: jsonValueBack(expression.json) };
  const { convert, options } = expression;
  const make = Object.hasOwn(inverses, convert) ? inverses[convert] : undefined;
  return make?.(options) ?? { kind: 'lossy', reason: `nobody knows the way back of ${convert}` };
}

/** What is changed is the one that gave the value, or else the first that can; those before it become empty. */
function throughFirst(inputs: readonly Expression[], lenses: readonly Lens[], get: Read): Lens {
  const end = inputs.findIndex((input) => 'constant' in input && input.constant !== null);
  const read = end === -1 ? lenses : lenses.slice(0, end);
  const ways = read.map((lens) => lens.wayBack);
  return {
    wayBack:
      read.length === 0 ? wayBack('lossy', 'the rule says what it is') : worst(...ways, wayBack('kept', 'which of them it comes from')),
    get,
    put: (value, rows) => {
      const empty = (some: readonly Lens[]): Edits | null => all(some.map((lens) => put(lens, null, rows)));
      // With a constant at its end it never is null.
      if (value === null) return end === -1 ? empty(read) : null;
      const given = read.find((lens) => lens.get(rows) !== null);
      for (const lens of given === undefined ? read : [given, ...read]) {
        const edits = all([put(lens, value, rows), empty(read.slice(0, read.indexOf(lens)))]);
        if (edits !== null) return edits;
      }
      return value === lenses[end]?.get(rows) ? empty(read) : null;
    },
    takes: end === -1 ? (TAKEN[Math.max(...read.map(({ takes }) => TAKEN.indexOf(takes)))] as Lens['takes']) : 'own',
  };
}

/** The parts are what the separator divides; of those that are not there nothing tells which they are. */
function throughConcat(inputs: readonly Expression[], separator: string, lenses: readonly Lens[], get: Read): Lens {
  const plain = inputs.every((input) => 'column' in input);
  const way =
    separator === ''
      ? wayBack('lossy', 'nothing stands between the parts')
      : plain
        ? wayBack('kept', 'which of the parts they are')
        : wayBack('lossy', 'the parts are told apart by what stands between them alone');
  return {
    wayBack: worst(...lenses.map((lens) => lens.wayBack), way),
    get,
    put: (value, rows) => {
      if (value === null) return all(lenses.map((lens) => put(lens, null, rows)));
      if (separator === '') return null;
      const there = lenses.filter((lens) => lens.get(rows) !== null);
      const pieces = value.split(separator);
      const taking = pieces.length === there.length ? there : lenses.slice(0, pieces.length);
      const rest = pieces.slice(taking.length - 1).join(separator);
      return all(
        lenses.map((lens) => {
          const place = taking.indexOf(lens);
          return put(lens, place === -1 ? null : place === taking.length - 1 ? rest : (pieces[place] as string), rows);
        }),
      );
    },
    takes: plain && separator !== '' ? 'any' : 'own',
  };
}

/** Null: the cases are not those of one column of the driving row, each with a text of its own. */
function throughCases(
  { when: cases, otherwise = { constant: null } }: Extract<Expression, { readonly when: unknown }>,
  parts: LensParts,
  get: Read,
): Lens | null {
  const column = casesOf(cases);
  if (column === null || !('constant' in otherwise)) return null;
  const lens = lensOf(column.of, parts);
  if (lens.wayBack.kind !== 'exact') return null;
  const back = new Map<string | null, string | null>();
  const known = new Set<string | null>();
  let several = false;
  for (const { values, then } of column.cases)
    for (const value of values) {
      if (known.has(value)) continue;
      known.add(value);
      if (back.has(then)) several = true;
      else back.set(then, value);
    }
  // What is no case becomes this: an empty column does, if that is none either.
  const isCase = back.has(otherwise.constant);
  const others = isCase || (otherwise.constant === null && !known.has(null)) ? [] : [wayBack('lossy', 'all other values become one')];
  const ways = several || isCase ? [wayBack('kept', 'several values become the same one')] : [];
  return {
    wayBack: worst(EXACT, ...ways, ...others),
    get,
    put: (value, rows) => {
      const written = back.get(value);
      if (written !== undefined) return put(lens, written, rows);
      return value === otherwise.constant && !known.has(null) ? put(lens, null, rows) : null;
    },
    takes: 'own',
  };
}

type Cases = {
  readonly of: Expression;
  readonly cases: readonly { readonly values: readonly (string | null)[]; readonly then: string | null }[];
};

function casesOf(cases: readonly { readonly if: Condition; readonly then: Expression }[]): Cases | null {
  const [first] = cases;
  if (first === undefined || !('is' in first.if) || !('column' in first.if.is)) return null;
  const of = first.if.is;
  const same = printExpression(of);
  const found = cases.flatMap(({ if: condition, then }) =>
    'is' in condition && printExpression(condition.is) === same && 'constant' in then
      ? [{ values: condition.in, then: then.constant }]
      : [],
  );
  return found.length === cases.length ? { of, cases: found } : null;
}

function all(edits: readonly (Edits | null)[]): Edits | null {
  const every: (readonly [number, string | null])[] = [];
  for (const one of edits) {
    if (one === null) return null;
    every.push(...one);
  }
  return every;
}

function repeated(names: readonly string[]): string | undefined {
  return names.find((name, index) => names.indexOf(name) !== index);
}
