import type { StateView } from '@changeover/events';

const PAGE = 1000;

/** All members of a set behind `from` (null: from the first), in their order. */
export function* membersOf(state: StateView, set: Buffer, from: Buffer | null = null): Generator<Buffer> {
  for (let after = from; ;) {
    const members: readonly Buffer[] = state.members(set, after, PAGE);
    yield* members;
    if (members.length < PAGE) return;
    after = members.at(-1) as Buffer;
  }
}
