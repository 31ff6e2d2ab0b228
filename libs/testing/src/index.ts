export { testDatabase, type TestDatabase } from './test-database.js';
export { testKafka, type TestKafka } from './test-kafka.js';
export { TcpProxy, type Direction, type ProxyVerdict } from './tcp-proxy.js';
