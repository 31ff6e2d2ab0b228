import { ChangeoverError } from '@changeover/core';
import { tableSchemaHash, type TableSchema } from '@changeover/events';

import { sourceSnapshotsContract, type SourceSnapshotsBed } from '../contracts/source-snapshots.contract.js';
import { textTable } from './rows.js';
import { ScriptedSnapshots } from './scripted-snapshots.js';
import type { Row } from './scripted-tables.js';

type Name = 'item' | 'other';

class ScriptedBed implements SourceSnapshotsBed {
  readonly #snapshots = new ScriptedSnapshots();
  readonly #tables = new Map<Name, { readonly form: TableSchema; readonly rows: readonly Row[] }>();
  #txId = 700;

  constructor() {
    for (const name of ['item', 'other'] as const) this.#set(name, textTable(name, ['id', 'name']), []);
  }

  snapshots(): ScriptedSnapshots {
    return this.#snapshots;
  }

  nowhere(): ScriptedSnapshots {
    const nowhere = new ScriptedSnapshots();
    nowhere.fails = new ChangeoverError('SOURCE_UNREACHABLE', 'the source does not answer');
    return nowhere;
  }

  form(name: Name): Promise<TableSchema> {
    return Promise.resolve(this.#table(name).form);
  }

  async insert(name: Name, ...rows: readonly (readonly [number, string | null])[]): Promise<string> {
    const { txId, commit } = await this.begin(name, ...rows);
    await commit();
    return txId;
  }

  begin(name: Name, ...rows: readonly (readonly [number, string | null])[]): ReturnType<SourceSnapshotsBed['begin']> {
    const txId = String(this.#txId++);
    return Promise.resolve({
      txId,
      commit: () => {
        const { form, rows: held } = this.#table(name);
        this.#set(name, form, [...held, ...rows.map(([id, text]) => [String(id), text])]);
        this.#snapshots.visible.add(txId);
        return Promise.resolve();
      },
    });
  }

  alter(name: Name): Promise<void> {
    const { form, rows } = this.#table(name);
    const { hash: _, ...other } = { ...form, columns: form.columns.map((column) => ({ ...column, typmod: column.typmod + 1 })) };
    this.#set(name, { ...other, hash: tableSchemaHash(other) }, rows);
    return Promise.resolve();
  }

  drop(name: Name): Promise<void> {
    this.#snapshots.drop(this.#table(name).form);
    return Promise.resolve();
  }

  lock(): Promise<() => Promise<void>> {
    this.#snapshots.locked = true;
    return Promise.resolve(() => {
      this.#snapshots.locked = false;
      return Promise.resolve();
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  #table(name: Name): { readonly form: TableSchema; readonly rows: readonly Row[] } {
    const table = this.#tables.get(name);
    if (table === undefined) throw new TypeError(`there is no table ${name}`);
    return table;
  }

  #set(name: Name, form: TableSchema, rows: readonly Row[]): void {
    this.#tables.set(name, { form, rows });
    this.#snapshots.set(form, rows);
  }
}

sourceSnapshotsContract('scripted snapshots', () => Promise.resolve(new ScriptedBed()));

describe('scripted snapshots', () => {
  it('know who has not let go of them, and ask before they are taken and read', async () => {
    const source = new ScriptedSnapshots();
    const form = textTable('item', ['id', 'name']);
    source.set(form, [['1', 'one']]);
    const asked: string[] = [];
    source.onTake = (tables) => {
      asked.push(`take ${tables.map(({ table }) => table).join()}`);
      source.visible.add('700');
    };
    source.onRows = ({ table }) => {
      asked.push(`rows ${table}`);
    };
    const snapshot = await source.open();
    expect([...source.opened]).toEqual([snapshot]);
    expect([await snapshot.take([form]), snapshot.shows('700'), snapshot.shows('701')]).toEqual(['taken', true, false]);
    for await (const piece of snapshot.rows(form)) asked.push(piece.toString());
    expect(asked).toEqual(['take item', 'rows item', '1\tone\n']);
    await snapshot[Symbol.asyncDispose]();
    expect(source.opened.size).toBe(0);
  });
});
