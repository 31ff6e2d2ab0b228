import { ChangeoverError } from '@changeover/core';
import pg from 'pg';

import { reasonOf, targetError, verdictOf } from './sql-state.js';

function databaseError(code: string, over: Partial<pg.DatabaseError> = {}): pg.DatabaseError {
  return Object.assign(new pg.DatabaseError(`message of ${code}`, 0, 'error'), { code, ...over });
}

describe('the verdict on an error', () => {
  it.each([
    ['23505', 'row'],
    ['23503', 'row'],
    ['23P01', 'row'],
    ['22P02', 'row'],
    ['22001', 'row'],
    ['P0001', 'row'],
    ['428C9', 'row'],
    ['42P01', 'form'],
    ['42703', 'form'],
    ['42804', 'form'],
    ['40P01', 'TARGET_BUSY'],
    ['40001', 'TARGET_BUSY'],
    ['55P03', 'TARGET_BUSY'],
    ['57014', 'TARGET_BUSY'],
    ['08006', 'TARGET_UNREACHABLE'],
    ['57P01', 'TARGET_UNREACHABLE'],
    ['57P03', 'TARGET_UNREACHABLE'],
    ['53100', 'TARGET_UNREACHABLE'],
    ['53300', 'TARGET_UNREACHABLE'],
    ['25006', 'TARGET_UNREACHABLE'],
    ['28P01', 'TARGET_DENIED'],
    ['3D000', 'TARGET_DENIED'],
    ['42501', 'TARGET_DENIED'],
    ['42601', 'INTERNAL'],
    ['XX000', 'INTERNAL'],
  ])('SQLSTATE %s is %s', (code, verdict) => {
    expect(verdictOf(databaseError(code))).toBe(verdict);
  });

  it.each(['42P01', '42601', '42883', 'XX000'])('%s from inside a trigger refuses the row', (code) => {
    expect(verdictOf(databaseError(code, { where: 'PL/pgSQL function f() line 1' }))).toBe('row');
  });

  it('tells a lost connection from a bug', () => {
    expect(verdictOf(new Error('Connection terminated unexpectedly'))).toBe('TARGET_UNREACHABLE');
    expect(verdictOf(Object.assign(new Error('connect'), { code: 'ECONNREFUSED', syscall: 'connect' }))).toBe('TARGET_UNREACHABLE');
    expect(verdictOf(new TypeError('x is undefined'))).toBe('INTERNAL');
    expect(verdictOf('a string')).toBe('INTERNAL');
    expect(verdictOf(new ChangeoverError('FENCED', 'x'))).toBe('FENCED');
  });
});

it('keeps values of a row out of messages and causes', () => {
  const error = databaseError('22P02', {
    message: 'invalid input syntax for type integer: "secret"',
    detail: 'Failing row contains (secret).',
  });
  expect(reasonOf(error)).not.toContain('secret');
  const ours = targetError(error, 'INTERNAL');
  expect(ours.message).not.toContain('secret');
  expect(ours.cause).toBeUndefined();
  expect(targetError(databaseError('53100'), 'TARGET_UNREACHABLE')).toMatchObject({
    facts: { sqlstate: '53100' },
    message: 'the target says: message of 53100 (SQLSTATE 53100)',
  });
});
