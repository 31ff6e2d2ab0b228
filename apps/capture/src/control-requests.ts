import type { ChangeoverError } from '@changeover/core';
import type { RequestQueue } from '@changeover/control-postgres';
import { CaptureRequests, type CaptureRequest } from '@changeover/pipeline';

/** Operators' requests out of the control database's table. */
export class ControlRequests extends CaptureRequests {
  readonly #queue: RequestQueue;
  readonly #migration: string;
  readonly #onTrouble: (error: ChangeoverError) => void;

  constructor(options: { readonly queue: RequestQueue; readonly migration: string; readonly onTrouble: (error: ChangeoverError) => void }) {
    super();
    this.#queue = options.queue;
    this.#migration = options.migration;
    this.#onTrouble = options.onTrouble;
  }

  override after(ordinal: number, signal: AbortSignal): AsyncIterable<CaptureRequest> {
    return this.#queue.requests(this.#migration, ordinal, { signal, onTrouble: this.#onTrouble });
  }
}
