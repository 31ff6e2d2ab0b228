import { messageStoreContract } from './contracts/message-store.contract.js';
import { InMemoryMessageStore, MemoryStorage } from './in-memory-message-store.js';

messageStoreContract('in memory', () => {
  const storage = new MemoryStorage();
  return Promise.resolve({
    open: () => new InMemoryMessageStore(storage),
    drop: (stream) => {
      storage.drop(stream);
      return Promise.resolve();
    },
    truncate: (stream, before) => {
      storage.truncate(stream, before);
      return Promise.resolve();
    },
    readsAhead: false,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
});

describe('InMemoryMessageStore on demand', () => {
  const stream = 'm.changes';

  async function openStore(): Promise<{ storage: MemoryStorage; store: InMemoryMessageStore; content(): Promise<string[]> }> {
    const storage = new MemoryStorage();
    const store = new InMemoryMessageStore(storage);
    await store.create(stream);
    return {
      storage,
      store,
      content: async () => {
        const { end } = await store.bounds(stream);
        const texts: string[] = [];
        for await (const batch of store.read(stream, 0, { signal: new AbortController().signal, until: end })) {
          texts.push(...batch.map(({ bytes }) => bytes.toString()));
        }
        return texts;
      },
    };
  }

  it('holds an append until the test lets it land behind what came later', async () => {
    const { storage, store, content } = await openStore();
    storage.onAppend = () => 'hold';
    const held = store.append(stream, [Buffer.from('held')]);
    const caught = await storage.whenCaught();
    storage.onAppend = undefined;
    await new InMemoryMessageStore(storage).append(stream, [Buffer.from('later')]);
    expect(await content()).toEqual(['later']);
    caught.land();
    expect(await held).toBe(1);
    expect(await content()).toEqual(['later', 'held']);
  });

  it('lets a refused append land late', async () => {
    const { storage, store, content } = await openStore();
    storage.onAppend = () => 'refuse';
    await expect(store.append(stream, [Buffer.from('late')])).rejects.toMatchObject({ code: 'LOG_UNREACHABLE' });
    storage.onAppend = undefined;
    await store.append(stream, [Buffer.from('next')]);
    storage.caught[0]?.land();
    expect(await content()).toEqual(['next', 'late']);
  });

  it('stores and rejects: the answer is lost', async () => {
    const { storage, store, content } = await openStore();
    storage.onAppend = () => 'lose-answer';
    await expect(store.append(stream, [Buffer.from('a')])).rejects.toMatchObject({ code: 'LOG_UNREACHABLE' });
    expect(await content()).toEqual(['a']);
  });

  it('stores twice', async () => {
    const { storage, store, content } = await openStore();
    storage.onAppend = () => 'double';
    expect(await store.append(stream, [Buffer.from('a'), Buffer.from('b')])).toBe(0);
    expect(await content()).toEqual(['a', 'b', 'a', 'b']);
  });
});
