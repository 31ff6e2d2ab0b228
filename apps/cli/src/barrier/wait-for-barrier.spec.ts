import { ChangeoverError, SystemClock, type ErrorCode } from '@changeover/core';
import type { TargetWriter } from '@changeover/events';
import { positionAt, RecordingTarget } from '@changeover/testing';

import { waitForBarrier } from './wait-for-barrier.js';

const REACHED = { seq: 7, position: positionAt(9), held: 1, waiting: 0, refused: 0 };

/** A target that answers look after look as it is told. */
class AnsweringTarget extends RecordingTarget {
  readonly #answers: (typeof REACHED | ErrorCode | null)[];

  constructor(...answers: (typeof REACHED | ErrorCode | null)[]) {
    super();
    this.#answers = answers;
  }

  override findBarrier(): ReturnType<TargetWriter['findBarrier']> {
    const answer = this.#answers.shift() ?? null;
    return typeof answer === 'string' ? Promise.reject(new ChangeoverError(answer, 'told so')) : Promise.resolve(answer);
  }
}

function wait(target: TargetWriter, signal = new AbortController().signal): ReturnType<TargetWriter['findBarrier']> {
  return waitForBarrier(target, 'token', { clock: new SystemClock(), signal });
}

describe('waiting for a barrier', () => {
  it('outlasts a target that goes away meanwhile', async () => {
    expect(await wait(new AnsweringTarget(null, 'TARGET_UNREACHABLE', REACHED))).toEqual(REACHED);
  });

  it('ends with a target that cannot be reached at first, or that denies the look', async () => {
    await expect(wait(new AnsweringTarget('TARGET_UNREACHABLE', REACHED))).rejects.toMatchObject({ code: 'TARGET_UNREACHABLE' });
    await expect(wait(new AnsweringTarget(null, 'TARGET_DENIED', REACHED))).rejects.toMatchObject({ code: 'TARGET_DENIED' });
  });

  it('ends with nothing when nobody waits any more', async () => {
    expect(await wait(new AnsweringTarget(null, null), AbortSignal.abort())).toBeNull();
  });
});
