import type { StateView } from '@changeover/events';

import { membersOf } from './members.js';
import { keyOfEntry, rivalKey, stateKey } from './state-keys.js';

const ALONE = Buffer.from('0');
const NOT_ALONE = Buffer.from('1');

/** Keys of the rows that have the values, before one wanted them or left them and behind that; undefined: none. */
export type Winners = { readonly before: string | undefined; readonly after: string | undefined };

/**
 * Who wants which unique values. Most values are wanted by one row only, so the first of those that want them is an entry, and only the others are members of
 * a set; the entry's first byte says whether there may be some.
 */
export class UniqueClaims {
  readonly #state: StateView;

  constructor(state: StateView) {
    this.#state = state;
  }

  /** Key of the row that has the values. */
  winner(unique: number, values: string): string | undefined {
    const entry = this.#state.get(stateKey('winner', unique, values));
    return entry === undefined ? undefined : winnerOf(entry);
  }

  /** Of a unique rule, for each value that several rows want how many those are. */
  *contested(unique: number): Generator<number> {
    for (const { key, value } of this.#state.entries(stateKey('winner', unique, ''), null)) {
      if (isAlone(value)) continue;
      let others = 0;
      for (const _ of membersOf(this.#state, stateKey('claims', unique, keyOfEntry(key)))) others++;
      if (others > 0) yield others + 1;
    }
  }

  /** One more that wants them, with this key. To say it twice changes nothing. */
  enter(unique: number, values: string, rival: Buffer, key: string): Winners {
    const place = stateKey('winner', unique, values);
    const entry = this.#state.get(place);
    if (entry === undefined) {
      this.#state.put(place, Buffer.concat([ALONE, rival]));
      return { before: undefined, after: key };
    }
    const before = winnerOf(entry);
    const first = entry.subarray(1);
    const order = rival.compare(first);
    if (order !== 0) {
      const [winner, other] = order < 0 ? [rival, first] : [first, rival];
      this.#state.addMember(stateKey('claims', unique, values), other);
      if (winner === rival || isAlone(entry)) this.#state.put(place, Buffer.concat([NOT_ALONE, winner]));
    }
    return { before, after: order < 0 ? key : before };
  }

  /** One that wants them no more. */
  leave(unique: number, values: string, rival: Buffer): Winners {
    const place = stateKey('winner', unique, values);
    const entry = this.#state.get(place);
    if (entry === undefined) return { before: undefined, after: undefined };
    const before = winnerOf(entry);
    const others = stateKey('claims', unique, values);
    if (rival.compare(entry, 1) !== 0) {
      this.#state.removeMember(others, rival);
      return { before, after: before };
    }
    const next = isAlone(entry) ? undefined : this.#state.members(others, null, 1)[0];
    if (next === undefined) {
      this.#state.remove(place);
      return { before, after: undefined };
    }
    this.#state.removeMember(others, next);
    this.#state.put(place, Buffer.concat([NOT_ALONE, next]));
    return { before, after: rivalKey(next) };
  }
}

function isAlone(entry: Buffer): boolean {
  return entry[0] === ALONE[0];
}

function winnerOf(entry: Buffer): string {
  return rivalKey(entry.subarray(1));
}
