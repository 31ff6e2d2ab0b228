import type { ClientBase } from 'pg';

/**
 * The old CRM, as PHP programs leave them behind: no foreign keys, UUIDs in text columns beside old numbers, dates as text in the columns that came
 * later, `deleted` in every table, addresses of e-mail in a table of their own that a link table ties to people, and text columns in
 * which anybody may write anything.
 */
const TABLES = `
  CREATE TABLE users (
    id integer PRIMARY KEY,
    user_name varchar(60) NOT NULL,
    first_name varchar(100),
    last_name varchar(100) NOT NULL,
    status varchar(20) NOT NULL,
    is_admin varchar(5),
    deleted smallint NOT NULL DEFAULT 0,
    date_entered timestamp(0) NOT NULL
  );

  CREATE TABLE accounts (
    id bigint PRIMARY KEY,
    name varchar(150),
    account_type varchar(30),
    customer_no varchar(20),
    parent_id bigint,
    assigned_user_id integer,
    phone_office varchar(100),
    billing_country varchar(100),
    do_not_call varchar(5),
    member_since varchar(30),
    deleted smallint NOT NULL DEFAULT 0,
    date_entered timestamp(0) NOT NULL
  );

  CREATE TABLE contacts (
    id varchar(36) PRIMARY KEY,
    first_name varchar(100),
    last_name varchar(100),
    title varchar(100),
    phone_work varchar(100),
    phone_mobile varchar(100),
    primary_address_country varchar(100),
    birthdate varchar(30),
    lead_source varchar(40),
    do_not_call varchar(5),
    deleted smallint NOT NULL DEFAULT 0,
    date_entered timestamp(0) NOT NULL
  );

  CREATE TABLE accounts_contacts (
    id varchar(36) PRIMARY KEY,
    account_id bigint NOT NULL,
    contact_id varchar(36) NOT NULL,
    date_modified timestamp(0) NOT NULL,
    deleted smallint NOT NULL DEFAULT 0
  );

  CREATE TABLE email_addresses (
    id varchar(36) PRIMARY KEY,
    email_address varchar(255),
    date_created timestamp(0) NOT NULL,
    deleted smallint NOT NULL DEFAULT 0
  );

  CREATE TABLE email_addr_bean_rel (
    id varchar(36) PRIMARY KEY,
    email_address_id varchar(36) NOT NULL,
    bean_id varchar(36) NOT NULL,
    bean_module varchar(30) NOT NULL,
    primary_address smallint NOT NULL DEFAULT 0,
    date_created timestamp(0) NOT NULL,
    deleted smallint NOT NULL DEFAULT 0
  );

  CREATE TABLE leads (
    id varchar(36) PRIMARY KEY,
    assigned_user_id integer,
    first_name varchar(100),
    last_name varchar(100),
    account_name varchar(150),
    email varchar(255),
    phone varchar(100),
    country varchar(100),
    status varchar(40),
    converted varchar(5),
    deleted smallint NOT NULL DEFAULT 0,
    date_entered timestamp(0) NOT NULL
  );

  CREATE TABLE opportunities (
    id varchar(36) PRIMARY KEY,
    account_id bigint,
    assigned_user_id integer,
    name varchar(150),
    sales_stage varchar(40),
    amount numeric(14, 2),
    date_closed varchar(30),
    deleted smallint NOT NULL DEFAULT 0,
    date_entered timestamp(0) NOT NULL
  );

  CREATE TABLE opportunities_contacts (
    opportunity_id varchar(36) NOT NULL,
    contact_id varchar(36) NOT NULL,
    contact_role varchar(40),
    deleted smallint NOT NULL DEFAULT 0,
    PRIMARY KEY (opportunity_id, contact_id)
  );

  CREATE TABLE activities (
    id bigint PRIMARY KEY,
    activity_type varchar(20),
    contact_id varchar(36),
    opportunity_id varchar(36),
    assigned_user_id integer,
    subject varchar(200),
    date_due varchar(40),
    finished varchar(5),
    deleted smallint NOT NULL DEFAULT 0
  );

  CREATE TABLE notes (
    id bigint PRIMARY KEY,
    parent_type varchar(40),
    parent_id varchar(36),
    created_by integer,
    body text,
    pinned varchar(5),
    deleted smallint NOT NULL DEFAULT 0
  );
  ALTER TABLE notes ALTER COLUMN body SET STORAGE EXTERNAL;

  CREATE TABLE probes (
    id bigint PRIMARY KEY,
    sent_by text NOT NULL
  );
`;

/** What the programs that used it needed; made when the rows are in. */
const INDEXES = `
  CREATE INDEX ON accounts_contacts (contact_id);
  CREATE INDEX ON accounts_contacts (account_id);
  CREATE INDEX ON email_addr_bean_rel (bean_id);
  CREATE INDEX ON activities (contact_id);
`;

/** Creates the old CRM's tables, empty and without indexes but keys. */
export async function createLegacyTables(client: ClientBase): Promise<void> {
  await client.query(TABLES);
}

export async function createLegacyIndexes(client: ClientBase): Promise<void> {
  await client.query(`${INDEXES} ANALYZE;`);
}
