import { likeness, senseOf, wordsOf } from './words.js';

test.each([
  ['accountTypes', ['account', 'kind']],
  ['account_types', ['account', 'kind']],
  ['Account Types', ['account', 'kind']],
  ['opportunities_contacts', ['deal', 'contact']],
  ['email_addresses', ['email']],
  ['assigned_user_id', ['owner', 'id']],
  ['date_of_birth', ['birth']],
  ['nameFirstName', ['name', 'firstname']],
  ['addresses', ['address']],
  ['status', ['status']],
  ['', []],
])('%s is %j', (name, words) => {
  expect(wordsOf(name)).toEqual(words);
});

test.each([
  ['account_type', 'accounts', ['kind']],
  ['account_name', 'leads', ['account']],
  ['name', 'accounts', ['name']],
  ['opportunity_id', 'opportunities_contacts', ['deal']],
  ['date_entered', 'accounts', ['created']],
  ['created_at', '', ['created']],
  ['id', 'accounts', ['id']],
  ['is_admin', 'users', ['admin']],
])('%s of %s is about %j', (name, table, words) => {
  expect(senseOf(name, table).words).toEqual(words);
});

test('what is forbidden is the contrary of what is allowed', () => {
  expect(senseOf('do_not_call')).toEqual({ words: ['call'], negated: true });
  expect(senseOf('may_call')).toEqual({ words: ['call'], negated: false });
  expect(senseOf('note').negated).toBe(false);
});

test('the last word of a name counts twice', () => {
  expect(likeness(['a'], ['a'])).toBe(1);
  expect(likeness(['x', 'a'], ['a'])).toBe(0.8);
  expect(likeness(['a', 'x'], ['a'])).toBeCloseTo(0.6);
  expect(likeness(['a'], ['b'])).toBe(0);
  expect(likeness([], [])).toBe(0);
});
