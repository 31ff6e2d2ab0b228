import { ChangeoverError } from '@changeover/core';
import { tableName, type RecordRef, type StateView, type TableSchema } from '@changeover/events';

import { TableMirror } from '../mirror/table-mirror.js';

/** A captured table, as the state knows it from its first form on. */
export class SourceTable {
  readonly name: string;
  /** Names it in the state, for good. */
  readonly number: number;
  readonly mirror: TableMirror;
  readonly #forms: ToldForm[] = [];
  /** Sequence of the first record with rows of it, or, of a table of the target, of the last one behind which all rows were told in the form told last; null: there was none. */
  firstRows: number | null;
  /** About how many rows were told before the first derivation, for those who show its progress. */
  rows: number;

  constructor(state: StateView, { name, number, firstRows, rows }: Pick<SourceTable, 'name' | 'number' | 'firstRows' | 'rows'>) {
    this.name = name;
    this.number = number;
    this.firstRows = firstRows;
    this.rows = rows;
    this.mirror = new TableMirror(state, number, name);
  }

  /** The form told last. */
  get form(): ToldForm {
    return this.#forms.at(-1) as ToldForm;
  }

  /** Of a table of the target: the last form in which all of its rows were recorded; null: there is none. */
  get recordedForm(): ToldForm | null {
    const { firstRows } = this;
    return firstRows === null ? null : (this.#forms.findLast(({ ref }) => ref.seq < firstRows) ?? null);
  }

  get forms(): readonly ToldForm[] {
    return this.#forms;
  }

  get refs(): readonly RecordRef[] {
    return this.#forms.map(({ ref }) => ref);
  }

  addForm(ref: RecordRef, schema: TableSchema): ToldForm {
    const form = { table: this, ref, schema, place: this.mirror.addForm(schema), keyed: schema.columns.some(({ key }) => key) };
    this.#forms.push(form);
    return form;
  }
}

/** A form of a table that the log has told. */
export type ToldForm = {
  readonly table: SourceTable;
  readonly ref: RecordRef;
  readonly schema: TableSchema;
  /** Among the table's forms, from 0. */
  readonly place: number;
  /** Its rows have a key, and so a mirror. */
  readonly keyed: boolean;
};

/** What is remembered of a table beside its rows. */
export type KnownTable = Pick<SourceTable, 'name' | 'firstRows' | 'rows'> & { readonly forms: readonly RecordRef[] };

/** The same, with the forms themselves in place of where the log tells them. */
export type ToldTable = Omit<KnownTable, 'forms'> & {
  readonly forms: readonly { readonly ref: RecordRef; readonly schema: TableSchema }[];
};

/** The captured tables, in the order in which they were first told: their numbers. */
export class SourceTables {
  readonly #state: StateView;
  readonly #tables = new Map<string, SourceTable>();
  readonly #forms = new Map<number, ToldForm>();

  constructor(state: StateView, told: readonly ToldTable[] = []) {
    this.#state = state;
    for (const { forms, ...facts } of told) {
      const table = this.#add(facts);
      for (const { ref, schema } of forms) this.#forms.set(ref.seq, table.addForm(ref, schema));
    }
  }

  /** `fetch` gives the forms again that were told before. */
  static async restore(
    state: StateView,
    known: readonly KnownTable[],
    fetch: (ref: RecordRef) => Promise<TableSchema>,
  ): Promise<SourceTables> {
    const told: ToldTable[] = [];
    for (const { forms: refs, ...facts } of known) {
      const forms: ToldTable['forms'][number][] = [];
      for (const ref of refs) forms.push({ ref, schema: await fetch(ref) });
      told.push({ ...facts, forms });
    }
    return new SourceTables(state, told);
  }

  /** All that it takes to make them again over another view of the state. */
  get told(): readonly ToldTable[] {
    return Array.from(this.#tables.values(), ({ name, firstRows, rows, forms }) => {
      return { name, firstRows, rows, forms: forms.map(({ ref, schema }) => ({ ref, schema })) };
    });
  }

  [Symbol.iterator](): Iterator<SourceTable> {
    return this.#tables.values();
  }

  find(name: string): SourceTable | undefined {
    return this.#tables.get(name);
  }

  /** A table's form is this from here on. */
  tell(ref: RecordRef, schema: TableSchema): ToldForm {
    const name = tableName(schema);
    const table = this.#tables.get(name) ?? this.#add({ name, firstRows: null, rows: 0 });
    const form = table.addForm(ref, schema);
    this.#forms.set(ref.seq, form);
    return form;
  }

  /** By the sequence of the record that told it. */
  form(seq: number): ToldForm {
    const form = this.#forms.get(seq);
    if (form === undefined) throw new ChangeoverError('LOG_CORRUPT', `a frame refers to the form ${String(seq)}, which was not told`);
    return form;
  }

  toJSON(): readonly KnownTable[] {
    return Array.from(this.#tables.values(), ({ name, firstRows, rows, refs }) => ({ name, firstRows, rows, forms: refs }));
  }

  #add(facts: Omit<KnownTable, 'forms'>): SourceTable {
    const table = new SourceTable(this.#state, { ...facts, number: this.#tables.size });
    this.#tables.set(facts.name, table);
    return table;
  }
}
