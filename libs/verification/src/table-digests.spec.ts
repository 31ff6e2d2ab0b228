import { formatRows, tableSchemaHash, type Frame, type RecordRef, type TableSchema } from '@changeover/events';
import fc from 'fast-check';

import { RowDigest, TableDigests, type Digests } from './table-digests.js';

type Row = readonly (string | null | undefined)[];

function tableOf(...columns: readonly string[]): TableSchema {
  const form = {
    schema: 'app',
    table: 'person',
    identity: 'full' as const,
    columns: columns.map((name, at) => ({
      name,
      type: 'text',
      typeOid: 25,
      typmod: -1,
      notNull: false,
      key: at === 0,
      fill: 'none' as const,
    })),
  };
  return { ...form, hash: tableSchemaHash(form) };
}

/** The third is the first, told again. */
const FORMS: readonly TableSchema[] = [tableOf('id', 'name'), tableOf('id', 'name', 'more'), tableOf('id', 'name')];
const schemas = (seq: number): TableSchema => FORMS[seq - 1] as TableSchema;
const refOf = (seq: number): RecordRef => ({ seq, at: seq * 10 });
/** Spells everything in capitals. */
const SNAPSHOT = { asCompared: (_table: TableSchema, lines: Buffer) => Promise.resolve(Buffer.from(lines.toString().toUpperCase())) };

function frame(op: Frame['op'], lines: readonly Row[], schemaSeq = 1): Frame {
  const perRow = op === 'u' ? 2 : 1;
  const before = op === 'c' ? ('none' as const) : ('full' as const);
  const partial = lines.some((line) => line.includes(undefined));
  return { op, before, partial, schemaSeq, rowCount: lines.length / perRow, rows: formatRows(lines) };
}

/** Of what stands there, read by itself. */
async function digestOf(rows: readonly Row[]): Promise<RowDigest['value']> {
  const digest = new RowDigest();
  digest.add(await SNAPSHOT.asCompared(schemas(1), formatRows(rows)));
  return digest.value;
}

async function behind(before: Digests, ...frames: readonly Frame[]): Promise<Digests> {
  const digests = new TableDigests(before, SNAPSHOT, ({ seq }) => Promise.resolve(schemas(seq)));
  await digests.add(frames, schemas, refOf);
  return digests.digests();
}

const NAME = 'app.person';

test('a random history leads to the digest of what stands at its end, in whatever pieces it is told', async () => {
  const change = fc.record({
    id: fc.integer({ min: 0, max: 5 }),
    name: fc.option(fc.constantFrom('a', 'B', '', 'tab\t')),
    gone: fc.boolean(),
    cut: fc.boolean(),
  });
  const property = fc.asyncProperty(fc.array(change, { maxLength: 40 }), async (changes) => {
    const rows = new Map<number, Row>();
    let known: Digests = {};
    let frames: Frame[] = [];
    for (const { id, name, gone, cut } of changes) {
      const was = rows.get(id);
      const is: Row = [String(id), name];
      if (gone && was !== undefined) {
        frames.push(frame('d', [was]));
        rows.delete(id);
      } else {
        frames.push(was === undefined ? frame('c', [is]) : frame('u', [was, is]));
        rows.set(id, is);
      }
      // A checkpoint in between.
      if (cut) [known, frames] = [await behind(known, ...frames), []];
    }
    known = await behind(known, ...frames);
    if (changes.length > 0) expect(known[NAME]?.content).toEqual(await digestOf([...rows.values()]));
  });
  await fc.assert(property);
});

test('a null is no empty text, a row that is there twice counts twice, and a table that was emptied holds nothing', async () => {
  expect(await digestOf([['1', null]])).not.toEqual(await digestOf([['1', '']]));
  expect(
    await digestOf([
      ['1', 'a'],
      ['1', 'a'],
    ]),
  ).not.toEqual(await digestOf([]));
  const emptied = await behind({}, frame('c', [['1', 'a']]), frame('t', []), frame('c', [['2', 'b']]));
  expect(emptied[NAME]?.content).toEqual(await digestOf([['2', 'b']]));
});

test('values that a change does not tell are those from before', async () => {
  const known = await behind(
    {},
    frame('c', [['1', 'large']]),
    frame('u', [
      ['1', 'large'],
      ['1', undefined],
    ]),
  );
  expect(known[NAME]?.content).toEqual(await digestOf([['1', 'large']]));
});

test('of a table in another form nothing is known, until it is emptied; also behind a checkpoint', async () => {
  const first = await behind({}, frame('c', [['1', 'a']]));
  const other = await behind(first, frame('c', [['2', 'b', null]], 2));
  expect(other[NAME]).toEqual({ form: { seq: 2, at: 20 }, content: null });
  expect((await behind(other, frame('c', [['3', 'c', null]], 2)))[NAME]?.content).toBeNull();
  expect((await behind({}, frame('c', [['1', 'a']]), frame('c', [['2', 'b', null]], 2)))[NAME]?.content).toBeNull();
  expect((await behind(other, frame('t', [], 2)))[NAME]?.content).toEqual({ rows: 0, sum: '0'.repeat(32) });
});

test('a form that is told again by who has lost its state is the same one; also behind a checkpoint', async () => {
  const expected = {
    form: { seq: 3, at: 30 },
    content: await digestOf([
      ['1', 'a'],
      ['2', 'b'],
    ]),
  };
  const first = await behind({}, frame('c', [['1', 'a']]));
  expect((await behind(first, frame('c', [['2', 'b']], 3)))[NAME]).toEqual(expected);
  expect((await behind({}, frame('c', [['1', 'a']]), frame('c', [['2', 'b']], 3)))[NAME]).toEqual(expected);
  const another = await behind(first, frame('c', [['2', 'b', null]], 2), frame('d', [['2', 'b', null]], 2), frame('c', [['3', 'c']], 3));
  expect(another[NAME]?.content).toBeNull();
});
