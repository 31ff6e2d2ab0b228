import { CONVERTERS } from '@changeover/cleaning';
import { ChangeoverError } from '@changeover/core';
import type { NewRequest, RequestQueue } from '@changeover/control-postgres';
import { mappingHash, parseMapping } from '@changeover/mapping';

import { activateFirstMapping } from './activate-first-mapping.js';

/** As the queue: an id counts once, and with another content it is refused. */
function queue(): RequestQueue {
  const made: NewRequest[] = [];
  const submit = (request: NewRequest): Promise<number> => {
    const place = made.findIndex(({ id }) => id === request.id);
    if (place === -1) return Promise.resolve(made.push(request));
    if (JSON.stringify(made[place]) === JSON.stringify(request)) return Promise.resolve(place + 1);
    return Promise.reject(new ChangeoverError('REQUEST_CONFLICT', 'another content'));
  };
  const ofKind = () => Promise.resolve(made.map((request, place) => ({ ...request, ordinal: place + 1 })));
  return { submit, ofKind } as unknown as RequestQueue;
}

const mappingOf = (table: string) => parseMapping({ tables: { [table]: {} } }, CONVERTERS);

test('another mapping than those that were asked for is refused: the message tells which one was last, the next step how either comes', async () => {
  const requests = queue();
  const [first, second, other] = [mappingOf('a.b'), mappingOf('a.c'), mappingOf('a.d')];
  for (const _ of [1, 2]) await activateFirstMapping(requests, 'm', first);
  const payload = { hash: mappingHash(second), mapping: second };
  await requests.submit({ migration: 'm', id: 'later', kind: 'activate-mapping', payload });
  await activateFirstMapping(requests, 'm', second);
  const refused = await activateFirstMapping(requests, 'm', other).catch((error: unknown) => error);
  expect(refused).toMatchObject({
    code: 'MAPPING_NOT_ACTIVE',
    message: expect.stringContaining(`the last one that was asked for is ${payload.hash.slice(0, 12)}`) as string,
    nextStep: expect.stringMatching(/Put back the file .*changeover activate/u) as string,
    facts: { migration: 'm', lastAskedFor: payload.hash, ours: mappingHash(other) },
  });
});
