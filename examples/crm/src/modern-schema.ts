import type { ClientBase } from 'pg';

/**
 * The new CRM: the same facts, with three tables under new names in schemas of their own and some columns renamed.
 * All of its constraints are on while rows arrive.
 */
const MODERN_SCHEMA = `
  CREATE SCHEMA crm;
  CREATE SCHEMA sales;
  CREATE TYPE lead_status AS ENUM ('new', 'working', 'qualified', 'lost');

  CREATE TABLE users (
    id integer PRIMARY KEY,
    login text NOT NULL UNIQUE,
    full_name text NOT NULL,
    email text UNIQUE,
    active boolean NOT NULL,
    preferences jsonb NOT NULL,
    last_login_at timestamptz
  );

  CREATE TABLE crm.account (
    id bigint PRIMARY KEY,
    parent_account_id bigint REFERENCES crm.account (id),
    owner_id integer NOT NULL REFERENCES users (id),
    primary_person_id bigint,
    title text NOT NULL,
    customer_number text NOT NULL UNIQUE DEFERRABLE INITIALLY IMMEDIATE,
    annual_revenue numeric(18, 2),
    billing_address jsonb,
    created_at timestamptz NOT NULL,
    updated_at timestamptz
  );
  CREATE INDEX ON crm.account (parent_account_id);
  CREATE INDEX ON crm.account (primary_person_id);

  CREATE TABLE crm.person (
    id bigint PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES crm.account (id),
    given_name text,
    family_name text NOT NULL,
    email text UNIQUE,
    phone text,
    birth_date date,
    custom_fields json,
    created_at timestamp NOT NULL,
    updated_at timestamp
  );
  CREATE INDEX ON crm.person (account_id);
  ALTER TABLE crm.account ADD FOREIGN KEY (primary_person_id) REFERENCES crm.person (id);

  CREATE TABLE leads (
    code text PRIMARY KEY,
    owner_id integer REFERENCES users (id),
    company text NOT NULL,
    email text,
    status lead_status NOT NULL,
    score double precision,
    created_at timestamptz NOT NULL
  );

  CREATE TABLE sales.deal (
    id uuid PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES crm.account (id),
    lead_code text REFERENCES leads (code) ON UPDATE CASCADE ON DELETE SET NULL,
    title text NOT NULL,
    stage text NOT NULL CHECK (stage IN ('open', 'proposal', 'won', 'lost')),
    amount numeric(20, 4) NOT NULL,
    probability smallint NOT NULL CHECK (probability BETWEEN 0 AND 100),
    close_date date,
    tags text[] NOT NULL
  );
  CREATE INDEX ON sales.deal (account_id);
  CREATE INDEX ON sales.deal (lead_code);

  CREATE TABLE activities (
    id bigint PRIMARY KEY,
    contact_id bigint NOT NULL REFERENCES crm.person (id) ON DELETE CASCADE,
    opportunity_id uuid REFERENCES sales.deal (id) ON DELETE SET NULL,
    user_id integer NOT NULL REFERENCES users (id),
    kind text NOT NULL,
    subject text,
    due_at timestamptz,
    duration interval,
    done boolean NOT NULL
  );
  CREATE INDEX ON activities (contact_id);
  CREATE INDEX ON activities (opportunity_id);

  CREATE TABLE notes (
    id bigint PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES crm.account (id) ON DELETE CASCADE,
    author_id integer NOT NULL REFERENCES users (id),
    pinned boolean NOT NULL,
    body text NOT NULL,
    attachment bytea
  );
  CREATE INDEX ON notes (account_id);
  ALTER TABLE notes ALTER COLUMN body SET STORAGE EXTERNAL;

  CREATE TABLE opportunity_contacts (
    opportunity_id uuid NOT NULL REFERENCES sales.deal (id) ON DELETE CASCADE,
    contact_id bigint NOT NULL REFERENCES crm.person (id) ON DELETE CASCADE,
    role text NOT NULL,
    PRIMARY KEY (opportunity_id, contact_id)
  );
  CREATE INDEX ON opportunity_contacts (contact_id);

  CREATE TABLE probes (
    id bigint PRIMARY KEY,
    sent_by text NOT NULL
  );
`;

/** Creates the new CRM's schemas and tables, empty. */
export async function createModernSchema(client: ClientBase): Promise<void> {
  await client.query(MODERN_SCHEMA);
}
