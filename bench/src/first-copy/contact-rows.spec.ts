import { CONVERTERS } from '@changeover/cleaning';
import { compileRule, type SourceTable } from '@changeover/mapping';

import { ACCOUNT_COLUMNS, accountRow, accountsFor, CONTACT_COLUMNS, contactRow, expectedOf } from './contact-rows.js';
import { CONTACT_RULES } from './contact-rules.js';

const CONTACTS = 6000;
const TABLES = new Map<string, SourceTable>([
  ['public.accounts', { columns: ACCOUNT_COLUMNS, key: ['id'] }],
  ['public.contacts', { columns: CONTACT_COLUMNS, key: ['id'] }],
]);

describe.each(['ordered', 'uuid'] as const)('generated contacts, keys %s', (keys) => {
  const contacts = Array.from({ length: CONTACTS }, (_, number) => contactRow(number, keys));
  const accounts = new Map(
    Array.from({ length: accountsFor(CONTACTS) }, (_, number) => accountRow(number, keys)).map((row) => [row[0] as string, row]),
  );

  it('have about 250 bytes, a key of their own, and as many columns as they say', () => {
    const bytes = contacts.reduce((sum, row) => sum + Buffer.byteLength(row.join('\t')) + 1, 0) / CONTACTS;
    expect(Math.round(bytes)).toBeGreaterThanOrEqual(keys === 'uuid' ? 280 : 230);
    expect(Math.round(bytes)).toBeLessThanOrEqual(keys === 'uuid' ? 320 : 270);
    expect(new Set(contacts.map(([id]) => id)).size).toBe(CONTACTS);
    expect(new Set(contacts.map((row) => row.length))).toEqual(new Set([CONTACT_COLUMNS.length]));
    expect([...accounts.values()].map((row) => row.length)).toEqual([...accounts.values()].map(() => ACCOUNT_COLUMNS.length));
    // They are sent as COPY text as they are.
    expect(contacts.flat().filter((value) => /[\t\n\\]/u.test(value))).toEqual([]);
  });

  it('are held and wait under the rules as often as is said', () => {
    const [accountRule, contactRule] = CONTACT_RULES.map((rule) => compileRule(rule, TABLES, CONVERTERS));
    let [held, waiting] = [0, 0];
    const emails = new Map<string | null, number>();
    for (const row of contacts) {
      const account = accounts.get(row[1] as string) ?? null;
      const derived = contactRule?.derive([row, account]);
      if (derived === undefined || 'problems' in derived) held++;
      else if (account === null) waiting++;
      else emails.set(derived.values[5] ?? null, (emails.get(derived.values[5] ?? null) ?? 0) + 1);
    }
    expect({ held, waiting }).toEqual(expectedOf(CONTACTS));
    expect(held * waiting).toBeGreaterThan(0);
    expect([...emails.values()].filter((count) => count > 1).length).toBeGreaterThan(CONTACTS / 200);
    for (const row of accounts.values()) expect(accountRule?.derive([row])).toHaveProperty('values');
  });
});
