import { renderExplanation } from './explain-view.js';
import type { Explanation } from './run-explain.js';

const ROW = {
  ...{
    target: 'crm.person',
    rule: null,
    key: ['1'],
    outcome: 'held',
    driving: { table: 'old.kontakt', key: ['1'], seq: 2, corrected: [] },
    into: null,
    parts: null,
  },
  ...{ joins: [], where: null, validations: [], unique: [], parents: [], isConsistent: true, refused: [] },
} as const;

test('a value that a rule of validation holds is shown, as nothing else says what it is', () => {
  const column = { reads: [{ name: 'age', value: '7' }], written: undefined, from: undefined };
  const columns = [
    { ...column, column: 'age', rule: 'age', value: '7', problem: 'out of range: age' },
    { ...column, column: 'mail', rule: 'email(mail)', value: null, problem: 'not an e-mail address' },
  ];
  const lines = renderExplanation({
    ...{
      end: 'source',
      table: 'old.kontakt',
      key: ['1'],
      rows: [{ ...ROW, columns }],
      dependants: [],
      events: [],
      mapping: 'a',
      read: { seq: 3 },
    },
  } as unknown as Explanation);
  expect(lines.filter((line) => line.includes('  ! '))).toEqual([
    expect.stringMatching(/^ {2}age +! out of range: age: "7" +/u),
    expect.stringMatching(/^ {2}mail +! not an e-mail address +=/u),
  ]);
});
