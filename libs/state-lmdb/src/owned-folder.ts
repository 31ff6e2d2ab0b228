import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { type Clock, type IdSource } from '@changeover/core';

import { currentFolder, type NumberedFolder, numberedFolders } from './numbered-folders.js';
import { FRAME, StateProcess, type StateAnswer, type StateTask } from './state-process.js';

/**
 * Why a store begins without what was there. `damaged`: the file cannot be read. `other format`: it was written by another version of
 * Changeover, or is the state of something else. `held`: a process that stands still holds the lock, and its file could not be copied.
 */
export type LostState = 'damaged' | 'other format' | 'held';

export type OwnedFolder = { readonly path: string; readonly writer: StateProcess; readonly lost: LostState | null };

/** Killed by one of these, the process has met a file that LMDB cannot live with. */
const DEATHS_BY_DAMAGE: ReadonlySet<string | null> = new Set(['SIGBUS', 'SIGSEGV', 'SIGABRT']);

/** Takes hold of the folder in which the state lies: the last numbered one, or the next if that cannot be had. */
export class FolderClaim {
  readonly #base: string;
  readonly #name: string;
  readonly #clock: Clock;
  readonly #ids: IdSource;
  readonly #patience: number;

  constructor(options: {
    readonly base: string;
    readonly name: string;
    readonly clock: Clock;
    readonly ids: IdSource;
    /** How long another process may keep us from its folder, in milliseconds. */
    readonly patience: number;
  }) {
    this.#base = options.base;
    this.#name = options.name;
    this.#clock = options.clock;
    this.#ids = options.ids;
    this.#patience = options.patience;
  }

  /**
   * `anew`: without what is there, and without looking at it: that may be damaged in ways in which LMDB does not come to an end.
   *
   * @throws ChangeoverError STATE_UNAVAILABLE; STATE_FENCED: somebody else has taken it meanwhile
   */
  async claim({ anew = false } = {}): Promise<OwnedFolder> {
    let lost: LostState | null = null;
    const last = anew ? currentFolder(this.#base) : null;
    if (last !== null) await this.#build(last.number + 1, null);
    // Each turn looks anew: another process may claim, too, and whoever is last has it.
    for (;;) {
      const current = currentFolder(this.#base);
      if (current === null) {
        await this.#build(1, null);
        continue;
      }
      const claimed = await this.#own(current);
      if (claimed === 'replaced') continue;
      if (claimed instanceof StateProcess) return { path: current.path, writer: claimed, lost };
      if (claimed === 'held' && (await this.#build(current.number + 1, current.path)) === 'done') continue;
      lost = claimed;
      await this.#build(current.number + 1, null);
    }
  }

  async #own({ number, path }: NumberedFolder): Promise<StateProcess | LostState | 'replaced'> {
    const owner = this.#ids.uuid();
    const writer = await StateProcess.start({ task: 'write', base: this.#base, number, name: this.#name, owner });
    const opened = await this.#opened(writer);
    if (opened === 'held') return opened;
    let answer = opened.said === 'opened' ? await writer.answer() : opened;
    if (answer.said === 'done') {
      await this.#removeAllBut(path);
      answer = await this.#discard(writer);
    }
    if (answer.said === 'done') return writer;
    await writer.kill();
    if (answer.said === 'unusable') return answer.why;
    if (answer.said === 'nothing' && DEATHS_BY_DAMAGE.has(answer.signal)) return 'damaged';
    throw writer.errorOf(answer);
  }

  /** Undoes what an owner before spilled. Behind {@link #removeAllBut}, as nothing is changed in a folder that seems to be replaced. */
  async #discard(writer: StateProcess): Promise<StateAnswer> {
    await writer.send(FRAME.discard, Buffer.alloc(0));
    return await writer.answer();
  }

  /** Under another name until it is whole. Without a file to copy it is empty. */
  async #build(number: number, from: string | null): Promise<'done' | 'not done'> {
    const path = join(this.#base, `${String(number)}-${this.#ids.uuid()}`);
    await mkdir(path);
    const task: StateTask = from === null ? { task: 'create', path, name: this.#name } : { task: 'copy', from, path };
    const builder = await StateProcess.start(task);
    const opened = await this.#opened(builder);
    const answer = opened !== 'held' && opened.said === 'opened' ? await builder.answer() : opened;
    if (answer !== 'held' && answer.said === 'done') {
      await builder.kill();
      // Not moved where somebody else was first: that one is looked at next.
      await rename(path, join(this.#base, String(number))).catch(() => rm(path, { recursive: true, force: true }));
      return 'done';
    }
    await builder.kill();
    await rm(path, { recursive: true, force: true });
    if (from === null && answer !== 'held') throw builder.errorOf(answer);
    return 'not done';
  }

  /** The time in which the process starts is the machine's; what it needs behind that may be held by somebody else. */
  async #opened(process: StateProcess): Promise<StateAnswer | 'held'> {
    const started = await process.answer();
    if (started.said !== 'started') return started;
    return (await process.answerWithin(this.#patience, this.#clock)) ?? 'held';
  }

  /** Whoever still has one open keeps what it sees: the files go when it ends. */
  async #removeAllBut(path: string): Promise<void> {
    for (const folder of numberedFolders(this.#base)) {
      if (folder.path !== path) await rm(folder.path, { recursive: true, force: true });
    }
  }
}
