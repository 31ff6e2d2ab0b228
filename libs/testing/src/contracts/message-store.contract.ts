import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { ChangeoverError, type ErrorCode, RandomIdSource, SystemClock } from '@changeover/core';
import type { MessageStore, StoredMessage, StreamName } from '@changeover/events';
import fc from 'fast-check';

/** One storage (a broker, a database) and what a test does to it from outside. */
export type MessageStoreFixture = AsyncDisposable & {
  /** Another instance, as another process would have it. The contract stops it. */
  open(options?: { readonly readAheadBytes?: number }): MessageStore;
  /** Deletes the stream behind everybody's back. */
  drop(stream: StreamName): Promise<void>;
  /** Deletes the messages before `before`, where an append began. */
  truncate(stream: StreamName, before: number): Promise<void>;
  /** Kills the store and starts it again, where that can be done. Resolves when it answers. */
  bounce?(): Promise<void>;
  /** Whether readers fetch ahead of what is asked, so that the bound on it can be measured. */
  readonly readsAhead: boolean;
};

const MB = 1024 * 1024;
const clock = new SystemClock();
const ids = new RandomIdSource();

/** The contract of the {@link MessageStore} port. Every adapter runs it. */
export function messageStoreContract(name: string, factory: () => Promise<MessageStoreFixture>): void {
  describe(`MessageStore contract: ${name}`, () => {
    let fixture: MessageStoreFixture;
    let opened: MessageStore[] = [];
    /** Ends the loops of a test also where it fails before it ends them. */
    let ending = new AbortController();

    beforeEach(() => {
      ending = new AbortController();
    });

    beforeAll(async () => {
      fixture = await factory();
    }, 120_000);

    afterEach(async () => {
      ending.abort();
      await Promise.all(opened.map((store) => store.stop()));
      opened = [];
    });

    afterAll(async () => {
      await fixture[Symbol.asyncDispose]();
    }, 60_000);

    const open = (options?: { readonly readAheadBytes?: number }): MessageStore => {
      const store = fixture.open(options);
      opened.push(store);
      return store;
    };

    const openStream = async (): Promise<{ store: MessageStore; stream: StreamName }> => {
      const store = open();
      const stream = newName();
      await store.create(stream);
      return { store, stream };
    };

    describe('create and bounds', () => {
      it('creates a stream once, empty', async () => {
        const store = open();
        const stream = newName();
        expect(await store.create(stream)).toBe('created');
        expect(await store.create(stream)).toBe('exists');
        expect(await store.bounds(stream)).toEqual({ start: 0, end: 0 });
      });

      it('lets two instances create at the same time', async () => {
        const stream = newName();
        const answers = await Promise.all([open().create(stream), open().create(stream)]);
        expect(answers.sort()).toEqual(['created', 'exists']);
      });

      it('removes a stream with all that is in it, and no other', async () => {
        const { store, stream } = await openStream();
        const other = await openStream();
        await store.append(stream, [text('a')]);
        await other.store.append(other.stream, [text('b')]);
        await store.remove(stream);
        const isGone = async (): Promise<boolean> =>
          open()
            .bounds(stream)
            .then(
              () => false,
              (error: unknown) => (error as { readonly code?: ErrorCode }).code === 'LOG_MISSING',
            );
        // A broker may know it for a moment longer.
        while (!(await isGone())) await clock.sleep(50, ending.signal);
        await open().remove(stream);
        await open().remove(newName());
        expect(await other.store.bounds(other.stream)).toEqual({ start: 0, end: 1 });
        const again = open();
        expect(await again.create(stream)).toBe('created');
        expect(await again.bounds(stream)).toEqual({ start: 0, end: 0 });
      });

      it('says LOG_MISSING of a stream that does not exist', async () => {
        const { store } = await openStream();
        const missing = newName();
        await expectCode('LOG_MISSING', store.bounds(missing));
        await expectCode('LOG_MISSING', store.append(missing, [text('a')]));
        await expectCode('LOG_MISSING', takeAll(store, missing, 0, 1));
      });
    });

    describe('append and read', () => {
      it('gives back what was appended, in order, at contiguous offsets', async () => {
        await fc.assert(
          fc.asyncProperty(arbitraryAppends(), async (appends) => {
            const { store, stream } = await openStream();
            const expected: StoredMessage[] = [];
            for (const messages of appends) {
              const offset = await store.append(stream, messages);
              expect(offset).toBe(expected.length);
              expected.push(...messages.map((bytes, i) => ({ offset: offset + i, bytes })));
            }
            expect(await store.bounds(stream)).toEqual({ start: 0, end: expected.length });
            expectSame(await takeAll(store, stream, 0, expected.length), expected);
          }),
          { numRuns: 10 },
        );
      });

      it('reads from any offset, also from inside an append, up to any other', async () => {
        const { store, stream } = await openStream();
        const all: StoredMessage[] = [];
        for (const size of [3, 1, 40, 2]) {
          const messages = Array.from({ length: size }, (_, i) => text(`${String(all.length + i)} ${'x'.repeat(200)}`));
          await store.append(stream, messages);
          all.push(...messages.map((bytes, i) => ({ offset: all.length + i, bytes })));
        }
        for (const [from, until] of [
          [0, 46],
          [1, 5],
          [4, 4],
          [3, 4],
          [20, 45],
          [45, 46],
          [46, 46],
        ] as const) {
          expectSame(await takeAll(store, stream, from, until), all.slice(from, until));
        }
      });

      it('gives non-empty batches in ascending order without a hole', async () => {
        const { store, stream } = await openStream();
        for (let i = 0; i < 40; i++)
          await store.append(
            stream,
            Array.from({ length: (i % 4) + 1 }, () => text('x'.repeat(i * 100))),
          );
        const { end } = await store.bounds(stream);
        let expected = 0;
        for await (const batch of store.read(stream, 0, { signal: NEVER, until: end })) {
          expect(batch.length).toBeGreaterThan(0);
          for (const { offset } of batch) expect(offset).toBe(expected++);
        }
        expect(expected).toBe(end);
      });

      it('takes a message of 5 MB', async () => {
        const { store, stream } = await openStream();
        const large = noise(5 * MB);
        await store.append(stream, [text('before')]);
        expect(await store.append(stream, [large])).toBe(1);
        await store.append(stream, [text('after')]);
        expectSame(await takeAll(store, stream, 0, 3), [
          { offset: 0, bytes: text('before') },
          { offset: 1, bytes: large },
          { offset: 2, bytes: text('after') },
        ]);
      });

      it('takes an append of many messages that compress well', async () => {
        const { store, stream } = await openStream();
        const messages = Array.from({ length: 2_000 }, (_, i) => text(`${String(i)}\tJane Example\tjane@example.org\n`.repeat(10)));
        expect(await store.append(stream, messages)).toBe(0);
        expectSame(
          await takeAll(store, stream, 0, messages.length),
          messages.map((bytes, offset) => ({ offset, bytes })),
        );
      });

      it('rejects an append without messages', async () => {
        const { store, stream } = await openStream();
        await expectCode('INTERNAL', store.append(stream, []));
      });
    });

    describe('waiting', () => {
      it('waits at the end and wakes for what arrives', async () => {
        const { store, stream } = await openStream();
        await using reader = readerOf(open(), stream, 0);
        for (let i = 0; i < 5; i++) {
          const next = reader.next();
          await store.append(stream, [text(`message ${String(i)}`)]);
          expectSame(await next, [{ offset: i, bytes: text(`message ${String(i)}`) }]);
        }
      });

      it('waits for messages below `until` that are not there yet', async () => {
        const { store, stream } = await openStream();
        await store.append(stream, [text('0')]);
        const reading = takeAll(open(), stream, 0, 3);
        await store.append(stream, [text('1')]);
        await store.append(stream, [text('2'), text('3')]);
        expect((await reading).map(({ offset }) => offset)).toEqual([0, 1, 2]);
      });

      it('gives each of several readers everything', async () => {
        const { store, stream } = await openStream();
        const readings = [0, 0, 2].map((from) => takeAll(store, stream, from, 6).catch((error: unknown) => error));
        await store.append(stream, [text('0'), text('1'), text('2')]);
        await store.append(stream, [text('3'), text('4'), text('5')]);
        const [first, second] = (await Promise.all(readings)) as StoredMessage[][];
        expect(first?.map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 4, 5]);
        expect(second).toEqual(first);
      });
    });

    describe('ending', () => {
      it('ends a waiting reader at once when its signal aborts', async () => {
        const { store, stream } = await openStream();
        await store.append(stream, [text('0')]);
        const reader = store.read(stream, 0, { signal: ending.signal })[Symbol.asyncIterator]();
        await reader.next();
        const waiting = reader.next();
        const begin = clock.monotonic();
        ending.abort();
        expect((await waiting).done).toBe(true);
        expect(clock.monotonic() - begin).toBeLessThan(1_000);
      });

      it('gives nothing when its signal has aborted before', async () => {
        const { store, stream } = await openStream();
        await store.append(stream, [text('0')]);
        for await (const batch of store.read(stream, 0, { signal: AbortSignal.abort() })) expect(batch).toBeUndefined();
      });

      it('ends between two batches, and leaves the store usable', async () => {
        const { store, stream } = await openStream();
        for (let i = 0; i < 3; i++) await store.append(stream, [text(String(i))]);
        for await (const batch of store.read(stream, 0, { signal: NEVER })) {
          expect(batch[0]?.offset).toBe(0);
          break;
        }
        expect(await store.append(stream, [text('3')])).toBe(3);
      });

      it('stop() ends readers and rejects an append under way and later ones', async () => {
        const { store, stream } = await openStream();
        await store.append(stream, [text('0')]);
        const reader = store.read(stream, 0, { signal: NEVER })[Symbol.asyncIterator]();
        await reader.next();
        const waiting = reader.next();
        const append = expectCode('LOG_UNREACHABLE', store.append(stream, [noise(4 * MB)]));
        await store.stop();
        await append;
        expect((await waiting).done).toBe(true);
        await expectCode('LOG_UNREACHABLE', store.append(stream, [text('1')]));
        await store.stop();
      });
    });

    describe('several writers', () => {
      it('interleaves the appends of two instances whole, the same for all readers', async () => {
        const { stream } = await openStream();
        const rounds = 30;
        const watching = takeAll(open(), stream, 0, rounds * 2 * 3);
        const placed = await Promise.all(
          ['a', 'b'].map(async (writer) => {
            const store = open();
            const offsets: number[] = [];
            for (let i = 0; i < rounds; i++) {
              offsets.push(
                await store.append(
                  stream,
                  [0, 1, 2].map((part) => text(`${writer} ${String(i)} ${String(part)}`)),
                ),
              );
            }
            return { writer, offsets };
          }),
        );
        const watched = await watching;
        expectSame(await takeAll(open(), stream, 0, rounds * 2 * 3), watched);
        for (const { writer, offsets } of placed) {
          for (const [i, offset] of offsets.entries()) {
            for (const part of [0, 1, 2]) {
              expect(watched[offset + part]?.bytes.toString()).toBe(`${writer} ${String(i)} ${String(part)}`);
            }
          }
          expect(offsets).toEqual(offsets.toSorted((left, right) => left - right));
        }
      });

      it('rejects a second append of one instance while one is under way', async () => {
        const { store, stream } = await openStream();
        const other = newName();
        await store.create(other);
        const first = store.append(stream, [text('first')]);
        await expectCode('INTERNAL', store.append(stream, [text('second')]));
        const elsewhere = store.append(other, [text('another stream')]);
        expect(await first).toBe(0);
        expect(await elsewhere).toBe(0);
        expect(await store.append(stream, [text('third')])).toBe(1);
        expect(await store.bounds(stream)).toEqual({ start: 0, end: 2 });
      });
    });

    describe('what is gone', () => {
      it('says LOG_TRUNCATED before the first message kept and behind the end', async () => {
        const { store, stream } = await openStream();
        for (let i = 0; i < 4; i++) await store.append(stream, [text(`${String(i)} a`), text(`${String(i)} b`)]);
        await fixture.truncate(stream, 4);
        expect(await store.bounds(stream)).toEqual({ start: 4, end: 8 });
        await expectCode('LOG_TRUNCATED', takeAll(store, stream, 0, 8));
        await expectCode('LOG_TRUNCATED', takeAll(store, stream, 3, 8));
        await expectCode('LOG_TRUNCATED', takeAll(store, stream, 9, 10));
        expect((await takeAll(store, stream, 4, 8)).map(({ offset }) => offset)).toEqual([4, 5, 6, 7]);
      });

      it('says LOG_TRUNCATED when everything was deleted, and goes on behind it', async () => {
        const { store, stream } = await openStream();
        await store.append(stream, [text('0'), text('1')]);
        await fixture.truncate(stream, 2);
        expect(await store.bounds(stream)).toEqual({ start: 2, end: 2 });
        await expectCode('LOG_TRUNCATED', takeAll(store, stream, 0, 2));
        expect(await store.append(stream, [text('2')])).toBe(2);
        expect((await takeAll(store, stream, 2, 3)).map(({ offset }) => offset)).toEqual([2]);
      });

      it('says LOG_MISSING to a reader whose stream is deleted', async () => {
        const { store, stream } = await openStream();
        await store.append(stream, [text('0')]);
        await using reader = readerOf(open(), stream, 0);
        await reader.next();
        const waiting = expectCode('LOG_MISSING', reader.next());
        await fixture.drop(stream);
        await waiting;
      });

      it('says LOG_MISSING to a writer whose stream is deleted', async () => {
        const { store, stream } = await openStream();
        await store.append(stream, [text('0')]);
        await fixture.drop(stream);
        await expectCode('LOG_MISSING', store.append(stream, [text('1')]));
      });
    });

    it('holds a bounded part of what a slow reader has before it', async () => {
      const { store, stream } = await openStream();
      for (let i = 0; i < 64; i++) await store.append(stream, [noise(MB)]);
      await store.stop();
      const narrow = await heldBySlowReader(open({ readAheadBytes: 4 * MB }), stream);
      // A batch delivered, one more in hand, what the driver keeps while it parses.
      expect(narrow).toBeLessThan(16 * MB);
      // The same measure sees a reader that may hold more.
      if (fixture.readsAhead) expect(await heldBySlowReader(open({ readAheadBytes: 128 * MB }), stream)).toBeGreaterThan(24 * MB);
    }, 60_000);

    it('loses nothing that it acknowledged when the store is killed and comes back', async () => {
      if (fixture.bounce === undefined) return;
      const { stream } = await openStream();
      const acknowledged: { readonly offset: number; readonly bytes: Buffer }[] = [];
      const refusals: ErrorCode[] = [];
      const seen: StoredMessage[] = [];
      const running = new Signal();
      const recovered = new Signal();
      /** How many messages must be seen until the store counts as recovered: known once it is back. */
      let goal = Infinity;

      const writing = (async () => {
        const store = open();
        for (let i = 0; !ending.signal.aborted; i++) {
          const bytes = text(`message ${String(i)}`);
          try {
            acknowledged.push({ offset: await store.append(stream, [bytes]), bytes });
            if (acknowledged.length === 50) running.raise();
          } catch (error) {
            refusals.push(codeOf(error));
            await clock.sleep(50);
          }
        }
      })();
      const reading = (async () => {
        const store = open();
        while (!ending.signal.aborted) {
          try {
            for await (const batch of store.read(stream, seen.length, { signal: ending.signal })) {
              seen.push(...batch);
              if (seen.length > goal) recovered.raise();
            }
          } catch (error) {
            refusals.push(codeOf(error));
            await clock.sleep(50);
          }
        }
      })();

      await running.raised;
      await fixture.bounce();
      goal = acknowledged.length + 50;
      await recovered.raised;
      ending.abort();
      await Promise.all([writing, reading]);

      expect(refusals.filter((code) => code !== 'LOG_UNREACHABLE')).toEqual([]);
      const checker = open();
      const { start, end } = await checker.bounds(stream);
      expect(start).toBe(0);
      const all = await takeAll(checker, stream, 0, end);
      for (const { offset, bytes } of acknowledged) expect(all[offset]?.bytes.toString()).toBe(bytes.toString());
      expectSame(seen, all.slice(0, seen.length));
    }, 90_000);
  });
}

const NEVER = new AbortController().signal;

class Signal {
  readonly raised: Promise<void>;
  raise: () => void = () => undefined;

  constructor() {
    this.raised = new Promise((resolve) => {
      this.raise = resolve;
    });
  }
}

function newName(): StreamName {
  return `t${ids.uuid().slice(0, 8)}.changes`;
}

function text(content: string): Buffer {
  return Buffer.from(content);
}

/** Bytes that do not compress, the same for each call of one size. */
function noise(size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  let state = 0x9e3779b9;
  for (let i = 0; i + 4 <= size; i += 4) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes.writeInt32LE(state | 0, i);
  }
  return bytes.fill(0, size - (size % 4));
}

function arbitraryAppends(): fc.Arbitrary<Buffer[][]> {
  const small = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
  const large = fc
    .tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 1_000, max: 200_000 }))
    .map(([byte, size]) => Buffer.alloc(size, byte));
  const message = fc.oneof({ weight: 5, arbitrary: small }, { weight: 1, arbitrary: large });
  return fc.array(fc.array(message, { minLength: 1, maxLength: 20 }), { minLength: 1, maxLength: 12 });
}

async function takeAll(store: MessageStore, stream: StreamName, from: number, until: number): Promise<StoredMessage[]> {
  const taken: StoredMessage[] = [];
  for await (const batch of store.read(stream, from, { signal: NEVER, until })) taken.push(...batch);
  return taken;
}

function readerOf(store: MessageStore, stream: StreamName, from: number): AsyncDisposable & { next(): Promise<readonly StoredMessage[]> } {
  const ending = new AbortController();
  const batches = store.read(stream, from, { signal: ending.signal })[Symbol.asyncIterator]();
  return {
    next: async () => {
      const { done, value } = await batches.next();
      return done === true ? [] : value;
    },
    [Symbol.asyncDispose]: async () => {
      ending.abort();
      await batches.return?.().catch(() => undefined);
    },
  };
}

/** Compares by bytes, many times faster than `toEqual` on buffers. */
function expectSame(actual: readonly StoredMessage[], expected: readonly StoredMessage[]): void {
  expect(actual.map(({ offset }) => offset)).toEqual(expected.map(({ offset }) => offset));
  for (const [i, { bytes }] of actual.entries()) {
    if (!bytes.equals((expected[i] as StoredMessage).bytes)) expect(`offset ${String(actual[i]?.offset)}`).toBe('the bytes appended there');
  }
}

async function expectCode(code: ErrorCode, work: Promise<unknown>): Promise<void> {
  const outcome = await work.then(
    () => 'no error',
    (error: unknown) => codeOf(error),
  );
  expect(outcome).toBe(code);
}

function codeOf(error: unknown): ErrorCode {
  if (error instanceof ChangeoverError) return error.code;
  throw error;
}

/** Bytes of buffers that a reader holds when nobody takes its second batch: the most seen in half a second. */
async function heldBySlowReader(store: MessageStore, stream: StreamName): Promise<number> {
  const before = heldBytes();
  await using reader = readerOf(store, stream, 0);
  await reader.next();
  let most = 0;
  // Time for it to do wrong: on this machine a reader without a bound takes the whole stream in less.
  for (let i = 0; i < 10; i++) {
    await clock.sleep(50);
    most = Math.max(most, heldBytes() - before);
  }
  return most;
}

function heldBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  return process.memoryUsage().arrayBuffers;
}
