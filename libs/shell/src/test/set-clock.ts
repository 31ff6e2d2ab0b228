import { Clock } from '@changeover/core';

/** Time stands where the test sets it; a sleep lets everything else go first. */
export class SetClock extends Clock {
  time: number;
  readonly slept: number[] = [];

  constructor(time = 0) {
    super();
    this.time = time;
  }

  now(): number {
    return this.time;
  }

  monotonic(): number {
    return this.time;
  }

  sleep(ms: number): Promise<void> {
    this.slept.push(ms);
    return new Promise((resolve) => setImmediate(resolve));
  }
}
