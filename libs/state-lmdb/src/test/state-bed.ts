import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { LmdbStateStore } from '../lmdb-state-store.js';
import { StateOwner } from './state-owner.js';

/** A folder, and who uses it; ends and removes all of them. */
export class StateBed implements AsyncDisposable {
  readonly folder: string;
  readonly #opened: AsyncDisposable[] = [];

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async make(): Promise<StateBed> {
    return new StateBed(await mkdtemp(join(tmpdir(), 'changeover-state-')));
  }

  async owner(): Promise<StateOwner> {
    const owner = this.#keep(new StateOwner(this.folder, 'own'));
    const said = await owner.next();
    if (said !== 'open') throw new Error(`it did not open the folder: ${String(said)}`);
    return owner;
  }

  /** Stands inside a transaction, with LMDB's lock, as a writer that was stopped there. */
  async holder(): Promise<StateOwner> {
    const holder = this.#keep(new StateOwner(join(this.folder, '1'), 'hold'));
    await holder.stands();
    return holder;
  }

  async open(): Promise<LmdbStateStore> {
    return this.#keep(await LmdbStateStore.open({ folder: this.folder, name: 'test', patience: 500 }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const opened of this.#opened) await opened[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true });
  }

  #keep<T extends AsyncDisposable>(opened: T): T {
    this.#opened.push(opened);
    return opened;
  }
}

/** `key=value` of all entries. */
export function contentOf(store: LmdbStateStore): string[] {
  return [...store.entries(Buffer.alloc(0), null)].map(({ key, value }) => `${String(key)}=${String(value)}`);
}
