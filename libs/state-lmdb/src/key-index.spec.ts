import { hashOf, KeyIndex } from './key-index.js';

describe('KeyIndex', () => {
  const keys: Buffer[] = [];
  const indexOf = (): KeyIndex => new KeyIndex((number, key) => (keys[number] as Buffer).equals(key));

  beforeEach(() => {
    keys.length = 0;
  });

  it('numbers keys in the order in which they come, and finds each again, however many they are', () => {
    const index = indexOf();
    for (let number = 0; number < 5000; number++) {
      const key = Buffer.from(`e${String(number * 7)}`);
      expect(index.find(key, hashOf(key))).toBe(-1);
      expect(index.add(hashOf(key))).toBe(number);
      keys.push(key);
    }
    expect(index.count).toBe(5000);
    expect(keys.filter((key, number) => index.find(key, hashOf(key)) !== number)).toEqual([]);
    expect(index.find(Buffer.from('e1'), hashOf(Buffer.from('e1')))).toBe(-1);
  });

  it('tells keys apart that have the same hash, also where they meet at the end of the slots', () => {
    const index = indexOf();
    for (const hash of [255, 255, -1, 255]) {
      keys.push(Buffer.from(`key ${String(keys.length)}`));
      index.add(hash);
    }
    expect(keys.map((key, number) => index.find(key, number === 2 ? -1 : 255))).toEqual([0, 1, 2, 3]);
    expect(index.find(Buffer.from('another'), 255)).toBe(-1);
  });

  it('spreads keys that differ in few bytes', () => {
    const slots = new Set(Array.from({ length: 1000 }, (_, number) => hashOf(Buffer.from(`m\0\x01${String(1e6 + number)}`)) & 4095));
    // Thrown at random, a thousand keys hit 886 of 4096 slots.
    expect(slots.size).toBeGreaterThan(800);
  });
});
