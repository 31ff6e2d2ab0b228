import { ChangeoverError, unreachable } from '@changeover/core';

import { chooseKafka, chooseSecureKafka } from './choose-service.js';
import { startDockerKafka } from './docker-kafka.js';
import { startJavaKafka } from './java-kafka.js';
import { inspectMachine } from './machine.js';
import { givenServer, RunningKafka } from './running-server.js';

export type StartKafkaOptions = {
  /** Kept when the broker stops, and used again when it is there. Default: a temporary directory. */
  readonly dataDir?: string;
  /** Broker settings over the defaults, such as `log.retention.ms`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Default: a free one; it stays the same over restarts. */
  readonly port?: number;
  /** A broker that may be killed: never one given by address. Default: true when a place, a port or settings are asked for. */
  readonly own?: boolean;
  /** Also listens with TLS and passwords ({@link RunningKafka.secure}): a broker of one's own, on Java. */
  readonly secure?: boolean;
};

/**
 * A Kafka broker that answers: the one given by `KAFKA_BROKERS`, else a container where a Docker engine runs,
 * else one KRaft node on Java (about 5 s; the first time on a machine Maven fetches the jars).
 * @throws ChangeoverError SERVICE_MISSING with what would enable it.
 */
export async function startKafka(options: StartKafkaOptions = {}): Promise<RunningKafka> {
  const { dataDir, port, secure = false } = options;
  const own = options.own ?? (dataDir !== undefined || port !== undefined || options.settings !== undefined);
  const machine = await inspectMachine();
  const choice = secure ? chooseSecureKafka(machine) : chooseKafka(process.env, machine, own);
  const settings = options.settings ?? {};
  switch (choice.from) {
    case 'given':
      return new RunningKafka(givenServer('Kafka'), choice.brokers);
    case 'docker':
      return startDockerKafka({ settings, dataDir, port });
    case 'java':
      return startJavaKafka({ settings, dataDir, port, secure });
    case 'missing':
      throw new ChangeoverError('SERVICE_MISSING', choice.enable);
    default:
      return unreachable(choice);
  }
}
