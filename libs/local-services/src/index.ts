export {
  chooseKafka,
  choosePostgres,
  chooseSecureKafka,
  POSTGRES_MAJORS,
  type KafkaChoice,
  type Machine,
  type PostgresChoice,
  type PostgresMajor,
} from './choose-service.js';
export { startKafka, type StartKafkaOptions } from './kafka.js';
export { inspectMachine } from './machine.js';
export { startPostgres, type StartPostgresOptions } from './postgres.js';
export type { SecureListener } from './secure-listener.js';
export { RunningKafka, RunningPostgres, RunningServer, type ServerOrigin } from './running-server.js';
