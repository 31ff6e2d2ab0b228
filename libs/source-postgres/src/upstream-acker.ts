import { ChangeoverError, type Position } from '@changeover/core';

/**
 * The only one who decides what the source is told is safe with us. What it says moves when somebody promises that the
 * log holds everything up to there, and never because something was received, asked for or timed.
 */
export class UpstreamAcker {
  #acknowledged: Position;
  #told: Position;

  /** Starts at what the source already knows. */
  constructor(confirmed: Position) {
    this.#acknowledged = confirmed;
    this.#told = confirmed;
  }

  get acknowledged(): Position {
    return this.#acknowledged;
  }

  /** The reader has everything up to `position`: it was given it, or had it before. */
  delivered(position: Position): void {
    if (position > this.#told) this.#told = position;
  }

  /** A position at or before the last one is heard and changes nothing. INTERNAL for one that the reader was never given. */
  acknowledge(position: Position): void {
    if (position > this.#told) {
      throw new ChangeoverError('INTERNAL', `position ${position} was acknowledged, but the source has only told of ${this.#told}`);
    }
    if (position > this.#acknowledged) this.#acknowledged = position;
  }
}
