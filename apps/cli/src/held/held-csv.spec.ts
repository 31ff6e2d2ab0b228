import { Readable } from 'node:stream';

import type { ListedRow } from '@changeover/events';

import { csvOf } from './held-csv.js';

const ROW: ListedRow = {
  ...{ state: 'held', table: 'crm.person', key: ['7', 'a,"b"'], refusal: null, reason: 'too long: name', column: 'name' },
  ...{ kept: true, sinceSeq: 12, sinceMs: 1_700_000_000_000 },
};
const NAMES = 'state,table,key,refusal,reason,column,kept,since_record,since\r\n';

async function textsOf(rows: Iterable<ListedRow>): Promise<string[]> {
  const texts: string[] = [];
  for await (const text of csvOf(Readable.from(rows) as AsyncIterable<ListedRow>)) texts.push(text);
  return texts;
}

test('a line of names, then one of each row, quoted where need be, and no formula', async () => {
  const refused: ListedRow = {
    ...ROW,
    state: 'refused',
    key: null,
    refusal: '5',
    reason: '=1+1',
    column: null,
    kept: false,
    sinceMs: null,
  };
  expect(await textsOf([ROW, refused, { ...ROW, key: ['-1'] }])).toEqual([
    NAMES +
      'held,crm.person,"7\ta,""b""",,too long: name,name,yes,12,2023-11-14T22:13:20.000Z\r\n' +
      "refused,crm.person,,5,'=1+1,,no,12,\r\n" +
      "held,crm.person,'-1,,too long: name,name,yes,12,2023-11-14T22:13:20.000Z\r\n",
  ]);
  expect(await textsOf([])).toEqual([NAMES]);
});

test('many come some at a time', async () => {
  const texts = await textsOf(Array.from({ length: 2_500 }, () => ROW));
  expect(texts.map((text) => text.split('\r\n').length - 1)).toEqual([1_000, 1_000, 501]);
});
