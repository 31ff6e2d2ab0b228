import { parseRows } from '@changeover/events';
import { ConversionProblem, type Sequence } from '@changeover/mapping';
import { InMemoryStateStore, StateStorage } from '@changeover/testing';

import { allocatedIn, allocatedLine, AllocatedNumbers, type AllocatedNumber } from './allocated-numbers.js';

const KEYS: Sequence = { name: 'keys', start: 10, step: 5 };

function numbersOver(state: InMemoryStateStore): { readonly numbers: AllocatedNumbers; readonly given: AllocatedNumber[] } {
  const given: AllocatedNumber[] = [];
  return { numbers: new AllocatedNumbers(state, (one) => given.push(one)), given };
}

describe('numbers of a sequence', () => {
  const storage = new StateStorage();
  const opened = () => new InMemoryStateStore(storage);

  it('are given in the order of the first mention, each once, also over a restart', async () => {
    const state = opened();
    const { numbers, given } = numbersOver(state);
    const keys = numbers.numbering(KEYS);
    const other = numbers.numbering({ name: 'other', start: -1, step: 1 });
    expect(['b', 'a', 'b', ''].map(keys)).toEqual(['10', '15', '10', '20']);
    expect(['a', 'c'].map(other)).toEqual(['-1', '0']);
    expect(given.map(({ sequence, text, number }) => [sequence, text, number])).toEqual([
      ['keys', 'b', '10'],
      ['keys', 'a', '15'],
      ['keys', '', '20'],
      ['other', 'a', '-1'],
      ['other', 'c', '0'],
    ]);
    await state.commit(Buffer.from('{}'));
    const again = numbersOver(opened());
    expect(['a', 'new', 'b'].map(again.numbers.numbering(KEYS))).toEqual(['15', '25', '10']);
    expect(again.given).toEqual([{ sequence: 'keys', text: 'new', number: '25' }]);
  });

  it('go on above all that were given, where the sequence begins or goes otherwise now', () => {
    const { numbers } = numbersOver(opened());
    expect(numbers.numbering({ name: 'keys', start: 1, step: 1 })('later')).toBe('21');
    expect(numbers.numbering({ name: 'keys', start: 1000, step: 1 })('last')).toBe('1000');
    expect(numbers.last).toEqual({ keys: 1000, other: 0 });
  });

  it('are told apart by all of a text, and told as they are', () => {
    const { numbers, given } = numbersOver(new InMemoryStateStore(new StateStorage()));
    const keys = numbers.numbering(KEYS);
    const long = ['x', 'y'].map((end) => 'é'.repeat(5000) + end);
    const texts = [...long, 'a\tb', 'a\\tb', '\n', '\\N', '😀', '\u0001'];
    const told = texts.map(keys);
    expect(new Set(told).size).toBe(texts.length);
    expect(texts.map(keys)).toEqual(told);
    expect([...numbers].map(({ text }) => text).sort()).toEqual(texts.toSorted());
    const rows = given.map((one) => {
      const { bytes, start, end } = allocatedLine('m', one);
      return allocatedIn(parseRows(bytes.subarray(start, end + 1))[0] as (string | null)[]);
    });
    expect(rows).toEqual(given);
  });

  it('are those that were learned, and none of them is given again', () => {
    const { numbers, given } = numbersOver(new InMemoryStateStore(new StateStorage()));
    numbers.learn({ sequence: 'keys', text: 'b', number: '40' });
    numbers.learn({ sequence: 'keys', text: 'a', number: '10' });
    expect(['a', 'b', 'c'].map(numbers.numbering(KEYS))).toEqual(['10', '40', '45']);
    expect(given).toHaveLength(1);
  });

  it('end before they are no longer told apart', () => {
    const { numbers, given } = numbersOver(new InMemoryStateStore(new StateStorage()));
    const keys = numbers.numbering({ name: 'keys', start: Number.MAX_SAFE_INTEGER - 1, step: 1 });
    expect(['a', 'b'].map(keys)).toEqual(['9007199254740990', '9007199254740991']);
    expect(keys('c')).toBeInstanceOf(ConversionProblem);
    expect(given).toHaveLength(2);
  });
});
