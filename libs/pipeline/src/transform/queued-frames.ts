import { encodeFrameHeader, FrameReader, type Frame, type StateStore } from '@changeover/events';

import { stateKey } from '../derive/state-keys.js';

const RUN_FRAMES = 16;

/**
 * Frames of tables whose rows have no key, as long as nothing was derived yet. They have no mirror: what the log tells of them is passed on as it is, in
 * its order, but not before the rows of other tables that theirs may refer to.
 */
export class QueuedFrames {
  readonly #state: StateStore;

  constructor(state: StateStore) {
    this.#state = state;
  }

  /** `seq` and `index`: of the record, and among its frames. */
  add(table: number, frame: Frame, seq: number, index: number): void {
    const place = Buffer.concat([stateKey('queued', table, ''), Buffer.allocUnsafe(10)]);
    place.writeUIntBE(seq, place.length - 10, 6);
    place.writeUInt32BE(index, place.length - 4);
    this.#state.put(place, Buffer.concat([encodeFrameHeader(frame, frame.rows.length), frame.rows]));
  }

  /** Gives them in their order, and forgets them; between two runs their caller may make room. */
  *take(table: number, give: (frame: Frame) => void): Generator<void> {
    let seen = 0;
    for (const { key, value } of this.#state.entries(stateKey('queued', table, ''), null)) {
      for (const frame of new FrameReader().push(Buffer.from(value))) give(frame);
      this.#state.remove(Buffer.from(key));
      if (++seen % RUN_FRAMES === 0) yield;
    }
  }
}
