import { RandomIdSource, SystemClock } from '@changeover/core';
import type { MessageStore } from '@changeover/events';
import { eventLogContract, testKafka } from '@changeover/testing';
import kafkajs from 'kafkajs';

import { KafkaMessageStore } from './kafka-message-store.js';

eventLogContract('Kafka', async () => {
  const kafka = await testKafka();
  const stores: MessageStore[] = [];
  const admin = new kafkajs.Kafka({ brokers: kafka.brokers, logLevel: kafkajs.logLevel.NOTHING }).admin();
  await admin.connect();
  const open = (): MessageStore => {
    const store = new KafkaMessageStore({ brokers: kafka.brokers }, new SystemClock());
    stores.push(store);
    return store;
  };
  return {
    prefix: `t${new RandomIdSource().uuid()}.`,
    client: () => Promise.resolve(open()),
    recreate: async (stream) => {
      await admin.deleteTopics({ topics: [stream] });
      await open().create(stream);
    },
    truncateBefore: async (stream, offset) => {
      // kafkajs does not load the metadata that the deletion needs.
      await admin.fetchTopicOffsets(stream);
      await admin.deleteTopicRecords({ topic: stream, partitions: [{ partition: 0, offset: String(offset) }] });
    },
    [Symbol.asyncDispose]: async () => {
      for (const store of stores) await store.stop();
      await admin.disconnect();
    },
  };
});
