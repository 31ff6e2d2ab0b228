import { isNativeError } from 'node:util/types';

import { ChangeoverError } from '@changeover/core';

import type { LogFacts } from './log-keys.js';

const CAUSES_AT_MOST = 5;
/** Classes whose messages the language writes, without data. (A SyntaxError quotes what it could not parse.) */
const SPOKEN_CLASSES = new Set(['TypeError', 'RangeError', 'ReferenceError']);

/**
 * What may be told of an error. Messages of ours are written without record values; those of drivers quote them
 * (`invalid input syntax for type integer: "…"`), so of a foreign error only class, code and the names of constraint, table and column are told.
 */
export function errorFacts(error: ChangeoverError): LogFacts {
  return {
    code: error.code,
    nextStep: error.nextStep,
    ...(Object.keys(error.facts).length > 0 ? { facts: error.facts } : {}),
    ...(error.cause === undefined ? {} : { cause: causesOf(error.cause).join(' < ') }),
    ...(error.code === 'INTERNAL' ? { stack: placesOf(error) } : {}),
  };
}

/** The error's own message, or, where it only repeats a foreign error's, that error's class and code. */
export function safeMessage(error: ChangeoverError): string {
  const { cause } = error;
  const repeats =
    isNativeError(cause) && !(cause instanceof ChangeoverError) && error.code === 'INTERNAL' && error.message === cause.message;
  if (!repeats || SPOKEN_CLASSES.has(cause.name)) return error.message;
  return `an unexpected ${describeCause(cause)}`;
}

function causesOf(cause: unknown): string[] {
  const chain: string[] = [];
  for (let next = cause; next !== undefined && chain.length < CAUSES_AT_MOST; next = isNativeError(next) ? next.cause : undefined)
    chain.push(describeCause(next));
  return chain;
}

function describeCause(cause: unknown): string {
  if (!isNativeError(cause)) return typeof cause;
  const names = ['code', 'constraint', 'schema', 'table', 'column'] as const;
  const found = names.flatMap((name) => {
    const value = (cause as unknown as Readonly<Record<string, unknown>>)[name];
    return typeof value !== 'string' ? [] : [name === 'code' ? value : `${name} ${value}`];
  });
  return [cause.name, ...found].join(' ');
}

/** The frames of the innermost error, without the message above them. */
function placesOf(error: Error): string {
  const innermost = isNativeError(error.cause) ? error.cause : error;
  return (innermost.stack ?? '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .map((line) => line.trim())
    .join(' | ');
}
