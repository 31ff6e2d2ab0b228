// A thread that derives ranges for transform: started by DerivationThreads.
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';

import { CONVERTERS } from '@changeover/cleaning';
import { ChangeoverError } from '@changeover/core';
import { RangeDerivation, type RangeTask } from '@changeover/pipeline';
import { LmdbStateDraft } from '@changeover/state-lmdb';

import type { ThreadAnswer, ThreadStart } from './derivation-threads.js';

const port = parentPort as MessagePort;
const { setup, location } = workerData as ThreadStart;
const draft = LmdbStateDraft.open(location);
const derivation = new RangeDerivation(setup, draft, CONVERTERS);

/** `null`: there is nothing more to do. */
port.on('message', (task: RangeTask | null) => {
  if (task === null) {
    port.close();
    void draft[Symbol.asyncDispose]();
    return;
  }
  try {
    const outcome = derivation.derive(task);
    const memory = [...outcome.changes.pieces, ...outcome.evaluated].map(({ buffer }) => buffer as ArrayBuffer);
    port.postMessage({ outcome } satisfies ThreadAnswer, memory);
  } catch (error) {
    port.postMessage({ failed: told(error) } satisfies ThreadAnswer);
  }
});

/** As it can be sent: of an error's own class nothing would be left. */
function told(error: unknown): Extract<ThreadAnswer, { readonly failed: unknown }>['failed'] {
  if (error instanceof ChangeoverError) return { code: error.code, message: error.message, facts: error.facts };
  return { code: 'INTERNAL', message: error instanceof Error ? (error.stack ?? error.message) : String(error), facts: {} };
}
