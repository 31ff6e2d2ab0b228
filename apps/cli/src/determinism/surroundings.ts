/** What a process finds around it and may let into what it derives. */
export type Surroundings = {
  /** TZ. */
  readonly timeZone: string;
  /** LANG and LC_ALL. */
  readonly locale: string;
  /** What its clocks say when it starts, in milliseconds since the epoch, and by how much they move on whenever they are looked at. */
  readonly clock: { readonly start: number; readonly step: number };
  /** Begins its random numbers. */
  readonly seed: number;
};

export const INFLUENCES = ['timeZone', 'locale', 'clock', 'seed'] as const;

export type Influence = (typeof INFLUENCES)[number];

/**
 * Two that have nothing in common. The other time zone is not whole hours away and has another summer, the other locale has letters and
 * number signs of its own, and between the two clocks lie a new year, a change of summer time and half a day.
 */
export const USUAL: Surroundings = {
  timeZone: 'UTC',
  locale: 'en_US.UTF-8',
  clock: { start: Date.UTC(2026, 0, 15, 6, 30), step: 1 },
  seed: 1,
};
export const OTHER: Surroundings = {
  timeZone: 'Pacific/Chatham',
  locale: 'tr_TR.UTF-8',
  clock: { start: Date.UTC(2027, 6, 27, 19, 45, 12), step: 7 },
  seed: 2,
};

/** The usual ones, but for one. */
export function changedIn(influence: Influence): Surroundings {
  return { ...USUAL, [influence]: OTHER[influence] };
}
