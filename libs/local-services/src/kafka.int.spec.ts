import { Kafka, logLevel } from 'kafkajs';

import { startKafka } from './kafka.js';

describe('startKafka', () => {
  it('gives a broker that creates no topics by itself and comes back after a kill with what it had', async () => {
    await using server = await startKafka({ own: true });
    const admin = new Kafka({ brokers: server.brokers, logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: 't', numPartitions: 1 }], waitForLeaders: true });
    await admin.disconnect();

    await server.kill();
    await server.restart();

    await admin.connect();
    expect(await admin.listTopics()).toEqual(['t']);
    await admin.disconnect();
  }, 90_000);

  it('refuses to kill a broker that is not its own', async () => {
    process.env['KAFKA_BROKERS'] ??= '127.0.0.1:1';
    const given = await startKafka();
    expect(given.origin).toBe('given');
    await expect(given.kill()).rejects.toMatchObject({ code: 'SERVICE_MISSING' });
    await given.stop();
  });
});
