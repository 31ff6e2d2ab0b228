import { InMemoryStateStore } from '@changeover/testing';
import fc from 'fast-check';

import { rivalMember } from './state-keys.js';
import { UniqueClaims } from './unique-claims.js';

const step = fc.record({
  enters: fc.boolean(),
  values: fc.constantFrom('a', 'b'),
  kept: fc.boolean(),
  order: fc.constantFrom('', '00', '01'),
  key: fc.constantFrom('1', '2', '10'),
});

describe('who wants which unique values', () => {
  it('has the first of those that want them as the winner, whatever came in between, and remembers nothing in the end', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const state = new InMemoryStateStore();
        const claims = new UniqueClaims(state);
        const rivals = new Map<string, Map<string, string>>();
        const expected = (values: string): string | undefined => {
          const [first] = [...(rivals.get(values) ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
          return first?.[1];
        };
        for (const { enters, values, kept, order, key } of steps) {
          const rival = rivalMember(kept, order, key);
          const wanting = rivals.get(values) ?? new Map<string, string>();
          rivals.set(values, wanting);
          const before = expected(values);
          if (enters) wanting.set(rival.toString(), key);
          else if (!wanting.delete(rival.toString())) continue;
          expect(claims[enters ? 'enter' : 'leave'](7, values, rival, key)).toEqual({ before, after: expected(values) });
          for (const one of ['a', 'b']) expect(claims.winner(7, one)).toBe(expected(one));
        }
        for (const [values, wanting] of rivals) for (const [rival] of wanting) claims.leave(7, values, Buffer.from(rival));
        expect(state.size).toBe(0);
      }),
      { numRuns: 1000 },
    );
  });
});
