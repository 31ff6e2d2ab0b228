import { startPostgres } from '@changeover/local-services';
import { messageStoreContract } from '@changeover/testing';
import pg from 'pg';

import { PostgresMessageStore } from './postgres-message-store.js';

messageStoreContract('PostgreSQL', async () => {
  const server = await startPostgres({ own: true });
  const administer = async (sql: string, values: readonly unknown[]): Promise<void> => {
    const client = new pg.Client({ connectionString: server.url });
    await client.connect();
    await client.query(sql, [...values]);
    await client.end();
  };
  return {
    open: (options) => new PostgresMessageStore({ url: server.url, ...options }),
    drop: (stream) => administer('delete from changeover_log.stream where name = $1', [stream]),
    truncate: (stream, before) =>
      administer(
        'delete from changeover_log.block where first_offset < $2 and stream_id = (select id from changeover_log.stream where name = $1)',
        [stream, before],
      ),
    bounce: async () => {
      await server.kill();
      await server.restart();
    },
    readsAhead: true,
    [Symbol.asyncDispose]: () => server.stop(),
  };
});
