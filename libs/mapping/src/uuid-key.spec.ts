import { uuidKey } from './uuid-key.js';

const DNS = '6ba7b810-9dad-11d1-80b4-00c04fd430c8';

test.each([
  // RFC 9562, A.4.
  [DNS, 'www.example.com', '2ed6657d-e927-568b-95e1-2665a8aea6a2'],
  // Of other programs: Python's uuid.uuid5.
  ['0f2c4c3e-6d0c-4c8e-9a53-7a3c1f0d2b11', '42', '6def3b6f-03db-546b-b47e-d89366bafda0'],
  ['0f2c4c3e-6d0c-4c8e-9a53-7a3c1f0d2b11', '', '85b21b37-f440-500a-a9f3-d723c250125d'],
  ['0f2c4c3e-6d0c-4c8e-9a53-7a3c1f0d2b11', 'ü€', 'bc39f0c3-7b54-583d-bdc5-b8b44e0e7801'],
])('in %s of %j comes %s', (namespace, text, key) => {
  expect(uuidKey(namespace)(text)).toBe(key);
});

test('what is a UUID stays itself, as PostgreSQL prints it', () => {
  const key = uuidKey(DNS);
  expect(key(DNS)).toBe(DNS);
  expect(key(DNS.toUpperCase())).toBe(DNS);
  // PostgreSQL takes these as the same UUID, an old CRM as other keys.
  for (const other of [DNS.replaceAll('-', ''), `{${DNS}}`, ` ${DNS}`]) expect(key(other)).not.toBe(DNS);
});
