/** One way for rows to get from a database on the source server to one on the target server. */
export type Route = {
  readonly name: 'native' | 'embedded' | 'kafka';
  readonly sourceUrl: string;
  readonly targetUrl: string;
  /** Resolves when it follows the source. The first time it begins with empty tables. */
  readonly start: () => Promise<void>;
  /** Resolves when none of it runs any more; it can be started again. */
  readonly stop: () => Promise<void>;
  /** Process ids by step: ours while it runs, and the servers; undefined where the server is not a process of this machine. */
  readonly steps: () => Readonly<Record<string, number | undefined>>;
  /** The steps whose memory is bounded by our promise. */
  readonly ours: readonly string[];
};
