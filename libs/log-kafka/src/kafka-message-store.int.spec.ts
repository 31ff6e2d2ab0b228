import { startKafka } from '@changeover/local-services';
import { messageStoreContract } from '@changeover/testing';
import kafkajs from 'kafkajs';
import type { Admin } from 'kafkajs';

import { KafkaMessageStore } from './kafka-message-store.js';

messageStoreContract('Kafka', async () => {
  const server = await startKafka({ own: true });
  const administer = async (work: (admin: Admin) => Promise<void>): Promise<void> => {
    const admin = new kafkajs.Kafka({ brokers: server.brokers, logLevel: kafkajs.logLevel.NOTHING }).admin();
    await admin.connect();
    await work(admin);
    await admin.disconnect();
  };
  return {
    open: (options) => new KafkaMessageStore({ brokers: server.brokers, ...options }),
    drop: (stream) => administer((admin) => admin.deleteTopics({ topics: [stream] })),
    truncate: (stream, before) =>
      administer(async (admin) => {
        // kafkajs does not load the metadata that the deletion needs.
        await admin.fetchTopicOffsets(stream);
        await admin.deleteTopicRecords({ topic: stream, partitions: [{ partition: 0, offset: String(before) }] });
      }),
    bounce: async () => {
      await server.kill();
      await server.restart();
    },
    readsAhead: true,
    [Symbol.asyncDispose]: () => server.stop(),
  };
});
