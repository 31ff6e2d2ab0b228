import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { connectTo, createDatabase, type Stage } from '@changeover/example-crm';
import type { ClientBase } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';

import { bytesOf, sampleKeys, type Arrival } from './arrival.js';
import {
  ACCOUNT_COLUMNS,
  accountRow,
  accountsFor,
  CONTACT_COLUMNS,
  contactRow,
  expectedOf,
  type KeyKind,
  type TextRow,
} from './contact-rows.js';
import { CONTACT_RULES } from './contact-rules.js';
import type { CopyScene } from './copy-scene.js';
import type { MappingKind } from './first-copy-options.js';

const ACCOUNTS = 'public.accounts';
const CONTACTS = 'public.contacts';
const ROWS_AT_ONCE = 1_000;
/** What the rules hold, or let wait: see `contact-rows.ts`. */
const ARRIVES = `birth_date NOT LIKE '30.02.%' AND EXISTS (SELECT FROM accounts AS account WHERE account.id = account_id)`;

const oldTables = (key: string): string => `
  CREATE TABLE accounts (id ${key} PRIMARY KEY, name text NOT NULL, country text);
  CREATE TABLE contacts (
    id ${key} PRIMARY KEY, account_id ${key} NOT NULL, first_name text, last_name text, email text, phone text, country text, status text,
    lead_source text, birth_date text, created_at text, do_not_call text, city text, remark text
  );`;

/** With all that a new CRM's tables have: enums, a foreign key with its index, unique addresses. */
const newTables = (key: string): string => `
  CREATE SCHEMA crm;
  CREATE TYPE crm.contact_status AS ENUM ('new', 'working', 'qualified', 'lost');
  CREATE TYPE crm.lead_source AS ENUM ('web', 'event', 'referral', 'call', 'partner');
  CREATE TABLE crm.account (id ${key} PRIMARY KEY, name text NOT NULL, country char(2));
  CREATE TABLE crm.person (
    id ${key} PRIMARY KEY,
    account_id ${key} NOT NULL REFERENCES crm.account (id),
    account_name text,
    given_name text,
    family_name text NOT NULL,
    email text UNIQUE,
    phone text,
    country char(2),
    status crm.contact_status,
    lead_source crm.lead_source,
    birth_date date,
    created_at timestamp,
    do_not_call boolean,
    city text,
    remark text
  );
  CREATE INDEX ON crm.person (account_id);`;

/** A database of the old CRM's kind with as many contacts, and accounts for them. */
export async function generateTable(
  stage: Stage,
  { rows, keys, mapping }: { readonly rows: number; readonly keys: KeyKind; readonly mapping: MappingKind },
): Promise<CopyScene> {
  const sourceUrl = await createDatabase(stage.source.url, 'first_copy_old');
  await using source = await connectTo(sourceUrl);
  const key = keys === 'uuid' ? 'uuid' : 'bigint';
  await source.query(oldTables(key));
  await fill(source, ACCOUNTS, ACCOUNT_COLUMNS, accountsFor(rows), (number) => accountRow(number, keys));
  await fill(source, CONTACTS, CONTACT_COLUMNS, rows, (number) => contactRow(number, keys));
  await source.query('VACUUM ANALYZE');
  const arrival = async (table: string, of: string, count: number, where?: string): Promise<Arrival> => ({
    table,
    key: ['id'],
    rows: count,
    samples: await sampleKeys(source, { table: of, key: ['id'], ...(where === undefined ? {} : { where }) }),
  });
  const asTheyAre = {
    ddl: oldTables(key),
    arrivals: [await arrival(ACCOUNTS, ACCOUNTS, accountsFor(rows)), await arrival(CONTACTS, CONTACTS, rows)],
  };
  const { held, waiting } = expectedOf(rows);
  const cleaned = {
    ddl: newTables(key),
    arrivals: [
      await arrival('crm.account', ACCOUNTS, accountsFor(rows)),
      await arrival('crm.person', CONTACTS, rows - held - waiting, ARRIVES),
    ],
    mapping: { tables: {}, rules: CONTACT_RULES },
    held: held + waiting,
  };
  return {
    sourceUrl,
    targetServerUrl: undefined,
    tables: [ACCOUNTS, CONTACTS],
    rows,
    tableBytes: await bytesOf(source, [ACCOUNTS, CONTACTS]),
    asTheyAre,
    changeover: mapping === 'none' ? { ...asTheyAre, mapping: undefined, held: 0 } : cleaned,
  };
}

async function fill(
  client: ClientBase,
  table: string,
  columns: readonly string[],
  rows: number,
  row: (number: number) => TextRow,
): Promise<void> {
  function* chunks(): Generator<string> {
    for (let first = 0; first < rows; first += ROWS_AT_ONCE) {
      const length = Math.min(ROWS_AT_ONCE, rows - first);
      yield Array.from({ length }, (_, index) => `${row(first + index).join('\t')}\n`).join('');
    }
  }
  await pipeline(Readable.from(chunks()), client.query(copyFrom(`COPY ${table} (${columns.join()}) FROM STDIN`)));
}
