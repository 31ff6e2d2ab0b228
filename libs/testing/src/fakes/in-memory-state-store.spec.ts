import { stateStoreContract } from '../contracts/state-store.contract.js';
import { InMemoryStateStore, StateStorage } from './in-memory-state-store.js';

stateStoreContract('in memory', () => {
  const storage = new StateStorage();
  return Promise.resolve({
    open: () => Promise.resolve(new InMemoryStateStore(storage)),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
});
