import { ChangeoverError, type ErrorFacts } from '@changeover/core';

import type { MessageStore, StoredMessage } from '../log/message-store.port.js';
import { scanStream } from './scan-stream.js';

const NEVER = new AbortController().signal;

type Damage = { readonly at: number; readonly code: 'LOG_TRUNCATED' | 'LOG_CORRUPT' | 'LOG_UNREACHABLE'; readonly facts: ErrorFacts };

/** Offsets 0 to 9, and what is wrong with some; `early`: it says so before it gives what lies before that. */
function storeWith(damages: readonly Damage[], early = false): MessageStore {
  async function* read(_: string, from: number, { until = 10 }: { readonly until?: number }): AsyncGenerator<readonly StoredMessage[]> {
    await Promise.resolve();
    for (let offset = from; offset < until; offset++) {
      const damage = damages.find(
        ({ at, facts }) => (early && at >= offset && at < until) || (offset >= at && offset < Number(facts['start'] ?? at + 1)),
      );
      if (damage !== undefined) throw new ChangeoverError(damage.code, 'damaged', { facts: { ...damage.facts } });
      yield [{ offset, bytes: Buffer.alloc(1) }];
    }
  }
  return { read } as unknown as MessageStore;
}

async function scan(store: MessageStore): Promise<readonly (number | string)[]> {
  const steps: (number | string)[] = [];
  for await (const step of scanStream(store, 's', { from: 0, until: 10, signal: NEVER })) {
    if (step.type === 'messages') steps.push(...step.messages.map(({ offset }) => offset));
    else steps.push(`${step.lost.code} ${String(step.lost.from)}-${String(step.lost.to)}`);
  }
  return steps;
}

const HOLE: Damage = { at: 3, code: 'LOG_TRUNCATED', facts: { from: 3, start: 6 } };

test.each([
  ['a hole', [HOLE], [0, 1, 2, 'LOG_TRUNCATED 3-6', 6, 7, 8, 9]],
  [
    'damage of known size',
    [{ at: 8, code: 'LOG_CORRUPT', facts: { offset: 8, messages: 1 } }],
    [0, 1, 2, 3, 4, 5, 6, 7, 'LOG_CORRUPT 8-9', 9],
  ],
  ['damage of unknown size', [{ at: 4, code: 'LOG_CORRUPT', facts: {} }], [0, 1, 2, 3, 'LOG_CORRUPT 4-10']],
  [
    'both',
    [HOLE, { at: 8, code: 'LOG_CORRUPT', facts: { offset: 8, messages: 1 } }],
    [0, 1, 2, 'LOG_TRUNCATED 3-6', 6, 7, 'LOG_CORRUPT 8-9', 9],
  ],
] as const)('goes on behind %s', async (_, damages, steps) => {
  expect(await scan(storeWith(damages))).toEqual(steps);
});

test('gives what lies before a hole that the store speaks of first', async () => {
  expect(await scan(storeWith([{ ...HOLE, facts: { from: 3, start: 4 } }], true))).toEqual([
    0,
    1,
    2,
    'LOG_TRUNCATED 3-4',
    4,
    5,
    6,
    7,
    8,
    9,
  ]);
});

test('a store that does not answer is no damage', async () => {
  await expect(scan(storeWith([{ at: 2, code: 'LOG_UNREACHABLE', facts: {} }]))).rejects.toMatchObject({ code: 'LOG_UNREACHABLE' });
});
