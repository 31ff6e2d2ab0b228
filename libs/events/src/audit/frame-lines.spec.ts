import { formatRows } from '../frame/copy-text.js';
import type { Frame } from '../frame/frame.js';
import { wrongLines } from './frame-lines.js';

const rows = formatRows([
  ['1', 'a\tb\n'],
  ['2', null],
]);
const frame: Frame = { op: 'c', before: 'none', partial: false, schemaSeq: 1, rowCount: 2, rows };

test.each<[string, Partial<Frame>]>([
  ['new rows', {}],
  ['copied rows', { op: 'r' }],
  ['changed rows without what was before', { op: 'u' }],
  ['a changed row with it', { op: 'u', before: 'full', rowCount: 1 }],
  ['gone rows', { op: 'd', before: 'key' }],
  ['a truncation', { op: 't', rowCount: 0, rows: Buffer.alloc(0) }],
])('%s are right', (_, change) => {
  expect(wrongLines({ ...frame, ...change }, 2)).toBeNull();
});

test.each<[string, Partial<Frame>, string]>([
  ['a line too few', { rowCount: 3 }, '2 lines where there should be 3'],
  ['a line too many', { rowCount: 1 }, '2 lines where there should be 1'],
  ['half of a change', { op: 'u', before: 'key' }, '2 lines where there should be 4'],
  ['rows of a truncation', { op: 't' }, '2 lines where there should be 0'],
  ['a value too few', { rows: Buffer.from('1\n2\n') }, 'a line has 1 values for 2 columns'],
  ['a value too many', { rows: Buffer.from('1\t2\t3\n') }, 'a line has 3 values for 2 columns'],
  ['a last line without an end', { rows: Buffer.from('1\t2\n3\t4\nx') }, 'the last line has no end'],
  ['a deletion that does not say of what', { op: 'd' }, 'operation d cannot have the row before as "none"'],
  ['a new row with one before', { before: 'key' }, 'operation c cannot have the row before as "key"'],
  ['a copied row with one before', { op: 'r', before: 'full' }, 'operation r cannot have the row before as "full"'],
])('%s', (_, change, what) => {
  expect(wrongLines({ ...frame, ...change }, 2)).toBe(what);
});
