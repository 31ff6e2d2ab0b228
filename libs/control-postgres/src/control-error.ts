import { isNativeError } from 'node:util/types';

import { ChangeoverError, type ErrorCode } from '@changeover/core';

/** SQLSTATEs (https://www.postgresql.org/docs/current/errcodes-appendix.html) that only an operator can mend. */
const DENIED = new Set(['28000', '28P01', '3D000', '42501']);

/** Classes, or whole states, that pass by themselves: connection, resources, shutdown, a standby that is not promoted yet. */
const PASSING = ['08', '53', '57P', '57014', '25006', '40'];

/** No class begins with E, but EPIPE does. */
const SQLSTATE = /^[0-9A-DF-Z][0-9A-Z]{4}$/;

const BUGS = new Set(['TypeError', 'RangeError', 'ReferenceError']);

/**
 * An error of the control database under our codes. Decided by SQLSTATE and class, never by text. An error without a
 * SQLSTATE comes from the connection (system errors, pg's own "terminated unexpectedly"), unless it is a bug's class.
 */
export function controlError(error: unknown): ChangeoverError {
  if (error instanceof ChangeoverError) return error;
  const code = sqlState(error);
  return new ChangeoverError(classify(error, code), `the control database: ${describe(error, code)}`, {
    cause: error,
    facts: code === null ? {} : { sqlState: code },
  });
}

function classify(error: unknown, code: string | null): ErrorCode {
  if (code === null) return isBug(error) ? 'INTERNAL' : 'CONTROL_UNREACHABLE';
  if (DENIED.has(code)) return 'CONTROL_DENIED';
  return PASSING.some((start) => code.startsWith(start)) ? 'CONTROL_UNREACHABLE' : 'INTERNAL';
}

/** `isNativeError` and names, because an error that Node itself makes may be of another realm than ours. */
function isBug(error: unknown): boolean {
  return !isNativeError(error) || BUGS.has(error.name);
}

function sqlState(error: unknown): string | null {
  const code = isNativeError(error) && 'code' in error ? error.code : null;
  return typeof code === 'string' && SQLSTATE.test(code) ? code : null;
}

/** An AggregateError (a host with several addresses) has an empty message of its own. */
function describe(error: unknown, code: string | null): string {
  const inner: unknown = isNativeError(error) && 'errors' in error && Array.isArray(error.errors) ? error.errors[0] : error;
  const message = isNativeError(inner) ? inner.message : String(inner);
  return code === null ? message : `${message} (SQLSTATE ${code})`;
}
