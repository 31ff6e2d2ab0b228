import { resolve } from 'node:path';

import { containerHost, containerLife } from './docker-container.js';
import { freePort } from './free-port.js';
import type { JavaKafkaOptions } from './java-kafka.js';
import { asImageVariable, brokerSettings } from './kafka-settings.js';
import { RunningKafka } from './running-server.js';
import { untilKafkaAnswers } from './until-answers.js';

const IMAGE = 'apache/kafka:4.1.1';
const DATA_IN_CONTAINER = '/changeover';

export async function startDockerKafka(options: JavaKafkaOptions): Promise<RunningKafka> {
  const { GenericContainer } = await import('testcontainers');
  const port = options.port ?? (await freePort());
  const address = `${await containerHost()}:${String(port)}`;
  const settings = brokerSettings({
    listeners: 'PLAINTEXT://0.0.0.0:9092,CONTROLLER://127.0.0.1:9093',
    'advertised.listeners': `PLAINTEXT://${address}`,
    'controller.quorum.voters': '1@127.0.0.1:9093',
    'log.dirs': `${DATA_IN_CONTAINER}/data`,
    ...options.settings,
  });
  const container = new GenericContainer(IMAGE)
    .withUser('root')
    .withEnvironment(Object.fromEntries(Object.entries(settings).map(([name, value]) => [asImageVariable(name), value])))
    .withExposedPorts({ container: 9092, host: port });
  if (options.dataDir !== undefined) container.withBindMounts([{ source: resolve(options.dataDir), target: DATA_IN_CONTAINER }]);
  const life = await containerLife(container, () =>
    untilKafkaAnswers([address], {
      what: 'Kafka in a container',
      alive: () => true,
      lastWords: () => Promise.resolve('see the container’s log'),
    }),
  );
  return new RunningKafka(life, [address]);
}
