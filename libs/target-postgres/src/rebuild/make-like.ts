import type { TableName } from '@changeover/events';
import { escapeIdentifier, escapeLiteral } from 'pg';

import { nameOf } from '../catalogue/target-table.js';
import type { TableShape } from './table-shape.js';

/** The statement that makes an empty table like another one, without its name, what refers to others, and what belongs to it beside its columns. */
export function createLike({ persistence, accessMethod, options, tablespace, ...live }: TableShape, schema: string): string {
  return [
    `CREATE ${persistence === 'u' ? 'UNLOGGED ' : ''}TABLE ${nameOf({ schema, table: live.table })} (LIKE ${nameOf(live)} INCLUDING ALL)`,
    ...(accessMethod === '' ? [] : [`USING ${escapeIdentifier(accessMethod)}`]),
    ...(options.length === 0 ? [] : [`WITH (${options.join(', ')})`]),
    ...(tablespace === null ? [] : [`TABLESPACE ${escapeIdentifier(tablespace)}`]),
  ].join(' ');
}

/**
 * What makes one that was just made so like the live one to the name: LIKE gives indexes and sequences names of its own, and leaves out foreign keys, triggers, policies,
 * privileges and the owner. `placeOf`: where a foreign key leads.
 */
export function finishLike(live: TableShape, made: TableShape, placeOf: (table: TableName) => TableName): readonly string[] {
  const name = nameOf(made);
  const alter = (what: string): string => `ALTER TABLE ${name} ${what}`;
  return [
    ...renamed(live, made),
    ...(live.owner === made.owner ? [] : [alter(`OWNER TO ${escapeIdentifier(live.owner)}`)]),
    ...live.columns.flatMap(({ name: column, statistics, options, sequence }) => [
      ...(statistics === null ? [] : [alter(`ALTER COLUMN ${escapeIdentifier(column)} SET STATISTICS ${String(statistics)}`)]),
      ...(options.length === 0 ? [] : [alter(`ALTER COLUMN ${escapeIdentifier(column)} SET (${options.join(', ')})`)]),
      ...(sequence?.grants ?? []).map((grant) =>
        granted(grant, `SEQUENCE ${nameOf({ schema: made.schema, table: sequence?.name ?? '' })}`),
      ),
    ]),
    ...live.foreignKeys.map(({ name: key, def, toSchema, toTable }) => {
      const to = nameOf(placeOf({ schema: toSchema, table: toTable }));
      return alter(`ADD CONSTRAINT ${escapeIdentifier(key)} ${def.replace('REFERENCES @(', () => `REFERENCES ${to}(`)}`);
    }),
    ...live.triggers.flatMap(({ name: trigger, def, enabled }) => [
      def.replace(' ON @ ', () => ` ON ${name} `),
      ...(ENABLING[enabled] === undefined ? [] : [alter(`${ENABLING[enabled]} TRIGGER ${escapeIdentifier(trigger)}`)]),
    ]),
    ...live.policies.map(({ name: policy, permissive, command, roles, using, check }) => {
      const to = roles.map((role) => (role === 'public' ? 'PUBLIC' : escapeIdentifier(role))).join(', ');
      const conditions = [...(using === null ? [] : [`USING (${using})`]), ...(check === null ? [] : [`WITH CHECK (${check})`])];
      return `CREATE POLICY ${escapeIdentifier(policy)} ON ${name} AS ${permissive} FOR ${command} TO ${to} ${conditions.join(' ')}`;
    }),
    ...(live.rowSecurity ? [alter('ENABLE ROW LEVEL SECURITY')] : []),
    ...(live.forcedSecurity ? [alter('FORCE ROW LEVEL SECURITY')] : []),
    ...replicaIdentity(live).map(alter),
    ...(live.comment === null ? [] : [`COMMENT ON TABLE ${name} IS ${escapeLiteral(live.comment)}`]),
    ...live.grants.map(({ column, ...grant }) => granted(grant, `TABLE ${name}`, column)),
  ];
}

/** By pg_trigger's letters; one that fires as usual needs no word. */
const ENABLING: Readonly<Record<string, string>> = { D: 'DISABLE', R: 'ENABLE REPLICA', A: 'ENABLE ALWAYS' };

function replicaIdentity({ replicaIdentity: kind, replicaIndex }: TableShape): readonly string[] {
  if (kind === 'f') return ['REPLICA IDENTITY FULL'];
  if (kind === 'n') return ['REPLICA IDENTITY NOTHING'];
  return kind === 'i' && replicaIndex !== null ? [`REPLICA IDENTITY USING INDEX ${escapeIdentifier(replicaIndex)}`] : [];
}

/** Indexes that are the same but for their name are as good as each other. By way of names that nobody has, as the names may be among those of others. */
function renamed(live: TableShape, made: TableShape): readonly string[] {
  const free = [...made.indexes];
  const pairs: (readonly [from: string, to: string])[] = [];
  for (const { name, ...index } of live.indexes) {
    const at = free.findIndex(({ name: _, ...other }) => JSON.stringify(other) === JSON.stringify(index));
    const [found] = at === -1 ? [] : free.splice(at, 1);
    if (found !== undefined && found.name !== name) pairs.push([found.name, name]);
  }
  const qualified = (table: string): string => nameOf({ schema: made.schema, table });
  const between = (place: number): string => `changeover_${String(place)}`;
  const sequences = live.columns.flatMap(({ name, sequence }) => {
    const own = made.columns.find((column) => column.name === name)?.sequence;
    if (sequence === null || own == null || own.name === sequence.name) return [];
    return [`ALTER SEQUENCE ${qualified(own.name)} RENAME TO ${escapeIdentifier(sequence.name)}`];
  });
  return [
    ...pairs.map(([from], place) => `ALTER INDEX ${qualified(from)} RENAME TO ${between(place)}`),
    ...pairs.map(([, to], place) => `ALTER INDEX ${qualified(between(place))} RENAME TO ${escapeIdentifier(to)}`),
    ...sequences,
  ];
}

type Granted = { readonly grantee: string | null; readonly privilege: string; readonly grantable: boolean };

function granted({ grantee, privilege, grantable }: Granted, on: string, column: string | null = null): string {
  const what = column === null ? privilege : `${privilege} (${escapeIdentifier(column)})`;
  const to = grantee === null ? 'PUBLIC' : escapeIdentifier(grantee);
  return `GRANT ${what} ON ${on} TO ${to}${grantable ? ' WITH GRANT OPTION' : ''}`;
}
