import { tableSchemaHash, type ColumnSchema, type TableSchema } from '@changeover/events';
import type { Row } from '@changeover/mapping';

import { keyText } from '../naive-derivation.js';
import { rowChanges, type Change, type RowChange } from '../random-changes.js';
import type { Alteration, SourceTableSpec } from './random-migration.js';

const ADDED = ['added1', 'added2'];
const REWRITES = ['1', '2', '3', '4', '5', '6', '7', '8', '9'];

/** A table as the source has it now. */
export class LiveTable {
  readonly spec: SourceTableSpec;
  form: TableSchema;
  #rows: Row[] = [];

  constructor(spec: SourceTableSpec) {
    this.spec = spec;
    const [schema, table] = spec.name.split('.') as [string, string];
    const columns = spec.columns.map((name): ColumnSchema => {
      const key = spec.key.includes(name);
      return { name, type: 'text', typeOid: 25, typmod: -1, notNull: key, key, fill: 'none' };
    });
    this.form = formOf({ schema, table, columns, identity: spec.identity }, spec);
  }

  /** In the order of their keys. */
  get rows(): readonly Row[] {
    return this.#rows;
  }

  get isKeyed(): boolean {
    return this.spec.key.length > 0;
  }

  /** The same as named values. */
  get rowsByKey(): ReadonlyMap<string, Readonly<Record<string, string | null>>> {
    const named = (row: Row): Record<string, string | null> =>
      Object.fromEntries(this.form.columns.map(({ name }, place) => [name, row[place] ?? null]));
    return new Map(this.#rows.map((row, number) => [this.isKeyed ? this.keyOf(row) : String(number), named(row)]));
  }

  keyOf(row: Row): string {
    return keyText(this.#keys().map((column) => row[column] as string));
  }

  /** What the change does; without a replica identity the database refuses all but new rows. */
  change(change: Change): readonly RowChange[] {
    const columns = this.form.columns.map(({ name }) => name);
    const done = rowChanges(change, columns, this.spec.key, this.#rows);
    if (this.spec.identity === 'none' && done.some(({ op }) => op === 'u' || op === 'd')) return [];
    for (const one of done) this.#apply(one);
    return done;
  }

  /** Its form behind this; null: it makes no sense for the table as it is now. */
  formBehind({ what }: Alteration): TableSchema | null {
    const { form } = this;
    const become = (changed: Omit<TableSchema, 'hash'>): TableSchema => formOf(changed, this.spec);
    switch (what) {
      case 'column':
      case 'default': {
        const name = ADDED.find((added) => form.columns.every((column) => column.name !== added));
        if (name === undefined) return null;
        const fill = what === 'default' ? 'default' : 'none';
        return become({
          ...form,
          columns: [...form.columns, { name, type: 'text', typeOid: 25, typmod: -1, notNull: false, key: false, fill }],
        });
      }
      case 'drop': {
        const columns = form.columns.filter(({ name }) => name !== 'extra');
        return columns.length === form.columns.length ? null : become({ ...form, columns });
      }
      case 'constraint':
        return become({
          ...form,
          columns: form.columns.map((column) => (column.name === 'f' ? { ...column, notNull: !column.notNull } : column)),
        });
      case 'rewrite':
        return become({ ...form, generation: REWRITES[REWRITES.indexOf(form.generation ?? '') + 1] ?? '0' });
      case 'rejoin':
      case 'leave':
        return form;
    }
  }

  /** False: it makes no sense. */
  alter(alteration: Alteration): boolean {
    const { form } = this;
    const behind = this.formBehind(alteration);
    if (behind === null) return false;
    this.form = behind;
    const places = behind.columns.map(({ name }) => form.columns.findIndex((column) => column.name === name));
    const added = alteration.what === 'default' ? 'default' : null;
    this.#rows = this.#rows.map((row) => places.map((place) => (place === -1 ? added : (row[place] as string | null))));
    for (const change of alteration.hidden) this.change(change);
    return true;
  }

  #apply(change: RowChange): void {
    if (change.op === 't') this.#rows = [];
    else {
      const { before, after } = change;
      if (before !== null) this.#rows.splice(this.#rows.indexOf(before), 1);
      if (after !== null) this.#rows.push(after);
      if (this.isKeyed) this.#rows.sort((a, b) => (this.keyOf(a) < this.keyOf(b) ? -1 : 1));
    }
  }

  #keys(): readonly number[] {
    return this.form.columns.flatMap(({ key }, place) => (key ? [place] : []));
  }
}

function formOf(form: Omit<TableSchema, 'hash' | 'foreignKeys'>, { foreignKeys }: SourceTableSpec): TableSchema {
  return { ...form, hash: tableSchemaHash(form), ...(foreignKeys.length === 0 ? {} : { foreignKeys }) };
}
