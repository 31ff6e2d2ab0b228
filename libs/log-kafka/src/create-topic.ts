import kafkajs from 'kafkajs';
import type { SASLOptions } from 'kafkajs';
import type { Retention, StreamName } from '@changeover/events';

import { saslOptions, sslOptions } from './broker-link.js';
import type { CompleteSettings } from './settings.js';
import { MAX_BATCH_BYTES } from './stream-appender.js';

/** Makes the topic of a stream: one partition, nothing ever deleted. False if somebody else was quicker. */
export function createTopic(settings: CompleteSettings, stream: StreamName): Promise<boolean> {
  return withAdmin(settings, (admin) =>
    admin.createTopics({
      // The caller waits for the leader, with the patience of the settings; kafkajs would give up after a few tries.
      waitForLeaders: false,
      timeout: settings.requestMs,
      topics: [
        {
          topic: stream,
          numPartitions: 1,
          replicationFactor: settings.replicationFactor ?? -1,
          configEntries: [
            { name: 'cleanup.policy', value: 'delete' },
            { name: 'retention.ms', value: '-1' },
            { name: 'retention.bytes', value: '-1' },
            { name: 'max.message.bytes', value: String(MAX_BATCH_BYTES) },
            // The broker keeps our batches as they are; another codec than gzip we could not read.
            { name: 'compression.type', value: 'producer' },
            ...(settings.minInSyncReplicas === undefined
              ? []
              : [{ name: 'min.insync.replicas', value: String(settings.minInSyncReplicas) }]),
          ],
        },
      ],
    }),
  );
}

/** Deletes the topic of a stream. Brokers forget it one after the other, a moment later. */
export function deleteTopic(settings: CompleteSettings, stream: StreamName): Promise<void> {
  return withAdmin(settings, (admin) => admin.deleteTopics({ topics: [stream], timeout: settings.requestMs }));
}

/** By the topic's own settings, or the broker's where it has none. A topic that is compacted loses records at any time. */
export function readRetention(settings: CompleteSettings, stream: StreamName): Promise<Retention> {
  return withAdmin(settings, async (admin) => {
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [
        { type: kafkajs.ConfigResourceTypes.TOPIC, name: stream, configNames: ['cleanup.policy', 'retention.ms', 'retention.bytes'] },
      ],
    });
    const entries = resources[0]?.configEntries ?? [];
    const valueOf = (name: string): string => entries.find(({ configName }) => configName === name)?.configValue ?? '';
    const limit = (name: string): number | null => (Number(valueOf(name)) < 0 ? null : Number(valueOf(name)));
    if (valueOf('cleanup.policy').includes('compact')) return { ms: 0, bytes: null };
    return { ms: limit('retention.ms'), bytes: limit('retention.bytes') };
  });
}

async function withAdmin<Result>(settings: CompleteSettings, work: (admin: kafkajs.Admin) => Promise<Result>): Promise<Result> {
  const ssl = sslOptions(settings);
  const kafka = new kafkajs.Kafka({
    brokers: [...settings.brokers],
    clientId: settings.clientId,
    connectionTimeout: settings.connectMs,
    requestTimeout: settings.requestMs,
    ...(ssl && { ssl }),
    ...(settings.sasl && { sasl: saslOptions(settings) as SASLOptions }),
    retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 3 },
    logCreator: () => () => undefined,
  });
  const admin = kafka.admin();
  try {
    await admin.connect();
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}
