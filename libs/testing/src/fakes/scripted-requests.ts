type Request = {
  readonly ordinal: number;
  readonly id: string;
  readonly kind: 'activate-mapping' | 'correct' | 'reference' | 'barrier';
  readonly payload: unknown;
};

/** The operators' requests, as a test makes them. (Has the shape of `CaptureRequests` of the pipeline, which this lib does not know.) */
export class ScriptedRequests {
  readonly #requests: Request[] = [];
  readonly #wake = new Set<() => void>();

  submit(kind: Request['kind'], payload: unknown = {}): string {
    const ordinal = this.#requests.length + 1;
    const id = `request-${String(ordinal)}`;
    this.#requests.push({ ordinal, id, kind, payload });
    for (const wake of this.#wake) wake();
    return id;
  }

  async *after(ordinal: number, signal: AbortSignal): AsyncIterable<Request> {
    let next = ordinal;
    while (!signal.aborted) {
      const request = this.#requests[next];
      if (request !== undefined) {
        next++;
        yield request;
        continue;
      }
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#wake.delete(wake);
          resolve();
        };
        this.#wake.add(wake);
        signal.addEventListener('abort', wake, { once: true });
      });
    }
  }
}
