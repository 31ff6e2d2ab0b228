import { SystemClock } from '@changeover/core';
import { eventLogContract, testDatabase } from '@changeover/testing';
import type { MessageStore } from '@changeover/events';

import { PostgresMessageStore } from './postgres-message-store.js';

eventLogContract('PostgreSQL', async () => {
  const database = await testDatabase();
  const client = await database.connect();
  const stores: MessageStore[] = [];
  return {
    client: () => {
      const store = new PostgresMessageStore({ url: database.url }, new SystemClock());
      stores.push(store);
      return Promise.resolve(store);
    },
    recreate: async (stream) => {
      await client.query('delete from changeover_log.stream where name = $1', [stream]);
      await (stores[0] as MessageStore).create(stream);
    },
    truncateBefore: async (stream, offset) => {
      const ofStream = 'stream_id = (select id from changeover_log.stream where name = $1)';
      await client.query(`delete from changeover_log.block where ${ofStream} and first_offset < $2`, [stream, offset]);
    },
    [Symbol.asyncDispose]: async () => {
      for (const store of stores) await store.stop();
      await database[Symbol.asyncDispose]();
    },
  };
});
