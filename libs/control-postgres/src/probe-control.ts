import pg from 'pg';

import { controlError } from './control-error.js';
import { CONTROL_SCHEMA } from './control-schema.js';

const CONNECT_TIMEOUT_MS = 5_000;

/** What stands in the way of `openControl`, seen without changing anything. */
export type ControlProbe = {
  /** Whether some `changeover` has used this database before. */
  readonly hasSchema: boolean;
  /** Whether we may use the schema, or make it where it is missing. */
  readonly mayUse: boolean;
  /** The statement that an administrator runs where we may not. */
  readonly grant: string;
};

const FACTS = `
  SELECT current_database() AS database, current_user AS role,
    EXISTS (SELECT FROM pg_namespace WHERE nspname = $1) AS "hasSchema",
    (SELECT bool_or(pg_has_role(nspowner, 'USAGE')) FROM pg_namespace WHERE nspname = $1) AS "ownsSchema",
    has_database_privilege(current_database(), 'CREATE') AS "mayCreate"`;

type Facts = {
  readonly database: string;
  readonly role: string;
  readonly hasSchema: boolean;
  readonly ownsSchema: boolean | null;
  readonly mayCreate: boolean;
};

/** Connects, looks, changes nothing. CONTROL_UNREACHABLE, CONTROL_DENIED. */
export async function probeControl(url: string): Promise<ControlProbe> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'changeover-check',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  });
  // A connection that breaks also rejects the query under way; nobody listens to the event.
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<Facts>(FACTS, [CONTROL_SCHEMA]);
    const { database, role, hasSchema, ownsSchema, mayCreate } = rows[0] as Facts;
    const owner = pg.escapeIdentifier(role);
    const grant = hasSchema
      ? `ALTER SCHEMA ${pg.escapeIdentifier(CONTROL_SCHEMA)} OWNER TO ${owner};`
      : `GRANT CREATE ON DATABASE ${pg.escapeIdentifier(database)} TO ${owner};`;
    return { hasSchema, mayUse: hasSchema ? ownsSchema === true : mayCreate, grant };
  } catch (error) {
    throw controlError(error);
  } finally {
    await client.end().catch(() => undefined);
  }
}
