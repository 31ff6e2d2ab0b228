import type { ClientBase } from 'pg';

/**
 * The old CRM, as such databases grew: integer, natural, UUID and composite keys; keys that people correct; a self
 * reference (`accounts.parent_id`) and a cycle (accounts → contacts → accounts); unique values that may be null
 * (`contacts.email`) and that may not (`accounts.external_code`, deferrable); cascades; text that is stored out of line.
 */
const LEGACY_SCHEMA = `
  CREATE TYPE lead_status AS ENUM ('new', 'working', 'qualified', 'lost');

  CREATE TABLE users (
    id integer PRIMARY KEY,
    login text NOT NULL UNIQUE,
    full_name text NOT NULL,
    email text UNIQUE,
    active boolean NOT NULL DEFAULT true,
    preferences jsonb NOT NULL DEFAULT '{}',
    last_login_at timestamptz
  );

  CREATE TABLE accounts (
    id bigint PRIMARY KEY,
    parent_id bigint REFERENCES accounts (id),
    owner_id integer NOT NULL REFERENCES users (id),
    primary_contact_id bigint,
    name text NOT NULL,
    external_code text NOT NULL UNIQUE DEFERRABLE INITIALLY IMMEDIATE,
    annual_revenue numeric(18, 2),
    billing_address jsonb,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz
  );
  CREATE INDEX ON accounts (parent_id);
  CREATE INDEX ON accounts (primary_contact_id);

  CREATE TABLE contacts (
    id bigint PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES accounts (id),
    first_name text,
    last_name text NOT NULL,
    email text UNIQUE,
    phone text,
    birth_date date,
    custom_fields json,
    created_at timestamp NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamp
  );
  CREATE INDEX ON contacts (account_id);
  ALTER TABLE accounts ADD FOREIGN KEY (primary_contact_id) REFERENCES contacts (id);

  CREATE TABLE leads (
    code text PRIMARY KEY,
    owner_id integer REFERENCES users (id),
    company text NOT NULL,
    email text,
    status lead_status NOT NULL DEFAULT 'new',
    score double precision,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
  );

  CREATE TABLE opportunities (
    id uuid PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES accounts (id),
    lead_code text REFERENCES leads (code) ON UPDATE CASCADE ON DELETE SET NULL,
    name text NOT NULL,
    stage text NOT NULL CHECK (stage IN ('open', 'proposal', 'won', 'lost')),
    amount numeric(20, 4) NOT NULL,
    probability smallint NOT NULL CHECK (probability BETWEEN 0 AND 100),
    close_date date,
    tags text[] NOT NULL DEFAULT '{}'
  );
  CREATE INDEX ON opportunities (account_id);
  CREATE INDEX ON opportunities (lead_code);

  CREATE TABLE activities (
    id bigint PRIMARY KEY,
    contact_id bigint NOT NULL REFERENCES contacts (id) ON DELETE CASCADE,
    opportunity_id uuid REFERENCES opportunities (id) ON DELETE SET NULL,
    user_id integer NOT NULL REFERENCES users (id),
    kind text NOT NULL,
    subject text,
    due_at timestamptz,
    duration interval,
    done boolean NOT NULL DEFAULT false
  );
  CREATE INDEX ON activities (contact_id);
  CREATE INDEX ON activities (opportunity_id);

  CREATE TABLE notes (
    id bigint PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    author_id integer NOT NULL REFERENCES users (id),
    pinned boolean NOT NULL DEFAULT false,
    body text NOT NULL,
    attachment bytea
  );
  CREATE INDEX ON notes (account_id);
  ALTER TABLE notes ALTER COLUMN body SET STORAGE EXTERNAL;

  CREATE TABLE opportunity_contacts (
    opportunity_id uuid NOT NULL REFERENCES opportunities (id) ON DELETE CASCADE,
    contact_id bigint NOT NULL REFERENCES contacts (id) ON DELETE CASCADE,
    role text NOT NULL,
    PRIMARY KEY (opportunity_id, contact_id)
  );
  CREATE INDEX ON opportunity_contacts (contact_id);

  CREATE TABLE probes (
    id bigint PRIMARY KEY,
    sent_by text NOT NULL
  );
`;

/** Creates the old CRM's tables, empty. */
export async function createLegacySchema(client: ClientBase): Promise<void> {
  await client.query(LEGACY_SCHEMA);
}
