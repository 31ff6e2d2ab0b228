import type { ClientBase } from 'pg';

import { diceFunctions } from './dice.js';
import { fillCompanies, fillPeople } from './fill-people.js';
import { fillSales } from './fill-sales.js';

export type FillOptions = {
  /** Equal seeds and rows give equal databases. */
  readonly seed: number;
  /** About how many in all tables together. */
  readonly rows: number;
};

/** How many rows each part of the old CRM has. */
export type Size = {
  readonly users: number;
  readonly accounts: number;
  readonly contacts: number;
  readonly leads: number;
  readonly opportunities: number;
  readonly activities: number;
  readonly notes: number;
};

/** Fills the empty tables: one statement each, numbers and hashes, so that 500,000 rows are there in seconds. */
export async function fillLegacyTables(client: ClientBase, { seed, rows }: FillOptions): Promise<void> {
  const contacts = Math.ceil(rows / 5);
  const part = (share: number): number => Math.max(50, Math.ceil(contacts * share));
  const size: Size = {
    users: Math.min(200, part(0.01)),
    accounts: part(0.2),
    contacts,
    leads: part(0.16),
    opportunities: part(0.12),
    activities: part(0.2),
    notes: part(0.08),
  };
  await client.query('BEGIN');
  await client.query(diceFunctions(seed));
  for (const statement of [...fillCompanies(size), ...fillPeople(size), ...fillSales(size)]) await client.query(statement);
  await client.query('COMMIT');
}
