import { isWider } from './wider-type.js';

describe('a wider type', () => {
  it.each([
    ['character varying(5)', 'character varying(20)'],
    ['character varying(5)', 'character varying'],
    ['character varying(5)', 'text'],
    ['character varying', 'text'],
    ['text', 'character varying'],
    ['smallint', 'integer'],
    ['smallint', 'bigint'],
    ['integer', 'bigint'],
    ['numeric(10,2)', 'numeric(12,2)'],
    ['numeric(10,2)', 'numeric(12,4)'],
    ['numeric(10,2)', 'numeric'],
    ['numeric(3,-2)', 'numeric(5,0)'],
  ])('%s to %s', (from, to) => {
    expect(isWider(from, to)).toBe(true);
  });

  it.each([
    ['text', 'text'],
    ['character varying(20)', 'character varying(5)'],
    ['text', 'character varying(20)'],
    ['character varying(5)', 'character(20)'],
    ['character(5)', 'character(20)'],
    ['character(5)', 'text'],
    ['character varying(5)', 'name'],
    ['character varying(5)', 'bytea'],
    ['character varying(5)[]', 'character varying(20)[]'],
    ['integer', 'smallint'],
    ['integer', 'real'],
    ['integer', 'text'],
    ['bigint', 'double precision'],
    ['double precision', 'real'],
    ['real', 'numeric'],
    ['real', 'double precision'],
    ['numeric', 'double precision'],
    ['numeric', 'numeric(20,2)'],
    ['numeric', 'money'],
    ['numeric(10,2)', 'numeric(12,1)'],
    // One digit less before the point.
    ['numeric(10,2)', 'numeric(10,3)'],
    ['numeric(10,2)', 'text'],
    ['timestamp without time zone', 'timestamp with time zone'],
    ['json', 'jsonb'],
  ])('not %s to %s', (from, to) => {
    expect(isWider(from, to)).toBe(false);
  });
});
