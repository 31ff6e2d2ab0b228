import { type RunningKafka, startKafka } from '@changeover/local-services';

import { SharedServers } from './shared-server.js';

/** A broker that other tests use too: name topics at random. */
export type TestKafka = AsyncDisposable & {
  readonly brokers: string[];
};

const servers = new SharedServers<'kafka', RunningKafka>(() => startKafka());

/**
 * Takes the broker of the test runner, else starts one for this spec file (about 5 s: call it in `beforeAll` with a
 * time-out of a minute). A test that kills its broker starts one of its own: `startKafka({ own: true })`.
 */
export async function testKafka(): Promise<TestKafka> {
  const { brokers } = await servers.get('kafka');
  return { brokers: [...brokers], [Symbol.asyncDispose]: () => Promise.resolve() };
}
