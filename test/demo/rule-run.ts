import { CONVERTERS } from '@changeover/cleaning';
import { compileRule, parseMapping, sourceTable, type Row, type SourceTable, type TableRule } from '@changeover/mapping';
import { InMemoryStateStore } from '@changeover/testing';
import { escapeIdentifier, type ClientBase } from 'pg';

import { DerivationPlan, type MirroredTable } from '../../libs/pipeline/src/derive/derivation-plan.js';
import { Derivation, type DerivedChange, type TouchedRow } from '../../libs/pipeline/src/derive/derivation.js';
import { DeriveAll, takePiece, type DeriveAllCursor } from '../../libs/pipeline/src/derive/derive-all.js';
import type { HeldStatus } from '../../libs/pipeline/src/derive/derived-entry.js';
import { lineOfRow } from '../../libs/pipeline/src/derive/row-text.js';

/** A list of held rows as the target has it. */
const HELD_TABLE = `
  CREATE SCHEMA changeover;
  CREATE TABLE changeover.held (
    migration text NOT NULL, target text NOT NULL, source_key text NOT NULL, source text NOT NULL, state text NOT NULL, kept boolean NOT NULL,
    reason text NOT NULL, problem_column text, problems jsonb NOT NULL, PRIMARY KEY (migration, target, source_key)
  );
`;

export async function createHeldTable(modern: ClientBase): Promise<void> {
  await modern.query(HELD_TABLE);
}

type Held = { readonly target: string; readonly source: string; readonly sourceKey: string; readonly status: HeldStatus };

/**
 * The rules over a database, without anything that moves rows: the mirror is filled by reading the tables, and what comes out stands here until it is
 * written into the new CRM as it is.
 */
export class RuleRun {
  readonly #rules: readonly TableRule[];
  readonly #legacy: ClientBase;
  readonly #plan: DerivationPlan;
  readonly #state = new InMemoryStateStore();
  readonly #derivation: Derivation;
  readonly #source = new Map<string, Map<string, Row>>();
  readonly #target = new Map<string, Map<string, Row>>();
  readonly #held = new Map<string, Held>();

  private constructor(rules: readonly TableRule[], legacy: ClientBase, tables: ReadonlyMap<string, SourceTable>) {
    this.#rules = rules;
    this.#legacy = legacy;
    const sources = new Map(
      [...tables].map(([name, { columns, key }], number) => [name, { number, key: key.map((column) => columns.indexOf(column)) }]),
    );
    this.#plan = new DerivationPlan(
      rules.map((rule) => compileRule(rule, tables, CONVERTERS)),
      sources,
    );
    this.#derivation = new Derivation(this.#plan, this.#state);
    for (const { name } of this.#plan.tables) this.#source.set(name, new Map());
    for (const { target } of rules) this.#target.set(target, new Map());
  }

  /** Reads all tables and derives everything once. */
  static async deriveAll(rules: readonly TableRule[], legacy: ClientBase): Promise<RuleRun> {
    // As a mapping file is read: columns in the order of their names, and so the problems of a row.
    const { rules: parsed } = parseMapping({ rules }, CONVERTERS);
    const names = new Set(rules.flatMap(({ source, joins = [] }) => [source, ...joins.map(({ table }) => table)]));
    const tables = new Map<string, SourceTable>();
    for (const name of names) tables.set(name, await formOf(legacy, name));
    const run = new RuleRun(parsed, legacy, tables);
    await run.#reread();
    const all = new DeriveAll({ plan: run.#plan, state: run.#state });
    for (let cursor: DeriveAllCursor | null = { step: 0, after: null }; cursor !== null;) {
      for (const { step, entries, next } of all.pieces(cursor, 5_000)) {
        for (const { changes } of takePiece(run.#derivation, step, entries)) run.#take(changes);
        cursor = next;
      }
    }
    return run;
  }

  /** Derives what became of the tables since, or of one of them, as if one transaction had done it all. */
  async follow(table?: string): Promise<void> {
    for (const { changes } of this.#derivation.derive(await this.#reread(table))) this.#take(changes);
  }

  /** Makes the new CRM's tables what came out. */
  async writeTo(modern: ClientBase): Promise<void> {
    await modern.query('BEGIN');
    await modern.query(`TRUNCATE ${[...this.#target.keys()].join(', ')}, changeover.held`);
    for (const { target, columns } of this.#rules) {
      await insertRows(modern, { table: target, columns: Object.keys(columns), rows: [...(this.#target.get(target)?.values() ?? [])] });
    }
    const rows = [...this.#held.values()].map(({ target, source, sourceKey, status: { state, kept, problems } }) => [
      'test',
      target,
      sourceKey,
      source,
      state,
      String(kept),
      problems[0]?.reason ?? null,
      problems[0]?.column ?? null,
      JSON.stringify(problems),
    ]);
    const columns = ['migration', 'target', 'source_key', 'source', 'state', 'kept', 'reason', 'problem_column', 'problems'];
    await insertRows(modern, { table: 'changeover.held', columns, rows });
    await modern.query('COMMIT');
  }

  async #reread(only?: string): Promise<readonly TouchedRow[]> {
    const touched: TouchedRow[] = [];
    for (const table of this.#plan.tables) {
      if (only === undefined || table.name === only) touched.push(...(await this.#readTable(table)));
    }
    return touched;
  }

  async #readTable(table: MirroredTable): Promise<readonly TouchedRow[]> {
    const columns = (await formOf(this.#legacy, table.name)).columns.map((column) => `${escapeIdentifier(column)}::text`);
    const result = await this.#legacy.query<Row & unknown[]>({ text: `SELECT ${columns.join(', ')} FROM ${table.name}`, rowMode: 'array' });
    const before = this.#source.get(table.name) as Map<string, Row>;
    const after = new Map<string, Row>(result.rows.map((row) => [lineOfRow(table.key.map((place) => row[place] as string)), row]));
    const keys = [...after.keys(), ...[...before.keys()].filter((key) => !after.has(key))];
    const changed = keys.filter((key) => JSON.stringify(before.get(key)) !== JSON.stringify(after.get(key)));
    this.#source.set(table.name, after);
    return changed.map((key) => {
      this.#derivation.mirror.set(table, key, after.get(key) ?? null);
      return { table, key, before: before.get(key) ?? null, after: after.get(key) ?? null };
    });
  }

  #take(changes: readonly DerivedChange[]): void {
    for (const { rule, key, after, held } of changes) {
      const { target, source } = rule.compiled;
      const rows = this.#target.get(target) as Map<string, Row>;
      if (after === null) rows.delete(key);
      else rows.set(key, after);
      if (held === null) this.#held.delete(`${target} ${key}`);
      else this.#held.set(`${target} ${key}`, { target, source, sourceKey: key, status: held });
    }
  }
}

async function formOf(client: ClientBase, name: string): Promise<SourceTable> {
  const { rows } = await client.query<{ name: string; type: string; key: boolean }>(
    `SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type, a.attnum = ANY (i.indkey) AS key FROM pg_attribute a JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary
     WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`,
    [name],
  );
  return sourceTable(rows);
}

/** By one statement, so that rows may refer to each other. */
async function insertRows(
  client: ClientBase,
  { table, columns, rows }: { readonly table: string; readonly columns: readonly string[]; readonly rows: readonly Row[] },
): Promise<void> {
  const types = await client.query<{ name: string; type: string }>(
    'SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0',
    [table],
  );
  const typeOf = new Map(types.rows.map(({ name, type }) => [name, type]));
  const names = columns.map(escapeIdentifier).join(', ');
  await client.query(
    `INSERT INTO ${table} (${names}) SELECT ${columns.map((column) => `${escapeIdentifier(column)}::${typeOf.get(column) ?? ''}`).join(', ')}
     FROM unnest(${columns.map((_, place) => `$${String(place + 1)}::text[]`).join(', ')}) AS line (${names})`,
    columns.map((_, place) => rows.map((row) => row[place])),
  );
}
