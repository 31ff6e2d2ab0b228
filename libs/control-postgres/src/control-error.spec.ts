import { ChangeoverError } from '@changeover/core';

import { controlError } from './control-error.js';

function withCode(code: string): Error {
  return Object.assign(new Error('words that decide nothing'), { code });
}

test.each([
  ['28P01', 'CONTROL_DENIED'],
  ['3D000', 'CONTROL_DENIED'],
  ['42501', 'CONTROL_DENIED'],
  ['08006', 'CONTROL_UNREACHABLE'],
  ['53300', 'CONTROL_UNREACHABLE'],
  ['57P01', 'CONTROL_UNREACHABLE'],
  ['25006', 'CONTROL_UNREACHABLE'],
  ['ECONNREFUSED', 'CONTROL_UNREACHABLE'],
  ['EPIPE', 'CONTROL_UNREACHABLE'],
  ['42P01', 'INTERNAL'],
])('%s is %s', (code, expected) => {
  expect(controlError(withCode(code))).toMatchObject({ code: expected });
});

test('no code: a connection that ended, unless the class is one of a bug', () => {
  expect(controlError(new Error('Connection terminated unexpectedly')).code).toBe('CONTROL_UNREACHABLE');
  expect(controlError(new TypeError('undefined is not a function')).code).toBe('INTERNAL');
});

test('one of ours stays itself; several addresses show the first', () => {
  const ours = new ChangeoverError('REQUEST_CONFLICT', 'twice');
  expect(controlError(ours)).toBe(ours);
  expect(controlError(new AggregateError([withCode('ECONNREFUSED')])).message).toContain('words that decide nothing');
});
