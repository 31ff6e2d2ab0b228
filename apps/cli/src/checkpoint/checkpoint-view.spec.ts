import type { ListedCheckpoint, Whereabouts } from '@changeover/events';

import { renderList } from './checkpoint-view.js';

const CHECKPOINT = { made_ms: 0, place: { changes: { seq: 1_200 } }, totals: { held: 1, waiting: 0, refused: 0 } };
const listed = (name: string, more: object = {}): ListedCheckpoint => ({ ...CHECKPOINT, name, ...more }) as unknown as ListedCheckpoint;

test('a list says where the target is, and to which checkpoints no way leads back', () => {
  const where = { parked: { at: 'here' } } as unknown as Whereabouts;
  const list = [listed('before', { exchanged: true }), listed('here'), listed('later'), { name: 'spoiled', damaged: 'bytes' }];
  expect(renderList(list, where).split('\n')).toEqual([
    'checkpoint  made                      place         not there',
    'before      1970-01-01T00:00:00.000Z  record 1,200  1 held row  no way back: the tables were exchanged since',
    'here        1970-01-01T00:00:00.000Z  record 1,200  1 held row  the target is here',
    'later       1970-01-01T00:00:00.000Z  record 1,200  1 held row',
    'spoiled     damaged                   bytes',
    '',
  ]);
});
