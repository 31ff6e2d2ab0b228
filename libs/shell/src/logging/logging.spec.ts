import { asChangeoverError, ChangeoverError } from '@changeover/core';

import { withoutPassword } from '../without-password.js';
import { lineDestination } from './line-destination.js';
import { Log, type LogLevel } from './log.js';

function record(level: LogLevel = 'info') {
  const lines: string[] = [];
  const log = Log.open({ level, migration: 'crm', role: 'load', destination: { write: (line) => lines.push(line) } });
  return { log, lines, last: () => JSON.parse(lines.at(-1) ?? '{}') as Record<string, unknown> };
}

/** As pg throws it: message and detail quote the row. */
function driverError(): Error {
  return Object.assign(new Error('duplicate key: (email)=(ann@example.org)'), {
    name: 'DatabaseError',
    code: '23505',
    constraint: 'contact_email_key',
    table: 'contact',
    detail: 'Key (email)=(ann@example.org) already exists.',
  });
}

test('a line is a JSON object with level, time, migration, role, message and facts', () => {
  const { log, lines, last } = record();
  log.info('up to date', { seq: 7 });
  expect(last()).toEqual({
    level: 'info',
    time: expect.stringMatching(/^\d{4}-.*Z$/),
    migration: 'crm',
    role: 'load',
    seq: 7,
    msg: 'up to date',
  });
  log.as('capture').warn('behind');
  expect(last()).toMatchObject({ level: 'warn', role: 'capture' });
  expect(lines.at(-1)?.match(/"role"/g)).toHaveLength(1);
});

test('less important lines than the level are not written', () => {
  const { log, lines } = record('warn');
  log.info('no');
  log.debug('no');
  expect(lines).toEqual([]);
});

test('an error tells its code, next step and facts; of a driver’s error only class, code and names', () => {
  const { log, lines, last } = record();
  log.failure('error', new ChangeoverError('TARGET_REFUSES', 'more than 100 rows', { facts: { rows: 101 }, cause: driverError() }));
  expect(last()).toMatchObject({
    code: 'TARGET_REFUSES',
    msg: 'more than 100 rows',
    facts: { rows: 101 },
    cause: 'DatabaseError 23505 constraint contact_email_key table contact',
    nextStep: expect.stringContaining('start again'),
  });
  expect(lines.join()).not.toContain('ann@example.org');
});

test('a foreign error that became INTERNAL does not bring its message, nor its stack the message', () => {
  const { log, lines, last } = record();
  log.failure('error', asChangeoverError(driverError()));
  expect(last()).toMatchObject({
    code: 'INTERNAL',
    msg: 'an unexpected DatabaseError 23505 constraint contact_email_key table contact',
    stack: expect.stringContaining('logging.spec'),
  });
  log.failure('error', asChangeoverError(new SyntaxError('Unexpected token, "ann@example.org" is not valid JSON')));
  expect(lines.join()).not.toContain('ann@example.org');
  log.failure('error', asChangeoverError(new TypeError('x is not a function')));
  expect(last()['msg']).toBe('x is not a function');
});

test('for people: one short line', () => {
  const lines: string[] = [];
  const log = Log.open({ level: 'info', migration: 'crm', role: 'load', destination: lineDestination((line) => lines.push(line)) });
  log.warn('behind', { seq: 7, url: 'postgresql://db' });
  expect(lines).toEqual([expect.stringMatching(/^\d\d:\d\d:\d\d warn {2}load: behind {2}seq=7 {2}url=postgresql:\/\/db\n$/)]);
});

test.each([
  ['postgresql://ann:s3cret@db:5432/crm', 'postgresql://ann:***@db:5432/crm'],
  ['postgresql://ann@db/crm', 'postgresql://ann@db/crm'],
  ['postgresql://db/crm?user=ann&password=s3cret', 'postgresql://db/crm?user=ann&password=***'],
  ['host=db password=s3cret', '(not a URL)'],
  ['postgresql://ann:s3@cret:/%#w@db:5432/crm', '(not a URL)'],
])('%s is shown as %s', (url, shown) => {
  expect(withoutPassword(url)).toBe(shown);
});
