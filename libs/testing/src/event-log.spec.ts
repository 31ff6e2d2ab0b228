import { eventLogContract } from './contracts/event-log.contract.js';
import { InMemoryMessageStore, MemoryStorage } from './in-memory-message-store.js';

eventLogContract('a store in memory', () => {
  const storage = new MemoryStorage();
  return Promise.resolve({
    client: () => Promise.resolve(new InMemoryMessageStore(storage)),
    recreate: (stream) => {
      storage.drop(stream);
      storage.create(stream);
      return Promise.resolve();
    },
    truncateBefore: (stream, offset) => {
      storage.truncate(stream, offset);
      return Promise.resolve();
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
});
