import { NO_POSITION } from '@changeover/core';
import { parseRows, type RecordRef, type StateLook, type TableSchema } from '@changeover/events';
import { inserted, InMemoryStateStore, textTable } from '@changeover/testing';

import { SourceTables } from './source-tables.js';
import { StoredMirror } from './stored-mirror.js';
import { encodePlace, type TransformPlace } from './transform-place.js';

const FIRST = textTable('crm.person', ['id', 'name']);
const WIDER = textTable('crm.person', ['id', 'name', 'email']);
const FIRM = textTable('crm.firm', ['id']);
const FORMS: readonly TableSchema[] = [FIRST, FIRM, WIDER];
const READ = { logId: 'c', epoch: 1, seq: 9, pos: NO_POSITION, checksum: 'abc', at: 90 };

/** What transform leaves behind: rows of two tables, one of which has got another form. */
async function left(over: Partial<TransformPlace> = {}, isBetween = false): Promise<StoredMirror> {
  const state = new InMemoryStateStore();
  const tables = new SourceTables(state);
  const fill = (schema: TableSchema, ...rows: readonly string[][]): void => {
    const form = tables.tell({ seq: FORMS.indexOf(schema) + 1, at: 0 }, schema);
    form.table.mirror.overwrite({ ...inserted(schema, ...rows), schemaSeq: form.ref.seq }, form.place, 5);
  };
  fill(FIRST, ['1', 'a'], ['2', 'b']);
  fill(FIRM, ['7']);
  fill(WIDER, ['2', 'c', 'd']);
  await state.commit(
    encodePlace({
      read: READ,
      writes: { logId: 'w', seq: 3 },
      active: null,
      streaming: true,
      ts_ms: 0,
      phase: { name: 'following' },
      generation: 0,
      stale: false,
      copies: {},
      left: [],
      tables: tables.toJSON(),
      circles: [],
      told: {},
      barriers: [],
      ...over,
    }),
  );
  const look: StateLook = {
    place: state.place,
    isBetween,
    entries: (prefix, after) => state.entries(prefix, after),
    draft: () => state.draft(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  return StoredMirror.of(look, ({ seq }: RecordRef) => Promise.resolve(FORMS[seq - 1] as TableSchema));
}

async function rowsOf(mirror: StoredMirror, table: TableSchema): Promise<unknown> {
  const lines = await mirror.rows(table);
  return lines === null ? null : Array.from(lines, ({ bytes, start, end }) => parseRows(bytes.subarray(start, end + 1))[0]);
}

describe('what transform has left in its state', () => {
  it('are the rows of each table in the form told last, at a place', async () => {
    const mirror = await left();
    expect(mirror.read).toEqual(READ);
    expect(await rowsOf(mirror, WIDER)).toEqual([
      ['1', 'a', null],
      ['2', 'c', 'd'],
    ]);
    expect(await rowsOf(mirror, FIRM)).toEqual([['7']]);
  });

  it('says nothing of a table that it does not know in this form', async () => {
    const mirror = await left();
    expect([await rowsOf(mirror, FIRST), await rowsOf(mirror, textTable('crm.other', ['id']))]).toEqual([null, null]);
  });

  it.each<readonly [string, Partial<TransformPlace>, boolean]>([
    ['of no record', { read: null }, false],
    ['in the middle of a record', {}, true],
    ['being derived from', { phase: { name: 'deriving', cursor: null, batch: 0 } }, true],
    ['not all there yet', { phase: { name: 'filling' } }, false],
    ['being copied again', { copies: { 'crm.person': 3 } }, false],
  ])('is not compared while it is %s', async (_, over, isBetween) => {
    await expect(left(over, isBetween)).rejects.toMatchObject({ code: 'NOT_FOLLOWING' });
  });

  it('is there while another mapping comes into force, whatever that has put aside', async () => {
    const phase = { name: 'activating', cursor: null, batch: 0, derived: false, numbers: {} } as TransformPlace['phase'];
    expect((await left({ phase }, true)).read).toEqual(READ);
  });
});
