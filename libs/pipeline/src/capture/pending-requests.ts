import type { TakenRequests } from '@changeover/events';

import type { CaptureRequest } from '../ports.js';
import type { QueuedPart } from '../record-appender.js';

/** Which operator requests are in the log, and which are on their way into it. */
export class PendingRequests {
  #taken: TakenRequests;
  #ready: (() => readonly QueuedPart[])[] = [];
  readonly #marked = new Map<string, CaptureRequest>();

  constructor(taken: TakenRequests) {
    this.#taken = taken;
  }

  get taken(): TakenRequests {
    return this.#taken;
  }

  isTaken(ordinal: number): boolean {
    return ordinal <= this.#taken.through || this.#taken.beyond.includes(ordinal);
  }

  /** Its record goes in at the next place between two transactions. */
  ready(parts: () => readonly QueuedPart[]): void {
    this.#ready.push(parts);
  }

  takeReady(): readonly (() => readonly QueuedPart[])[] {
    if (this.#ready.length === 0) return this.#ready;
    const ready = this.#ready;
    this.#ready = [];
    return ready;
  }

  /** Its record goes in where the stream reaches the mark. */
  marked(request: CaptureRequest): void {
    this.#marked.set(request.id, request);
  }

  reached(token: string): CaptureRequest | null {
    const request = this.#marked.get(token) ?? null;
    this.#marked.delete(token);
    return request;
  }

  take(ordinal: number): void {
    const beyond = new Set([...this.#taken.beyond, ordinal]);
    let { through } = this.#taken;
    while (beyond.delete(through + 1)) through++;
    this.#taken = { through, beyond: [...beyond] };
  }
}
