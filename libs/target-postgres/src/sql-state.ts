import { types } from 'node:util';

import { ChangeoverError, type ErrorCode } from '@changeover/core';
import pg from 'pg';

/**
 * What an error of the target means.
 * `row`: the target refuses a row; bisection finds it. `form`: a table may not be what it was; look at the catalogue. Otherwise the code to stop or
 * retry with.
 */
export type Verdict = 'row' | 'form' | ErrorCode;

/** https://www.postgresql.org/docs/current/errcodes-appendix.html: whole classes (two characters) and single states. */
const VERDICTS: Readonly<Record<string, Verdict>> = {
  '08': 'TARGET_UNREACHABLE', // connection exceptions
  '26000': 'TARGET_UNREACHABLE', // a prepared statement is gone: another session behind a pooler
  '25006': 'TARGET_UNREACHABLE', // read-only: a standby, for now
  '25P03': 'TARGET_UNREACHABLE', // idle in transaction for too long: the session is gone
  '28': 'TARGET_DENIED',
  '3D000': 'TARGET_DENIED', // no such database
  '40': 'TARGET_BUSY', // deadlock, serialization
  '42501': 'TARGET_DENIED',
  '42P01': 'form', // no such table
  '42703': 'form', // no such column
  '42704': 'form', // no such type
  '42804': 'form', // another type
  '428C9': 'row', // an identity column that always generates
  '53': 'TARGET_UNREACHABLE', // disk full, out of memory, too many connections
  '55P03': 'TARGET_BUSY', // lock not available
  '57014': 'TARGET_BUSY', // cancelled: statement time-out
  '57P': 'TARGET_UNREACHABLE', // shut down, crashed, starting up
  '58': 'TARGET_UNREACHABLE', // the server's own I/O
};

const BUGS: ReadonlySet<string> = new Set(['EvalError', 'RangeError', 'ReferenceError', 'SyntaxError', 'TypeError']);

/** The one place that decides, by SQLSTATE and error class, never by message text. */
export function verdictOf(error: unknown): Verdict {
  if (error instanceof ChangeoverError) return error.code;
  if (!(error instanceof pg.DatabaseError)) {
    // A lost connection is a plain or a system error; anything more special is a bug of ours.
    return types.isNativeError(error) && !BUGS.has(error.name) ? 'TARGET_UNREACHABLE' : 'INTERNAL';
  }
  const state = error.code ?? '';
  // A trigger may raise whatever it likes, also what would be our mistake if it came from our own statement (no context).
  const raisedWithin = error.where !== undefined;
  const verdict = VERDICTS[state] ?? VERDICTS[state.slice(0, 3)] ?? VERDICTS[state.slice(0, 2)];
  if (verdict !== undefined) return raisedWithin && verdict === 'form' ? 'row' : verdict;
  if (!raisedWithin && (state.startsWith('42') || state.startsWith('XX'))) return 'INTERNAL';
  return 'row';
}

/** What class 22 means in words: the server's own messages quote the value. */
const DATA_EXCEPTIONS: Readonly<Record<string, string>> = {
  '22001': 'the value is too long for the column',
  '22003': 'the number is out of range',
  '22007': 'not a valid date or time',
  '22008': 'the date or time is out of range',
  '22P02': 'the text is not valid for the column’s type',
  '22P03': 'the binary value is not valid for the column’s type',
};

/** Why the target refused a row, without values of the row (so never the server's DETAIL). */
export function reasonOf(error: pg.DatabaseError): string {
  const state = error.code ?? '';
  if (state.startsWith('22')) return DATA_EXCEPTIONS[state] ?? `the value does not fit the column (SQLSTATE ${state})`;
  return error.message;
}

/** Classes whose messages name objects of the database only, never values. */
const SAFE_MESSAGES = /^(08|25|28|3D|40|42|53|55|57|58)/;

/** The error as ours. The original is not kept as cause: its DETAIL may hold values of a row. */
export function targetError(error: unknown, verdict: Exclude<Verdict, 'row' | 'form'>): ChangeoverError {
  if (error instanceof ChangeoverError) return error;
  if (error instanceof pg.DatabaseError) {
    const state = error.code ?? '';
    const message = SAFE_MESSAGES.test(state)
      ? `the target says: ${error.message} (SQLSTATE ${state})`
      : `the target reports SQLSTATE ${state}`;
    const facts = { sqlstate: state, table: error.table ?? null, constraint: error.constraint ?? null };
    return new ChangeoverError(verdict, message, { facts });
  }
  return new ChangeoverError(verdict, messageOf(error), { cause: error });
}

/** What the target says of our statements about its catalogue: names of objects, never values. `code`: what is told of those that it refuses. */
export function statementError(error: unknown, code: 'REBUILD_REFUSED' | 'SAMPLE_REFUSED'): ChangeoverError {
  if (!(error instanceof pg.DatabaseError)) return asTargetError(error);
  const verdict = verdictOf(error);
  if (verdict !== 'row' && verdict !== 'form' && verdict !== 'INTERNAL') return targetError(error, verdict);
  const state = error.code ?? 'none';
  // Class 23 and 22 come of rows.
  const what = /^(0A|2B|42)/u.test(state) ? `${error.message} (SQLSTATE ${state})` : `SQLSTATE ${state}`;
  return new ChangeoverError(code, `the target says: ${what}`, { facts: { sqlstate: state } });
}

/** The error as ours where no batch is tried, so that no row and no form can be at fault. */
export function asTargetError(error: unknown): ChangeoverError {
  const verdict = verdictOf(error);
  return targetError(error, verdict === 'row' || verdict === 'form' ? 'INTERNAL' : verdict);
}

/** Where a name has several addresses, the error for all of them has no message of its own. */
function messageOf(error: unknown): string {
  if (!types.isNativeError(error)) return String(error);
  const { errors } = error as { errors?: readonly unknown[] };
  return error.message === '' && errors?.[0] !== undefined ? messageOf(errors[0]) : error.message;
}
