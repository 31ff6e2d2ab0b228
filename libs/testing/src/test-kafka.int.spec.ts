import { Kafka, logLevel } from 'kafkajs';

import { testKafka } from './test-kafka.js';

it('testKafka gives a broker that answers', async () => {
  await using kafka = await testKafka();
  const admin = new Kafka({ brokers: kafka.brokers, logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  expect((await admin.describeCluster()).brokers).toHaveLength(1);
  await admin.disconnect();
}, 90_000);
