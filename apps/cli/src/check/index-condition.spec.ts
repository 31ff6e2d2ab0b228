import type { Comparison } from '@changeover/mapping';

import { isSameCondition } from './index-condition.js';

const there: Comparison = { value: 'deleted_at', in: [null] };

describe('the condition of a partial index', () => {
  it.each<[string, Comparison]>([
    ['(deleted_at IS NULL)', there],
    ['((deleted_at IS NULL))', { all: [there] }],
    ['("Deleted At" IS NOT NULL)', { not: { value: 'Deleted At', in: [null] } }],
    ['active', { value: 'active', in: ['t'] }],
    ['(NOT deleted)', { value: 'deleted', in: ['f'] }],
    ['(deleted = false)', { value: 'deleted', in: ['f'] }],
    ["((state)::text = 'it''s (on) AND off'::text)", { value: 'state', in: ["it's (on) AND off"] }],
    ["(kind = 'main'::crm.kind)", { value: 'kind', in: ['main'] }],
    ['(rank <> 1)', { not: { value: 'rank', in: ['1'] } }],
    ['((deleted_at IS NULL) AND active)', { all: [{ value: 'active', in: ['t'] }, there] }],
  ])('%s is the same as %j', (predicate, where) => {
    expect(isSameCondition(predicate, where)).toBe(true);
  });

  it.each<[string, Comparison]>([
    ['(deleted_at IS NOT NULL)', there],
    ['(removed_at IS NULL)', there],
    ['active', { value: 'active', in: ['f'] }],
    ['active', { not: { value: 'active', in: ['f'] } }],
    ["(state = 'on'::text)", { value: 'state', in: ['on', 'off'] }],
    ["(state = 'null'::text)", { value: 'state', in: [null] }],
    ['((deleted_at IS NULL) AND active)', there],
    ['(deleted_at IS NULL)', { all: [there, { value: 'active', in: ['t'] }] }],
  ])('%s is another than %j', (predicate, where) => {
    expect(isSameCondition(predicate, where)).toBe(false);
  });

  it.each<[string, Comparison]>([
    ['((deleted_at IS NULL) OR active)', there],
    ["(lower(name) = 'x'::text)", there],
    ['(score > 3)', there],
    ['((deleted_at IS NULL) AND (score > 3))', there],
    ['(COALESCE(deleted_at, now()) IS NULL)', there],
    ['(deleted_at IS NULL)', { any: [there] }],
    ['(deleted_at IS NULL)', { compare: 'number', left: 'a', is: '=', right: 'b' }],
  ])('%s and %j cannot be told apart', (predicate, where) => {
    expect(isSameCondition(predicate, where)).toBeNull();
  });
});
