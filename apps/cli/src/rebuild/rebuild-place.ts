import { createHash } from 'node:crypto';

import { ChangeoverError } from '@changeover/core';

/** Where tables are built once more: a schema beside the live ones, or another database. */
export type RebuildPlace =
  | { readonly kind: 'schema'; readonly schema: string; readonly name: string }
  | { readonly kind: 'database'; readonly url: string; readonly name: string };

const SCHEMA = /^[a-z][a-z0-9_]{0,30}$/u;
const DATABASE = /^postgres(ql)?:\/\//u;
/** Those of PostgreSQL, of ours, and the one in which everybody has something. */
const TAKEN = /^(pg_.*|information_schema|public|changeover.*)$/u;

/** What `--into` says. BAD_SETTINGS where it is neither; a connection string is never repeated, as it may hold a password. */
export function parsePlace(into: string): RebuildPlace {
  if (DATABASE.test(into) && URL.canParse(into)) {
    const { hostname, port, pathname } = new URL(into);
    const database = pathname
      .slice(1)
      .toLowerCase()
      .replaceAll(/[^a-z0-9_]/gu, '_')
      .slice(0, 20);
    const which = createHash('sha256')
      .update(`${hostname}:${port === '' ? '5432' : port}${pathname}`)
      .digest('hex')
      .slice(0, 8);
    return { kind: 'database', url: into, name: `${database}-${which}` };
  }
  if (isOwnSchema(into)) return { kind: 'schema', schema: into, name: into };
  throw new ChangeoverError(
    'BAD_SETTINGS',
    '--into is neither the name of a schema for rebuilt tables (a letter, then at most 30 of a-z, 0-9 and _; none that PostgreSQL or Changeover uses) nor a connection string',
  );
}

/** Whether a schema of ours may be called so. */
export function isOwnSchema(name: string): boolean {
  return SCHEMA.test(name) && !TAKEN.test(name);
}

/** Under which the load of the rebuilt tables keeps its progress, and of which its stream and its state have their names. No migration can be called so. */
export function rebuildId(migration: string, { name }: RebuildPlace): string {
  return `${migration}-rebuild-${name}`;
}
