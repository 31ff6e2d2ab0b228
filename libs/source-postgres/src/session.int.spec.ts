import { testDatabase } from '@changeover/testing';

import { destroySession, openSession } from './session.js';
import { until } from './test/until.js';

it('a session that is given up while it waits for a lock does not stay at the source', async () => {
  await using database = await testDatabase();
  const client = await database.connect();
  await client.query('create table item (id int)');
  await client.query('begin; lock table item');
  const session = await openSession({ url: database.url, applicationName: 'given up' });
  const waiting = session.query('select from public.item').catch((error: unknown) => error);
  const watch = await database.connect();
  const there = `exists (select from pg_stat_activity where application_name = 'given up'`;
  await until(watch, `${there} and wait_event_type = 'Lock')`);
  destroySession(session);
  expect(await waiting).toBeInstanceOf(Error);
  await until(watch, `not ${there})`);
}, 30_000);
