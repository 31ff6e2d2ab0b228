import { createServer, type AddressInfo } from 'node:net';

import { RandomIdSource, SystemClock } from '@changeover/core';
import type { MessageStore, StreamName } from '@changeover/events';
import { startKafka, type RunningKafka } from '@changeover/local-services';
import { TcpProxy } from '@changeover/testing';
import fc from 'fast-check';
import kafkajs from 'kafkajs';

import { KafkaMessageStore } from './kafka-message-store.js';

/** Kafka behind a network that fails on demand: all connections, the advertised ones too, go through the proxy. */
describe('when the network fails', () => {
  let proxy: TcpProxy;
  let kafka: RunningKafka;
  let stores: KafkaMessageStore[] = [];

  beforeAll(async () => {
    const port = await unusedPort();
    proxy = await TcpProxy.to('127.0.0.1', port);
    kafka = await startKafka({ own: true, port, settings: { 'advertised.listeners': `PLAINTEXT://${proxy.address}` } });
  }, 120_000);

  afterEach(async () => {
    proxy.onData = undefined;
    proxy.accept();
    proxy.resume();
    await Promise.all(stores.map((store) => store.stop()));
    stores = [];
  });

  afterAll(async () => {
    await kafka.stop();
    await proxy[Symbol.asyncDispose]();
  }, 60_000);

  function open(settings: { readonly requestMs?: number; readonly patienceMs?: number } = {}): KafkaMessageStore {
    const store = new KafkaMessageStore({ brokers: [proxy.address], ...settings });
    stores.push(store);
    return store;
  }

  async function openStream(settings?: {
    readonly requestMs?: number;
    readonly patienceMs?: number;
  }): Promise<{ store: MessageStore; stream: StreamName }> {
    const store = open(settings);
    const stream = `t${new RandomIdSource().uuid().slice(0, 8)}.changes`;
    await store.create(stream);
    // Connected, and its producer known: what is cut afterwards is the send itself.
    await store.append(stream, [Buffer.from('first')]);
    return { store, stream };
  }

  /** Lets the broker store what it is sent, and loses its answer, as often as `lose` says so. Counts how often. */
  function loseAnswers(lose: () => boolean): { readonly count: number } {
    const lost = { count: 0 };
    let losing = false;
    proxy.onData = (direction, chunk) => {
      if (direction === 'up') {
        if (isProduce(chunk)) losing = lose();
        return 'forward';
      }
      if (!losing) return 'forward';
      losing = false;
      lost.count += 1;
      return 'cut';
    };
    return lost;
  }

  it('kafkajs alone acknowledges a message that it lost, when idempotent sends overlap', async () => {
    const { stream } = await openStream();
    const client = new kafkajs.Kafka({ brokers: [proxy.address], logLevel: kafkajs.logLevel.NOTHING, retry: { initialRetryTime: 50 } });
    const producer = client.producer({ idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false });
    await producer.connect();
    const send = (value: string): Promise<unknown> => producer.send({ topic: stream, acks: -1, messages: [{ value }] });
    await send('ready');
    let cuts = 0;
    const lost = loseAnswers(() => cuts++ === 0);
    await Promise.all([send('A'), send('B'), send('C')]);
    expect(lost.count).toBe(1);
    await producer.disconnect();
    const stored = await contentOf(open(), stream);
    expect(['A', 'B', 'C'].filter((value) => !stored.includes(value))).not.toEqual([]);
  });

  it('loses nothing and doubles nothing, whichever answers are lost', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 0, max: 2 })), { minLength: 5, maxLength: 12 }),
        async (appends) => {
          const { store, stream } = await openStream();
          const expected = ['first'];
          let losses = 0;
          const lost = loseAnswers(() => losses-- > 0);
          for (const [i, [size, losing]] of appends.entries()) {
            const messages = Array.from({ length: size }, (_, part) => `${String(i)} ${String(part)}`);
            losses = losing;
            expect(
              await store.append(
                stream,
                messages.map((message) => Buffer.from(message)),
              ),
            ).toBe(expected.length);
            expected.push(...messages);
          }
          expect(lost.count).toBe(appends.reduce((sum, [, losing]) => sum + losing, 0));
          proxy.onData = undefined;
          expect(await contentOf(store, stream)).toEqual(expected);
        },
      ),
      { numRuns: 5 },
    );
  }, 60_000);

  it('does not take the numbers of an append that it gave up for the next one', async () => {
    const { store, stream } = await openStream({ patienceMs: 10 });
    const lost = loseAnswers(() => true);
    await expect(store.append(stream, [Buffer.from('given up')])).rejects.toMatchObject({ code: 'LOG_UNREACHABLE' });
    expect(lost.count).toBe(1);
    proxy.onData = undefined;
    // The same producer and sequence would be "a duplicate" to the broker: acknowledged and never stored.
    expect(await store.append(stream, [Buffer.from('next')])).toBe(2);
    expect(await contentOf(store, stream)).toEqual(['first', 'given up', 'next']);
  });

  it('gives up connections on which nothing comes any more, and goes on over new ones', async () => {
    const clock = new SystemClock();
    const { store, stream } = await openStream({ requestMs: 500, patienceMs: 800 });
    const reading = store.read(stream, 0, { signal: new AbortController().signal })[Symbol.asyncIterator]();
    await reading.next();
    const waiting = reading.next();
    proxy.pause();
    const begin = clock.monotonic();
    await Promise.all([
      expect(store.append(stream, [Buffer.from('unheard')])).rejects.toMatchObject({ code: 'LOG_UNREACHABLE' }),
      expect(waiting).rejects.toMatchObject({ code: 'LOG_UNREACHABLE' }),
    ]);
    expect(clock.monotonic() - begin).toBeLessThan(15_000);
    proxy.cut();
    proxy.resume();
    const offset = await store.append(stream, [Buffer.from('heard')]);
    expect((await contentOf(store, stream))[offset]).toBe('heard');
  }, 60_000);

  it('goes on reading where it was after its connection was cut', async () => {
    const { store, stream } = await openStream();
    const reading = store.read(stream, 0, { signal: new AbortController().signal })[Symbol.asyncIterator]();
    await reading.next();
    for (let i = 0; i < 5; i++) {
      const waiting = reading.next();
      proxy.cut();
      const offset = await store.append(stream, [Buffer.from(String(i))]);
      const { value } = (await waiting) as IteratorResult<readonly { readonly offset: number }[], undefined>;
      expect(value?.map((message) => message.offset)).toEqual([offset]);
    }
    await reading.return?.();
  });

  it('says LOG_UNREACHABLE when no broker takes its connections', async () => {
    const store = open({ patienceMs: 200 });
    proxy.refuse();
    await expect(store.bounds('m.changes')).rejects.toMatchObject({ code: 'LOG_UNREACHABLE' });
    await expect(store.create('m.changes')).rejects.toMatchObject({ code: 'LOG_UNREACHABLE' });
    const closed = new KafkaMessageStore({ brokers: [`127.0.0.1:${String(await unusedPort())}`], patienceMs: 200 });
    stores.push(closed);
    await expect(closed.bounds('m.changes')).rejects.toMatchObject({ code: 'LOG_UNREACHABLE' });
  });

  it('finds its way when only the second broker of the list answers', async () => {
    const { stream } = await openStream();
    const store = new KafkaMessageStore({ brokers: [`127.0.0.1:${String(await unusedPort())}`, proxy.address] });
    stores.push(store);
    expect(await store.bounds(stream)).toEqual({ start: 0, end: 1 });
  });
});

/** A request begins with its length (4 bytes) and its kind; Produce is 0. */
function isProduce(chunk: Buffer): boolean {
  return chunk.length > 8 && chunk.readInt16BE(4) === 0 && chunk.readInt32BE(0) === chunk.length - 4;
}

async function contentOf(store: MessageStore, stream: StreamName): Promise<string[]> {
  const { end } = await store.bounds(stream);
  const texts: string[] = [];
  for await (const batch of store.read(stream, 0, { signal: new AbortController().signal, until: end })) {
    texts.push(...batch.map(({ bytes }) => bytes.toString()));
  }
  return texts;
}

async function unusedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
