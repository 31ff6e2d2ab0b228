import { parse, type Node, type Token } from 'acorn';

import { byText } from './by-text.js';
import { GLOBALS, OF_LANGUAGE, OF_TIME_ZONE } from './pure-realm.js';

/** Something that no custom function may have in it. */
export type FunctionProblem = {
  readonly message: string;
  /** In the function's text; both from 1. */
  readonly line: number;
  readonly column: number;
  /** What it is about, and the how manieth of its kind in the text it is, from 0: by this it is found again where the function was written. */
  readonly word: string;
  readonly nth: number;
};

/** A function of a mapping that must not be one: `part` says which of its texts is wrong. */
export type WrongFunction = { readonly custom: string; readonly part: 'fn' | 'inverse'; readonly problem: FunctionProblem };

/** All that is wrong with the custom functions in what a mapping file gave, whatever else may be. Of a function that is called more than once it is said once. */
export function wrongFunctions(given: unknown): readonly WrongFunction[] {
  const found = new Map<string, WrongFunction>();
  const seen = new Set<unknown>();
  const look = (value: unknown): void => {
    if (typeof value !== 'object' || value === null || seen.has(value)) return;
    seen.add(value);
    const { custom, fn, inverse } = value as {
      readonly custom?: unknown;
      readonly fn?: unknown;
      readonly inverse?: { readonly fn?: unknown };
    };
    for (const [part, text] of [
      ['fn', fn],
      ['inverse', inverse?.fn],
    ] as const) {
      if (typeof custom !== 'string' || typeof text !== 'string') continue;
      for (const problem of functionProblems(text)) found.set(JSON.stringify([custom, text, problem]), { custom, part, problem });
    }
    for (const inner of Object.values(value)) look(inner);
  };
  look(given);
  return [...found.values()];
}

/** A node of ESTree, whichever. */
type Part = Node & { readonly [name: string]: unknown };

const FIX = 'Give it what it needs as an argument, or write it out within the function';

/**
 * What stands in a function's text that a custom function must not have: none if the text is one function, in which each name is its own or JavaScript's. It is for who writes such a thing
 * unawares; that no trick leads to the clock either is the realm's doing.
 */
export const functionProblems = byText((text: string): readonly FunctionProblem[] => {
  const tokens: Token[] = [];
  const whole = wrapped(text);
  let body: readonly Part[];
  try {
    // As it is run; the line before it is ours.
    ({ body } = parse(whole, { ecmaVersion: 'latest', onToken: tokens, locations: true }) as unknown as {
      readonly body: readonly Part[];
    });
  } catch (error) {
    const { loc, message } = error as Error & { readonly loc?: Place };
    return [
      { message: `it is no function that is written out (${message.replace(/ \(\d+:\d+\)$/u, '')})`, ...placeIn(loc), word: '', nth: 0 },
    ];
  }
  const root = body.length === 2 ? (body[1]?.['expression'] as Part | undefined) : undefined;
  if (root === undefined || !isFunction(root))
    return [{ message: 'it is no function that is written out, such as (text) => text', line: 1, column: 1, word: '', nth: 0 }];
  const words = tokens.map(({ start, end }) => whole.slice(start, end));
  const found: FunctionProblem[] = [];
  const own = declaredIn(root);
  visit(root, null, (part, parent) => {
    const problem = problemOf(part, parent, own);
    if (problem === null) return;
    const [word, message] = problem;
    const token = tokens.findIndex(({ start }, index) => start >= part.start && words[index] === word);
    const nth = words.slice(0, Math.max(token, 0)).filter((one) => one === word).length;
    found.push({ message, ...placeIn(tokens[token]?.loc?.start), word, nth });
  });
  return found.toSorted((a, b) => a.line - b.line || a.column - b.column);
});

type Place = { readonly line: number; readonly column: number };

function wrapped(text: string): string {
  return `'use strict';(\n${text}\n)`;
}

function placeIn(place: Place = { line: 2, column: 0 }): Place {
  return { line: Math.max(1, place.line - 1), column: place.column + 1 };
}

/** The word that is wrong, and why. */
function problemOf(part: Part, parent: Part | null, own: ReadonlySet<string>): readonly [word: string, message: string] | null {
  if (isFunction(part)) {
    if (part['async'] === true) return ['async', 'it gives its value at once: leave out async'];
    return part['generator'] === true ? ['*', 'it gives one value: a generator is none'] : null;
  }
  switch (part.type) {
    case 'Identifier': {
      const name = part['name'] as string;
      if (!isRead(part, parent) || own.has(name) || GLOBALS.has(name)) return null;
      // What a file imports, its loader calls by another name.
      const imported = parent?.type === 'MemberExpression' && name.startsWith('_') && parent['computed'] !== true;
      const word = imported ? String((parent['property'] as Part)['name']) : name;
      return [word, `${word} is nothing of its own. ${FIX}`];
    }
    case 'ThisExpression':
      return ['this', `this is nothing of its own. ${FIX}`];
    case 'ImportExpression':
      return ['import', `it imports something. ${FIX}`];
    case 'MemberExpression':
      return memberProblem(part);
    case 'NewExpression':
    case 'CallExpression': {
      const isDate = (part['callee'] as Part)['name'] === 'Date' && !own.has('Date');
      if (!isDate || (part.type === 'NewExpression' && (part['arguments'] as readonly unknown[]).length === 1)) return null;
      return [
        'Date',
        'a date like this depends on the clock or the time zone. Make it of one number, such as Date.UTC(…), or of a text with its offset',
      ];
    }
    default:
      return null;
  }
}

function memberProblem(part: Part): readonly [string, string] | null {
  const [object, property] = [part['object'] as Part, part['property'] as Part];
  const name = part['computed'] === true ? property['value'] : property['name'];
  if (typeof name !== 'string') return null;
  const word = part['computed'] === true ? String(property['raw']) : name;
  if (object['name'] === 'Math' && name === 'random') return [word, 'Math.random gives something else each time'];
  if (object['name'] === 'Date' && name === 'now') return [word, `Date.now depends on the clock. ${FIX}`];
  if (OF_LANGUAGE.has(name))
    return [word, `${name} depends on the machine’s language. Compare with < and >, or write out what it should give`];
  return OF_TIME_ZONE.has(name) ? [word, `${name} depends on the machine’s time zone. Take its counterpart with UTC`] : null;
}

function isFunction({ type }: Part): boolean {
  return type === 'ArrowFunctionExpression' || type === 'FunctionExpression' || type === 'FunctionDeclaration';
}

/** Whether the name stands for a value; as a name of a property or a label it does not. */
function isRead(part: Part, parent: Part | null): boolean {
  switch (parent?.type) {
    case 'MemberExpression':
      return parent['object'] === part || parent['computed'] === true;
    case 'Property':
    case 'MethodDefinition':
    case 'PropertyDefinition':
      return parent['value'] === part || parent['computed'] === true || parent['shorthand'] === true;
    case 'LabeledStatement':
    case 'BreakStatement':
    case 'ContinueStatement':
    case 'MetaProperty':
      return false;
    default:
      return true;
  }
}

/**
 * The names that are declared anywhere in it. One that is read outside of its block is taken for its own as well: it is then found to be missing when the function runs, as the realm has no
 * more than JavaScript itself.
 */
function declaredIn(root: Part): ReadonlySet<string> {
  const names = new Set<string>();
  visit(root, null, (part) => {
    if (isFunction(part)) for (const one of part['params'] as readonly Part[]) for (const name of namesIn(one)) names.add(name);
    const declared = part.type === 'CatchClause' ? part['param'] : isFunction(part) || DECLARING.has(part.type) ? part['id'] : null;
    if (declared != null) for (const name of namesIn(declared as Part)) names.add(name);
  });
  return names;
}

const DECLARING: ReadonlySet<string> = new Set(['VariableDeclarator', 'ClassDeclaration', 'ClassExpression']);

/** Those that a pattern declares. */
function namesIn(pattern: Part): readonly string[] {
  switch (pattern.type) {
    case 'Identifier':
      return [pattern['name'] as string];
    case 'ObjectPattern':
      return (pattern['properties'] as readonly Part[]).flatMap((one) => namesIn((one.type === 'Property' ? one['value'] : one) as Part));
    case 'ArrayPattern':
      return (pattern['elements'] as readonly (Part | null)[]).flatMap((one) => (one === null ? [] : namesIn(one)));
    case 'AssignmentPattern':
      return namesIn(pattern['left'] as Part);
    case 'RestElement':
      return namesIn(pattern['argument'] as Part);
    default:
      return [];
  }
}

function visit(part: Part, parent: Part | null, look: (part: Part, parent: Part | null) => void): void {
  look(part, parent);
  // Of `{ a }` key and value are the same name, which is read once.
  const values = Object.entries(part).flatMap(([name, value]) => (name === 'key' && part['shorthand'] === true ? [] : [value].flat()));
  for (const value of values) if (isPart(value)) visit(value, part, look);
}

function isPart(value: unknown): value is Part {
  return typeof value === 'object' && value !== null && typeof (value as Partial<Part>).type === 'string';
}
