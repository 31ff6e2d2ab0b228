import { memoised } from './memoised.js';

test('a text that was seen lately is converted once, one seen long ago again, and a long one each time', () => {
  const seen: string[] = [];
  const convert = memoised((text) => {
    seen.push(text);
    return `${text}!`;
  });
  expect([convert('a'), convert('a'), convert('\ud800'), convert('\udfff')]).toEqual(['a!', 'a!', '\ud800!', '\udfff!']);
  expect(seen).toEqual(['a', '\ud800', '\udfff']);
  for (let index = 0; index < 20_000; index++) convert(String(index));
  seen.length = 0;
  convert('19999');
  expect(seen).toEqual([]);
  convert('a');
  expect(seen).toEqual(['a']);
  const long = 'a'.repeat(65);
  convert(long);
  convert(long);
  expect(seen).toEqual(['a', long, long]);
});

test('null is remembered too', () => {
  let calls = 0;
  const convert = memoised(() => {
    calls += 1;
    return null;
  });
  expect([convert(''), convert(''), calls]).toEqual([null, null, 1]);
});
