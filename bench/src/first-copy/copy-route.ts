import type { SelfTime } from '../cpu-profile.js';
import type { StepProcess } from '../step-cpu.js';
import type { Arrival } from './arrival.js';

export type CopyRouteName = 'copy' | 'native' | 'embedded' | 'kafka';

/** One way for rows that are there to get into empty tables of another database. */
export type CopyRoute = {
  readonly name: CopyRouteName;
  /** Everything that is not part of the copy: an empty database with the tables. */
  readonly prepare: (turn: number) => Promise<PreparedCopy>;
};

export type PreparedCopy = AsyncDisposable & {
  readonly targetUrl: string;
  readonly arrivals: readonly Arrival[];
  /** Begins; resolves when there is nothing more to do but wait. */
  readonly begin: () => Promise<void>;
  /** Rejects when it cannot come to its end any more. */
  readonly failure: () => Promise<never>;
  /** Processes by step, as they are now. */
  readonly steps: () => Promise<Readonly<Record<string, StepProcess>>>;
  /** The steps whose memory is bounded by our promise. */
  readonly ours: readonly string[];
  /** When all rows have arrived: ends what runs, checks it, and tells what it leaves. */
  readonly finish: () => Promise<LeftBehind>;
};

export type LeftBehind = {
  /** What the log takes on disk; null: there is none, or nobody can tell. */
  readonly logBytes: number | null;
  readonly stateBytes: number | null;
  /** Seconds that it took afterwards to compare every row with what should be there; null: nobody compared. */
  readonly verifySeconds: number | null;
  /** Where our processes spent their time, by step. */
  readonly profiles: Readonly<Record<string, readonly SelfTime[]>>;
};

export const NOTHING_LEFT: LeftBehind = { logBytes: null, stateBytes: null, verifySeconds: null, profiles: {} };
