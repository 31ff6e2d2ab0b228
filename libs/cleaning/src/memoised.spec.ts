import { memoised } from './memoised.js';

test('what comes a second time is converted no more, and a long text each time', () => {
  const seen: string[] = [];
  const convert = memoised((text) => {
    seen.push(text);
    return `${text}!`;
  });
  const texts = ['a', '\ud800', '\udfff', ''];
  for (let round = 0; round < 3; round++) expect(texts.map(convert)).toEqual(texts.map((text) => `${text}!`));
  expect(seen).toEqual([...texts, ...texts]);
  const long = 'a'.repeat(65);
  seen.length = 0;
  for (let round = 0; round < 3; round++) convert(long);
  expect(seen).toEqual([long, long, long]);
});

test('of more texts than are kept each still comes to its own result, and those of late are remembered', () => {
  let calls = 0;
  const convert = memoised((text) => {
    calls += 1;
    return `${text}!`;
  });
  const texts = Array.from({ length: 40_000 }, (_, index) => `text ${String(index)}`);
  const results = texts.map((text) => [convert(text), convert(text)]);
  expect(results).toEqual(texts.map((text) => [`${text}!`, `${text}!`]));
  expect(calls).toBe(80_000);
  calls = 0;
  expect(texts.map(convert)).toEqual(texts.map((text) => `${text}!`));
  // At most as many as there are places, and about 99 of 100 of them are taken.
  expect(calls).toBeGreaterThanOrEqual(40_000 - 8192);
  expect(calls).toBeLessThan(40_000 - 7500);
});

test('a few thousand texts that come round again are remembered', () => {
  let calls = 0;
  const convert = memoised((text) => {
    calls += 1;
    return `${text}!`;
  });
  const texts = Array.from({ length: 2000 }, (_, index) => `name ${String(index)}`);
  for (let round = 0; round < 20; round++) texts.map(convert);
  calls = 0;
  expect(texts.map(convert)).toEqual(texts.map((text) => `${text}!`));
  // But for those that share a place.
  expect(calls).toBeLessThan(800);
});

test('null is remembered too', () => {
  let calls = 0;
  const convert = memoised(() => {
    calls += 1;
    return null;
  });
  expect([convert(''), convert(''), convert(''), calls]).toEqual([null, null, null, 2]);
});
