import type { StateView } from '@changeover/events';

const PAGE = 1000;

/** All members of a set, in their order. */
export function* membersOf(state: StateView, set: Buffer): Generator<Buffer> {
  for (let after: Buffer | null = null; ;) {
    const members: readonly Buffer[] = state.members(set, after, PAGE);
    yield* members;
    if (members.length < PAGE) return;
    after = members.at(-1) as Buffer;
  }
}
