import { spellingOf } from './spelling.js';

describe('the spelling of a value', () => {
  it.each([
    ['bigint', '9007199254740993', '9007199254740993'],
    ['numeric(12,2)', '10.50', '10.5'],
    ['numeric(12,2)', '100', '100'],
    ['numeric(12,2)', '100.00', '100'],
    ['numeric(12,2)', '1.005', null],
    ['numeric(3,-2)', '100', null],
    ['character varying(3)', 'a\\tb', 'a\\tb'],
    ['character(3)', 'a\\tb', 'a\\tb'],
    ['character(3)', 'ab', null],
    ['timestamp(3) with time zone', '2024-01-01 10:00:00.12+00', '2024-01-01 10:00:00.12+00'],
    ['timestamp(3) with time zone', '2024-01-01 10:00:00.1234+00', null],
    ['timestamp with time zone', '2024-01-01 10:00:00', null],
    ['bytea', '\\\\x00ff', '\\\\x00ff'],
    ['bytea', '\\\\x00f', null],
    ['bytea', '\\\\x00FF', null],
    ['bytea', '\\x00ff', null],
    // As a domain may be called.
    ['public.text', 'a', null],
    ['toString', 'a', null],
  ])('of type %s: %s', (type, field, compared) => {
    expect(spellingOf(type)(field)).toBe(compared);
  });

  it.each(['bytea', 'text', 'numeric', 'double precision', 'character varying(5)', 'timestamp without time zone'])(
    'of type %s may be many megabytes',
    (type) => {
      const told = spellingOf(type)(`\\\\x${'0'.repeat(40_000_000)}`);
      expect(told?.length ?? null).toBe(['bytea', 'text'].includes(type) ? 40_000_003 : null);
    },
  );
});
