import { isNativeError } from 'node:util/types';

import { ChangeoverError, type ErrorCode } from '@changeover/core';
import pg from 'pg';

/**
 * What we were doing, because PostgreSQL uses some SQLSTATEs for several things: `sql` anything by SQL, `connect`,
 * `create` making the slot or the publication, `stream` from START_REPLICATION on.
 */
export type Doing = 'connect' | 'sql' | 'create' | 'stream';

/** SQLSTATEs (https://www.postgresql.org/docs/current/errcodes-appendix.html) whose meaning does not depend on what we did. */
const BY_STATE: Readonly<Record<string, ErrorCode>> = {
  '3D000': 'BAD_SETTINGS', // the database does not exist
  '42501': 'SOURCE_DENIED', // insufficient_privilege
  '53400': 'SOURCE_NOT_READY', // all replication slots are in use
  '55006': 'SOURCE_BUSY', // the slot is active for another process
  '55P03': 'SOURCE_UNREACHABLE', // lock_not_available: somebody works on the table; it passes
  '57014': 'SOURCE_UNREACHABLE', // query_canceled
};

/** 08 connection, 28 authorization, 40 rollback, 53 resources, 57 operator (57P01 admin_shutdown, 57P03 cannot_connect_now …). */
const BY_CLASS: Readonly<Record<string, ErrorCode>> = {
  '08': 'SOURCE_UNREACHABLE',
  '28': 'SOURCE_DENIED',
  '40': 'SOURCE_UNREACHABLE',
  '53': 'SOURCE_UNREACHABLE',
  '57': 'SOURCE_UNREACHABLE',
};

const BY_DOING: Readonly<Record<Doing, Readonly<Record<string, ErrorCode>>>> = {
  connect: {},
  sql: {},
  create: {
    '55000': 'SOURCE_NOT_READY', // wal_level < logical, or a standby
  },
  stream: {
    '42704': 'SOURCE_LOST', // the slot, or in mid-stream the publication, does not exist
    '55000': 'SOURCE_LOST', // the slot was invalidated
    '58P01': 'SOURCE_LOST', // a WAL segment was removed
  },
};

const OTHERWISE: Readonly<Record<Doing, ErrorCode>> = {
  connect: 'BAD_SETTINGS',
  sql: 'INTERNAL',
  create: 'SOURCE_NOT_READY',
  stream: 'SOURCE_DATA',
};

/** Our error for what `pg` or a socket gave. Decides by SQLSTATE and class, never by text. */
export function sourceError(error: unknown, doing: Doing, fix?: string): ChangeoverError {
  if (error instanceof ChangeoverError) return error;
  const code = codeOf(error, doing);
  const text = error instanceof pg.DatabaseError ? withoutValues(error) : isNativeError(error) ? messageOf(error) : String(error);
  const hint = fix === undefined || code !== 'SOURCE_DENIED' ? '' : `. To grant it: ${fix}`;
  return new ChangeoverError(code, `${SAYS[code] ?? 'the source'}: ${text}${hint}`, {
    ...(error instanceof pg.DatabaseError && error.code !== undefined ? { facts: { sqlstate: error.code } } : {}),
    cause: error,
  });
}

const SAYS: Partial<Record<ErrorCode, string>> = {
  SOURCE_UNREACHABLE: 'the source does not answer',
  SOURCE_DENIED: 'the source refuses us',
  SOURCE_LOST: 'the source cannot go on from our position',
  SOURCE_BUSY: 'the slot is held by somebody else',
  BAD_SETTINGS: 'the source does not take what its url says',
};

function codeOf(error: unknown, doing: Doing): ErrorCode {
  if (error instanceof pg.DatabaseError) {
    const state = error.code ?? '';
    return BY_DOING[doing][state] ?? BY_STATE[state] ?? BY_CLASS[state.slice(0, 2)] ?? OTHERWISE[doing];
  }
  // What `pg` and the sockets say about a connection is a plain Error, with or without a code of the system.
  return isNativeError(error) && !OUR_BUGS.has(error.name) ? 'SOURCE_UNREACHABLE' : 'INTERNAL';
}

const OUR_BUGS: ReadonlySet<string> = new Set(['TypeError', 'RangeError', 'ReferenceError', 'SyntaxError']);

/** What PostgreSQL says of bad data (class 22) quotes it, so that only where it lies is told. */
function withoutValues({ code = '', message, where }: pg.DatabaseError): string {
  if (!code.startsWith('22')) return message;
  const at = /\bLSN ([0-9A-F]+\/[0-9A-F]+)/.exec(where ?? '')?.[1];
  return `${BAD_DATA[code] ?? 'it cannot give us a value'} (SQLSTATE ${code}${at === undefined ? '' : `, at ${at}`})`;
}

const BAD_DATA: Readonly<Record<string, string>> = {
  '22021': 'a value holds bytes that are no text in the encoding of its database, or, where that is SQL_ASCII, no UTF-8',
  '22P05': 'a value holds a character that UTF-8 does not have',
};

/** A refused connection to several addresses is an AggregateError whose own message is empty. */
function messageOf(error: Error): string {
  if (error.message !== '') return error.message;
  const inner: unknown = 'errors' in error && Array.isArray(error.errors) ? error.errors[0] : undefined;
  return isNativeError(inner) ? inner.message : error.name;
}
