import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

import { ChangeoverError, type ErrorCode, type ErrorFacts } from '@changeover/core';
import type { RangeOutcome, RangeSetup, RangeTask, RangeThreads, StartRangeThreads } from '@changeover/pipeline';

export type ThreadStart = { readonly setup: RangeSetup; readonly location: string };

/** What a thread says to a task. */
export type ThreadAnswer =
  | { readonly outcome: RangeOutcome }
  | { readonly failed: { readonly code: ErrorCode; readonly message: string; readonly facts: ErrorFacts } };

type Waiting = { readonly resolve: (outcome: RangeOutcome) => void; readonly reject: (error: unknown) => void };

/** Built by `tsc -b`; the way to it is the same from the sources. */
const SCRIPT = fileURLToPath(new URL('../dist/derivation-thread.js', import.meta.url));
/** Of a thread, for what is young: more would only be taken up by what is let go at once. */
const YOUNG_MB = 16;

/** Processors that log, load, the state's writer and whoever derives keep busy meanwhile: with two in all, a thread only costs. */
const TAKEN_PROCESSORS = 2;
const MOST_THREADS = 4;

/** What starts so many of them, or, where that is left open, as many as the machine has processors to spare; undefined: none. */
export function derivationThreads(wanted: number | undefined): StartRangeThreads | undefined {
  const count = wanted ?? Math.max(0, Math.min(availableParallelism() - TAKEN_PROCESSORS, MOST_THREADS));
  return count === 0 ? undefined : (setup, location) => new DerivationThreads(count, { setup, location });
}

/** Threads of this process that derive ranges, each with its own connection to the state. A task goes to the one that has the fewest. */
export class DerivationThreads implements RangeThreads {
  readonly #threads: readonly DerivationThread[];

  constructor(count: number, start: ThreadStart) {
    this.#threads = Array.from({ length: count }, () => new DerivationThread(start));
  }

  get count(): number {
    return this.#threads.length;
  }

  derive(task: RangeTask): Promise<RangeOutcome> {
    const [first, ...others] = this.#threads as readonly [DerivationThread, ...DerivationThread[]];
    return others.reduce((least, thread) => (thread.tasks < least.tasks ? thread : least), first).derive(task);
  }

  /** Each ends with the tasks that it has. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.end()));
  }
}

/** One of them: takes one task after the other, and answers in that order. */
class DerivationThread {
  readonly #worker: Worker;
  readonly #waiting: Waiting[] = [];
  readonly #exit: Promise<unknown>;
  #ended: ChangeoverError | null = null;

  constructor(workerData: ThreadStart) {
    this.#worker = new Worker(SCRIPT, { workerData, resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB } });
    this.#exit = new Promise((resolve) => this.#worker.once('exit', resolve));
    this.#worker.on('message', (answer: ThreadAnswer) => this.#hear(answer));
    for (const event of ['error', 'messageerror'] as const) this.#worker.on(event, (cause: Error) => this.#fail(failed(cause)));
    this.#worker.on('exit', () => this.#fail(new ChangeoverError('INTERNAL', 'a thread that derives rows has ended')));
  }

  /** How many wait for their answers. */
  get tasks(): number {
    return this.#waiting.length;
  }

  derive(task: RangeTask): Promise<RangeOutcome> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== null) {
        reject(this.#ended);
        return;
      }
      this.#waiting.push({ resolve, reject });
      this.#worker.postMessage(
        task,
        task.pieces.map(({ buffer }) => buffer as ArrayBuffer),
      );
    });
  }

  async end(): Promise<void> {
    this.#worker.postMessage(null);
    await this.#exit;
  }

  #hear(answer: ThreadAnswer): void {
    const waiting = this.#waiting.shift();
    if ('outcome' in answer) waiting?.resolve(answer.outcome);
    else waiting?.reject(new ChangeoverError(answer.failed.code, answer.failed.message, { facts: answer.failed.facts }));
  }

  #fail(error: ChangeoverError): void {
    this.#ended ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#ended);
  }
}

function failed(cause: Error & { readonly code?: string }): ChangeoverError {
  const advice = cause.code === 'ERR_WORKER_OUT_OF_MEMORY' ? ': it ran out of memory; limits.derivationThreads: 0 does without' : '';
  return new ChangeoverError('INTERNAL', `a thread that derives rows failed${advice}`, { cause });
}
