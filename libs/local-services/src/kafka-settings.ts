/** Settings of a single-node broker for tests, bench and demo, by their names in `server.properties`. */
export function brokerSettings(over: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL',
    // One node holds the only copy of everything.
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '1',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    // A consumer of a fresh group waits 3 s otherwise.
    'group.initial.rebalance.delay.ms': '0',
    // A killed broker comes back only when its old session has run out: 9 s by default.
    'broker.session.timeout.ms': '3000',
    'broker.heartbeat.interval.ms': '500',
    // A topic that is gone must stay gone until somebody who means it creates it.
    'auto.create.topics.enable': 'false',
    'message.max.bytes': String(16 * 1024 * 1024),
    // The default preallocates nothing but reserves address space and files per topic: tests make many.
    'log.index.size.max.bytes': String(1024 * 1024),
    'log.retention.ms': '-1',
    ...over,
  };
}

/** The same setting as an environment variable of the image apache/kafka. */
export function asImageVariable(name: string): string {
  return `KAFKA_${name.replaceAll('_', '___').replaceAll('-', '__').replaceAll('.', '_').toUpperCase()}`;
}
