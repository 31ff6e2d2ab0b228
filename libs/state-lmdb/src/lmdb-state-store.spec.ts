import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { stateStoreContract } from '@changeover/testing';

import { LmdbStateStore } from './lmdb-state-store.js';

stateStoreContract('LMDB', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'changeover-state-'));
  const opened: LmdbStateStore[] = [];
  return {
    open: async () => {
      const store = await LmdbStateStore.open({ folder, name: 'test' });
      opened.push(store);
      return store;
    },
    [Symbol.asyncDispose]: async () => {
      for (const store of opened) await store[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
});
