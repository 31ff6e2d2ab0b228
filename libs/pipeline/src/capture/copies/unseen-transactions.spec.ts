import type { HeldSource } from '@changeover/events';

import { UnseenTransactions } from './unseen-transactions.js';

/** A source whose answers a test gives. */
function asked(): { readonly held: HeldSource; answer(...txIds: string[]): void } {
  let resolve: (txIds: string[]) => void = () => undefined;
  const held = { unseen: () => new Promise<string[]>((done) => (resolve = done)) } as unknown as HeldSource;
  return {
    held,
    answer: (...txIds) => {
      resolve(txIds);
    },
  };
}

describe('transactions that may not be seen yet', () => {
  it('are those of the answer and all that were taken since the question, never one too few', async () => {
    const unseen = new UnseenTransactions(['1']);
    const { held, answer } = asked();
    unseen.took('2');
    expect(unseen.toJSON()).toEqual(['1', '2']);
    const first = unseen.look(held);
    unseen.took('3');
    expect(unseen.toJSON()).toEqual(['1', '2', '3']);
    answer('2');
    await first;
    // Nobody knows whether the answer was given before 3 could be seen.
    expect(unseen.toJSON()).toEqual(['2', '3']);
    const second = unseen.look(held);
    expect(unseen.look(held)).toBe(second);
    answer();
    await second;
    expect(unseen.toJSON()).toEqual([]);
  });
});
