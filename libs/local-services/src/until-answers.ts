import { ChangeoverError, SystemClock } from '@changeover/core';
import pg from 'pg';

const START_TIMEOUT_MS = 120_000;
const clock = new SystemClock();

type Starting = {
  readonly what: string;
  /** Ends the waiting early when it turns false. */
  readonly alive: () => boolean;
  /** The end of its log, for the message. */
  readonly lastWords: () => Promise<string>;
};

/** Resolves when the server accepts a connection to `url`. */
export function untilPostgresAnswers(url: string, starting: Starting): Promise<void> {
  return untilAnswers(starting, async () => {
    const client = new pg.Client({ connectionString: url });
    // A server that dies under us reports it here as well as by the rejection.
    client.on('error', () => undefined);
    try {
      await client.connect();
    } finally {
      await client.end().catch(() => undefined);
    }
  });
}

/** Resolves when an admin call is answered. */
export async function untilKafkaAnswers(brokers: readonly string[], starting: Starting): Promise<void> {
  const { Kafka, logLevel } = await import('kafkajs');
  return untilAnswers(starting, async () => {
    const kafka = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING, connectionTimeout: 2_000, retry: { retries: 0 } });
    const admin = kafka.admin();
    try {
      await admin.connect();
      await admin.listTopics();
    } finally {
      await admin.disconnect().catch(() => undefined);
    }
  });
}

async function untilAnswers(starting: Starting, ask: () => Promise<void>): Promise<void> {
  const deadline = clock.monotonic() + START_TIMEOUT_MS;
  for (;;) {
    try {
      await ask();
      return;
    } catch (cause) {
      if (!starting.alive() || clock.monotonic() > deadline) {
        throw new ChangeoverError('SERVICE_MISSING', `${starting.what} did not start: ${await starting.lastWords()}`, { cause });
      }
    }
    await clock.sleep(30);
  }
}
