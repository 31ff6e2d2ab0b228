import pg from 'pg';

/** A connected client that ends with its block. */
export async function connectTo(url: string): Promise<pg.Client & AsyncDisposable> {
  const client = new pg.Client({ connectionString: url, application_name: 'example crm' });
  // A connection that breaks is told by the query that meets it.
  client.on('error', () => undefined);
  await client.connect();
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
}

/** Creates a database on the server of `serverUrl` and gives its URL. */
export async function createDatabase(serverUrl: string, name: string): Promise<string> {
  await using client = await connectTo(serverUrl);
  await client.query(`CREATE DATABASE ${pg.escapeIdentifier(name)}`);
  return Object.assign(new URL(serverUrl), { pathname: `/${name}` }).href;
}

/** An address as people may see it: without user and password. */
export function publicAddress(url: string): string {
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}
