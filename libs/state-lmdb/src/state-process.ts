import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { ChangeoverError, type Clock } from '@changeover/core';

export type WriteTask = {
  readonly task: 'write';
  readonly base: string;
  readonly number: number;
  readonly name: string;
  readonly owner: string;
};

/** What the process is for: `write` owns a folder and commits to it; `create` and `copy` fill a new one, then end. */
export type StateTask =
  | WriteTask
  | { readonly task: 'create'; readonly path: string; readonly name: string }
  | { readonly task: 'copy'; readonly from: string; readonly path: string };

/** A line that the process says. */
export type StateAnswer =
  /** It runs; what comes next may wait for somebody else. */
  | { readonly said: 'started' }
  /** It waits for nobody any more. */
  | { readonly said: 'opened' }
  | { readonly said: 'done'; readonly more?: boolean }
  | { readonly said: 'fenced' }
  | { readonly said: 'unusable'; readonly why: 'damaged' | 'other format' | 'replaced' }
  | { readonly said: 'failed'; readonly message: string }
  /** It has ended, by itself or by a signal. */
  | { readonly said: 'nothing'; readonly signal: NodeJS.Signals | null };

/** What a frame sent to it holds. */
export const FRAME = { changes: 1, commit: 2, clear: 3, close: 4, spill: 5, discard: 6, forget: 7 } as const;
export type FrameKind = (typeof FRAME)[keyof typeof FRAME];

/** The beginning of each frame: length of its content (4), kind (1). */
export const FRAME_HEADER_BYTES = 5;

/** Built by `tsc -b`; the way to it is the same from the sources. */
const SCRIPT = fileURLToPath(new URL('../dist/state-process-main.js', import.meta.url));
const KEPT_CHARACTERS = 2000;

/** What is under way in one when we end is not asked for any more; one that is stuck in a damaged file would not notice that we are gone. */
const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** The other end of `state-process-main.ts`: one frame or task at a time, one answer for each. It ends when its input does, so never outlives us. */
export class StateProcess {
  readonly #child: ChildProcess;
  readonly #answers: StateAnswer[] = [];
  #waiting: (() => void)[] = [];
  #errors = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.stdin?.on('error', () => undefined);
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#errors = (this.#errors + chunk.toString()).slice(-KEPT_CHARACTERS);
    });
    if (child.stdout !== null) createInterface(child.stdout).on('line', (line) => this.#hear(JSON.parse(line) as StateAnswer));
    // `close`, not `exit`: then all it said has arrived.
    running.add(child);
    child.on('close', (_code, signal: NodeJS.Signals | null) => {
      running.delete(child);
      this.#hear({ said: 'nothing', signal });
    });
  }

  static async start(task: StateTask): Promise<StateProcess> {
    const child = spawn(process.execPath, [SCRIPT, JSON.stringify(task)], { stdio: ['pipe', 'pipe', 'pipe'] });
    await once(child, 'spawn').catch((cause: unknown) => {
      throw new ChangeoverError('STATE_UNAVAILABLE', 'cannot start the process that writes the state', { cause });
    });
    return new StateProcess(child);
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  async answer(): Promise<StateAnswer> {
    while (this.#answers[0] === undefined) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    const [answer] = this.#answers;
    // That it has ended is the answer to everything from then on.
    if (answer.said !== 'nothing') this.#answers.shift();
    return answer;
  }

  /** null: it did not answer in time, and was killed. */
  async answerWithin(milliseconds: number, clock: Clock): Promise<StateAnswer | null> {
    const answered = new AbortController();
    const late = clock.sleep(milliseconds, answered.signal).then(() => null);
    const answer = await Promise.race([this.answer(), late]);
    answered.abort();
    if (answer === null) await this.kill();
    return answer;
  }

  /** Resolves when the process has taken most of it. */
  async send(kind: FrameKind, content: Uint8Array): Promise<void> {
    const header = Buffer.alloc(FRAME_HEADER_BYTES);
    header.writeUInt32BE(content.byteLength);
    header.writeUInt8(kind, 4);
    const input = this.#child.stdin;
    input?.write(header);
    await new Promise<void>((resolve) => input?.write(content, () => resolve()));
  }

  /** Also ends one that is stopped, or waits for a lock. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    while ((await this.answer()).said !== 'nothing');
  }

  /** What it means that it did not do what it was told. */
  errorOf(answer: StateAnswer): ChangeoverError {
    if (answer.said === 'fenced') return new ChangeoverError('STATE_FENCED', 'another process has opened the folder of the state');
    if (answer.said === 'unusable' && answer.why === 'damaged')
      return new ChangeoverError('STATE_DAMAGED', 'the file of the state cannot be written: it is damaged');
    const how = answer.said === 'nothing' && answer.signal !== null ? ` (${answer.signal})` : '';
    return new ChangeoverError('STATE_UNAVAILABLE', `the process that writes the state failed${how}: ${this.#whatFailed(answer)}`);
  }

  #whatFailed(answer: StateAnswer): string {
    if (answer.said === 'failed') return answer.message;
    return answer.said === 'unusable' ? answer.why : this.#errors.trim();
  }

  #hear(answer: StateAnswer): void {
    this.#answers.push(answer);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}
