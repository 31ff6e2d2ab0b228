import { bytesWords, countWords, secondsWords } from './amounts.js';

test('amounts are short and never zero where there is something', () => {
  expect([0, 999, 1000, 1536, 1024 ** 2, 250_000_000, 5e15].map(bytesWords)).toEqual([
    '0 bytes',
    '999 bytes',
    '1.0 kB',
    '1.5 kB',
    '1.0 MB',
    '238 MB',
    '4547 TB',
  ]);
  expect([0, 0.1, 99, 100, 5999, 12_030, 360_000].map(secondsWords)).toEqual([
    '0 s',
    '1 s',
    '99 s',
    '2 min',
    '1 h 40 min',
    '3 h 21 min',
    '100 h 0 min',
  ]);
  expect([0, 1234567.4].map(countWords)).toEqual(['0', '1,234,567']);
});
