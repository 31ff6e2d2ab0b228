import type { ClientBase } from 'pg';

/**
 * The new CRM says what the old one left to its users: types, enums, what may not be missing, what must be unique, and what belongs to what. All of
 * it holds while rows arrive.
 */
const TABLES = `
  CREATE SCHEMA crm;

  CREATE TYPE crm.account_kind AS ENUM ('customer', 'partner', 'prospect', 'competitor');
  CREATE TYPE crm.contact_source AS ENUM ('web', 'fair', 'referral', 'cold_call');
  CREATE TYPE crm.lead_status AS ENUM ('new', 'working', 'qualified', 'lost');
  CREATE TYPE crm.deal_stage AS ENUM ('prospecting', 'proposal', 'negotiation', 'won', 'lost');
  CREATE TYPE crm.deal_role AS ENUM ('decision_maker', 'buyer', 'user');
  CREATE TYPE crm.activity_kind AS ENUM ('call', 'meeting', 'task', 'mail');
  CREATE TYPE crm.note_subject AS ENUM ('account', 'contact');

  CREATE DOMAIN crm.phone AS text CHECK (VALUE ~ '^\\+[1-9][0-9]{6,14}$');
  CREATE DOMAIN crm.country AS text CHECK (VALUE ~ '^[A-Z]{2}$');
  CREATE DOMAIN crm.email AS text CHECK (VALUE = lower(VALUE) AND VALUE ~ '^[^@ ]+@[^@ ]+\\.[^@ ]+$');
  CREATE DOMAIN crm.line AS text CHECK (VALUE <> '' AND VALUE = btrim(VALUE));

  CREATE TABLE crm.app_user (
    id integer PRIMARY KEY,
    login text NOT NULL,
    name crm.line NOT NULL,
    active boolean NOT NULL,
    admin boolean NOT NULL
  );

  CREATE TABLE crm.account (
    id bigint PRIMARY KEY,
    owner_id integer NOT NULL REFERENCES crm.app_user (id),
    parent_id bigint REFERENCES crm.account (id),
    name crm.line NOT NULL,
    kind crm.account_kind NOT NULL,
    customer_number crm.line UNIQUE,
    phone crm.phone,
    country crm.country,
    may_call boolean NOT NULL,
    member_since date,
    created_at timestamptz NOT NULL
  );
  CREATE INDEX ON crm.account (parent_id);

  CREATE TABLE crm.contact (
    id uuid PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES crm.account (id),
    first_name crm.line,
    last_name crm.line NOT NULL,
    title text,
    email crm.email UNIQUE,
    phone crm.phone,
    mobile crm.phone,
    country crm.country,
    born_on date,
    source crm.contact_source,
    may_call boolean NOT NULL,
    created_at timestamptz NOT NULL
  );
  CREATE INDEX ON crm.contact (account_id);

  CREATE TABLE crm.lead (
    id uuid PRIMARY KEY,
    owner_id integer NOT NULL REFERENCES crm.app_user (id),
    name crm.line NOT NULL,
    company crm.line,
    email crm.email,
    phone crm.phone,
    country crm.country,
    status crm.lead_status NOT NULL,
    created_at timestamptz NOT NULL
  );

  CREATE TABLE crm.deal (
    id uuid PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES crm.account (id),
    owner_id integer REFERENCES crm.app_user (id),
    title crm.line NOT NULL,
    stage crm.deal_stage NOT NULL,
    amount numeric(14, 2) NOT NULL,
    closes_on date,
    created_at timestamptz NOT NULL
  );
  CREATE INDEX ON crm.deal (account_id);

  CREATE TABLE crm.deal_contact (
    deal_id uuid NOT NULL REFERENCES crm.deal (id),
    contact_id uuid NOT NULL REFERENCES crm.contact (id),
    role crm.deal_role,
    PRIMARY KEY (deal_id, contact_id)
  );
  CREATE INDEX ON crm.deal_contact (contact_id);

  CREATE TABLE crm.activity (
    id bigint PRIMARY KEY,
    contact_id uuid NOT NULL REFERENCES crm.contact (id),
    deal_id uuid REFERENCES crm.deal (id),
    owner_id integer REFERENCES crm.app_user (id),
    kind crm.activity_kind NOT NULL,
    subject text,
    due_at timestamptz,
    finished boolean NOT NULL
  );
  CREATE INDEX ON crm.activity (contact_id);
  CREATE INDEX ON crm.activity (deal_id);

  CREATE TABLE crm.note (
    id bigint PRIMARY KEY,
    subject crm.note_subject NOT NULL,
    account_id bigint REFERENCES crm.account (id),
    contact_id uuid REFERENCES crm.contact (id),
    regarding text NOT NULL,
    author_id integer REFERENCES crm.app_user (id),
    body varchar(600) NOT NULL,
    pinned boolean NOT NULL,
    CHECK (num_nonnulls(account_id, contact_id) = 1)
  );
  CREATE INDEX ON crm.note (account_id);
  CREATE INDEX ON crm.note (contact_id);

  CREATE TABLE probes (
    id bigint PRIMARY KEY,
    sent_by text NOT NULL
  );
`;

/** Creates the new CRM's schema and tables, empty. */
export async function createModernTables(client: ClientBase): Promise<void> {
  await client.query(TABLES);
}
