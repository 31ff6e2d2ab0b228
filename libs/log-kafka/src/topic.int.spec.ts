import { isDeepStrictEqual } from 'node:util';
import { setTimeout } from 'node:timers/promises';

import { RandomIdSource } from '@changeover/core';
import type { Retention } from '@changeover/events';
import { testKafka, type TestKafka } from '@changeover/testing';
import kafkajs from 'kafkajs';
import type { Admin } from 'kafkajs';

import { KafkaMessageStore } from './kafka-message-store.js';

describe('the topic of a stream', () => {
  let kafka: TestKafka;
  let admin: Admin;
  let store: KafkaMessageStore;

  beforeAll(async () => {
    kafka = await testKafka();
    admin = new kafkajs.Kafka({ brokers: kafka.brokers, logLevel: kafkajs.logLevel.NOTHING }).admin();
    await admin.connect();
    store = new KafkaMessageStore({ brokers: kafka.brokers });
  }, 60_000);

  afterAll(async () => {
    await store.stop();
    await admin.disconnect();
    await kafka[Symbol.asyncDispose]();
  });

  const newName = (): string => `t${new RandomIdSource().uuid().slice(0, 8)}.changes`;

  it('has one partition and keeps everything', async () => {
    const stream = newName();
    await store.create(stream);
    const { topics } = await admin.fetchTopicMetadata({ topics: [stream] });
    expect(topics[0]?.partitions).toHaveLength(1);
    const configNames = ['cleanup.policy', 'retention.ms', 'retention.bytes', 'max.message.bytes', 'compression.type'];
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: stream, configNames }],
    });
    expect(Object.fromEntries(resources[0]?.configEntries.map((entry) => [entry.configName, entry.configValue]) ?? [])).toEqual({
      'cleanup.policy': 'delete',
      'retention.ms': '-1',
      'retention.bytes': '-1',
      'max.message.bytes': '8388608',
      'compression.type': 'producer',
    });
  });

  it('says what of it is not kept for ever', async () => {
    const stream = newName();
    await store.create(stream);
    expect(await store.retention(stream)).toEqual({ ms: null, bytes: null });
    const configure = async (...configEntries: readonly { readonly name: string; readonly value: string }[]): Promise<void> => {
      const resource = { type: kafkajs.ConfigResourceTypes.TOPIC, name: stream, configEntries: [...configEntries] };
      await admin.alterConfigs({ validateOnly: false, resources: [resource] });
    };
    // A broker confirms a change before its own view of the metadata has it: asked again until the answer changes.
    const retentionAfter = async (before: Retention): Promise<Retention> => {
      const end = Date.now() + 30_000;
      for (;;) {
        const now = await store.retention(stream);
        if (!isDeepStrictEqual(now, before) || Date.now() > end) return now;
        await setTimeout(50);
      }
    };
    await configure({ name: 'retention.ms', value: '604800000' }, { name: 'retention.bytes', value: '1000000' });
    const limited = await retentionAfter({ ms: null, bytes: null });
    expect(limited).toEqual({ ms: 604_800_000, bytes: 1_000_000 });
    await configure({ name: 'cleanup.policy', value: 'compact' }, { name: 'retention.ms', value: '-1' });
    expect(await retentionAfter(limited)).toEqual({ ms: 0, bytes: null });
  });

  it('has as many copies as the settings say, or is not made', async () => {
    const copied = new KafkaMessageStore({ brokers: kafka.brokers, replicationFactor: 1, minInSyncReplicas: 1 });
    expect(await copied.create(newName())).toBe('created');
    await copied.stop();
    const tooMany = new KafkaMessageStore({ brokers: kafka.brokers, replicationFactor: 7 });
    await expect(tooMany.create(newName())).rejects.toMatchObject({ code: 'BAD_SETTINGS' });
    await tooMany.stop();
  });

  it('must have one partition when somebody else made it', async () => {
    const stream = newName();
    await admin.createTopics({ waitForLeaders: true, topics: [{ topic: stream, numPartitions: 3 }] });
    await expect(store.create(stream)).rejects.toMatchObject({ code: 'BAD_SETTINGS' });
  });

  it('must take our codec when somebody else made it', async () => {
    const stream = newName();
    await admin.createTopics({
      waitForLeaders: true,
      topics: [{ topic: stream, numPartitions: 1, configEntries: [{ name: 'compression.type', value: 'lz4' }] }],
    });
    await store.append(stream, [Buffer.from('a')]);
    const reader = store.read(stream, 0, { signal: new AbortController().signal })[Symbol.asyncIterator]();
    await expect(reader.next()).rejects.toMatchObject({ code: 'BAD_SETTINGS' });
  });

  it('takes no message above its limit', async () => {
    const stream = newName();
    await store.create(stream);
    const incompressible = Buffer.concat(
      Array.from({ length: 590_000 }, () => Buffer.from(new RandomIdSource().uuid().replaceAll('-', ''), 'hex')),
    );
    await expect(store.append(stream, [incompressible])).rejects.toMatchObject({ code: 'BAD_SETTINGS' });
    expect(await store.append(stream, [Buffer.from('goes on')])).toBe(0);
  });

  it('takes an append above one send, in order', async () => {
    const stream = newName();
    await store.create(stream);
    const messages = Array.from({ length: 9 }, (_, i) => Buffer.alloc(1_500_000, i));
    expect(await store.append(stream, messages)).toBe(0);
    const marks: (number | undefined)[] = [];
    for await (const batch of store.read(stream, 0, { signal: new AbortController().signal, until: 9 })) {
      marks.push(...batch.map(({ bytes }) => bytes[0]));
    }
    expect(marks).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  });
});
