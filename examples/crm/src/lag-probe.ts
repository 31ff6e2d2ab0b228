import type { Clock } from '@changeover/core';
import pg from 'pg';

export type LagSummary = {
  readonly count: number;
  /** Milliseconds from COMMIT's return at the source until the row is visible at the target. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
};

export type LagProbeOptions = {
  /** The databases; both have the table `public.probes`. */
  readonly source: string;
  readonly target: string;
  readonly clock: Clock;
  /** Between two markers of {@link LagProbe.run}, in milliseconds. Default 50. */
  readonly pauseMs?: number;
  /** Between two looks at the target, in milliseconds. Default 0: as fast as it answers. */
  readonly lookEveryMs?: number;
  /** Written into each marker, so that several probes may share the table. */
  readonly sender: string;
  /** Markers get numbers above this one. */
  readonly firstId?: number;
};

/**
 * Measures lag from outside: commits a marker row at the source, then asks the target for it again and again on a
 * connection of its own until it is there. It knows nothing of what lies between.
 */
export class LagProbe implements AsyncDisposable {
  readonly #options: LagProbeOptions;
  readonly #source: pg.Client;
  readonly #target: pg.Client;
  readonly #stop = new AbortController();
  readonly #lags: number[] = [];
  #id: number;
  #loop: Promise<void> = Promise.resolve();

  private constructor(options: LagProbeOptions) {
    this.#options = options;
    this.#id = options.firstId ?? 0;
    this.#source = new pg.Client({ connectionString: options.source, application_name: 'lag probe' });
    this.#target = new pg.Client({ connectionString: options.target, application_name: 'lag probe' });
  }

  static async open(options: LagProbeOptions): Promise<LagProbe> {
    const probe = new LagProbe(options);
    // A lost connection is told by the query that meets it.
    for (const client of [probe.#source, probe.#target]) client.on('error', () => undefined);
    await Promise.all([probe.#source.connect(), probe.#target.connect()]);
    return probe;
  }

  /** Commits one marker and resolves when it has arrived, with the milliseconds that took; undefined when `signal` aborted first. */
  async measure(signal?: AbortSignal): Promise<number | undefined> {
    const { clock, lookEveryMs = 0 } = this.#options;
    const id = ++this.#id;
    await this.#source.query({
      name: 'mark',
      text: 'INSERT INTO public.probes (id, sent_by) VALUES ($1, $2)',
      values: [id, this.#options.sender],
    });
    const committed = clock.monotonic();
    for (;;) {
      const seen = await this.#target.query({ name: 'look', text: 'SELECT FROM public.probes WHERE id = $1', values: [id] });
      if (seen.rowCount === 1) return clock.monotonic() - committed;
      if (signal?.aborted === true) return undefined;
      if (lookEveryMs > 0) await clock.sleep(lookEveryMs, signal);
    }
  }

  /** Measures again and again until {@link stop}. */
  run(): void {
    const { signal } = this.#stop;
    const loop = async (): Promise<void> => {
      while (!signal.aborted) {
        const lag = await this.measure(signal);
        if (lag !== undefined) this.#lags.push(lag);
        await this.#options.clock.sleep(this.#options.pauseMs ?? 50, signal);
      }
    };
    this.#loop = loop();
    // Told by stop(); meanwhile the numbers just stand still.
    this.#loop.catch(() => undefined);
  }

  /** Of the last `count` markers, or of all. */
  summary(count = this.#lags.length): LagSummary {
    return summarise(count === 0 ? [] : this.#lags.slice(-count));
  }

  get count(): number {
    return this.#lags.length;
  }

  /** Ends the loop and tells what it measured. Rejects with what ended the loop early. */
  async stop(): Promise<LagSummary> {
    this.#stop.abort();
    await this.#loop;
    return this.summary();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#loop.catch(() => undefined);
    await Promise.all([this.#source.end(), this.#target.end()]);
  }
}

/** Percentiles by the nearest rank. */
export function summarise(lags: readonly number[]): LagSummary {
  const sorted = [...lags].sort((left, right) => left - right);
  const rank = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
  return { count: sorted.length, p50: rank(0.5), p99: rank(0.99), max: rank(1) };
}
