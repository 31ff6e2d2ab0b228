import { ChangeoverError, type ErrorCode } from '@changeover/core';
import { DatabaseError } from 'pg';

/** SQLSTATE (or its class, the first two characters) to our code. Anything else that the server says is a bug of ours. */
const CODES: Readonly<Record<string, ErrorCode>> = {
  // Connection, resources, operator intervention, rolled back by the server, a standby that cannot write yet.
  '08': 'LOG_UNREACHABLE',
  '53': 'LOG_UNREACHABLE',
  '57': 'LOG_UNREACHABLE',
  '58': 'LOG_UNREACHABLE',
  '40': 'LOG_UNREACHABLE',
  '55P03': 'LOG_UNREACHABLE',
  '25006': 'LOG_UNREACHABLE',
  '25P03': 'LOG_UNREACHABLE',
  '28': 'LOG_DENIED',
  '42501': 'LOG_DENIED',
  // Database, schema, table: not there.
  '3D000': 'LOG_MISSING',
  '3F000': 'LOG_MISSING',
  '42P01': 'LOG_MISSING',
  XX001: 'LOG_CORRUPT',
  XX002: 'LOG_CORRUPT',
};

/**
 * An error of the driver as one of ours, by class and SQLSTATE, never by text. What is no DatabaseError comes from
 * the socket or from the driver's timers, which have no common class: the log does not answer.
 */
export function toLogError(error: unknown, doing: string): ChangeoverError {
  if (error instanceof ChangeoverError) return error;
  const message = `${doing}: ${error instanceof Error ? error.message : String(error)}`;
  if (error instanceof DatabaseError && error.code !== undefined) {
    const code = CODES[error.code] ?? CODES[error.code.slice(0, 2)] ?? 'INTERNAL';
    return new ChangeoverError(code, message, { facts: { sqlstate: error.code }, cause: error });
  }
  if (error instanceof TypeError || error instanceof RangeError) return new ChangeoverError('INTERNAL', message, { cause: error });
  return new ChangeoverError('LOG_UNREACHABLE', message, { cause: error });
}

export function streamMissing(stream: string): ChangeoverError {
  return new ChangeoverError('LOG_MISSING', `stream ${stream} does not exist`, { facts: { stream } });
}
