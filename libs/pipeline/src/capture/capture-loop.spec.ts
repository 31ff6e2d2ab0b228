import { asChangeoverError, ChangeoverError } from '@changeover/core';
import { decodeJsonBody, decodeMessage, FrameReader, type TableSchema } from '@changeover/events';
import { inserted, positionAt, textTable } from '@changeover/testing';

import { CaptureBed, crashAt, STREAM } from '../test/capture-bed.js';

const PEOPLE = textTable('people', ['id', 'name']);

function person(id: number): ReturnType<typeof inserted> {
  return inserted(PEOPLE, [String(id), `person ${String(id)}`]);
}

describe('capture', () => {
  it('prepares, makes the slot, and captures transactions in commit order once a mapping is active', async () => {
    await using bed = new CaptureBed();
    const process = await bed.begin();
    bed.source.commit(person(1), person(2));
    await bed.source.acknowledged(bed.source.commit(person(3)));
    expect(await process.stop()).toBeNull();
    expect(await bed.captured()).toEqual([['1', '2'], ['3']]);
    const kinds = (await bed.entries()).map((entry) => entry.header.kind);
    expect(kinds.slice(0, 2)).toEqual(['progress', 'progress']);
    expect(kinds.indexOf('mapping-activated')).toBeLessThan(kinds.indexOf('schema'));
    expect(kinds.indexOf('schema')).toBeLessThan(kinds.indexOf('transaction'));
  });

  it('captures nothing before a mapping is active, and loses nothing by it', async () => {
    await using bed = new CaptureBed();
    const process = bed.start();
    await bed.source.acknowledged(positionAt(1));
    const position = bed.source.commit(person(1));
    bed.source.commit(person(2));
    expect(await process.stop()).toBeNull();
    expect(await bed.captured()).toEqual([]);
    expect(bed.source.confirmed).toBe(positionAt(1));
    bed.activate();
    bed.start();
    await bed.source.acknowledged(position);
    expect((await bed.captured())[0]).toEqual(['1']);
  });

  it('acknowledges nothing that is on its way to the log', async () => {
    await using bed = new CaptureBed();
    const { store } = await bed.begin();
    await bed.source.acknowledged(bed.source.commit(person(1)));
    const before = bed.source.confirmed;
    store.close();
    const position = bed.source.commit(person(2));
    await store.arrival();
    // Several turns in which a hasty acknowledgement would come.
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(bed.source.confirmed).toBe(before);
    store.open();
    await bed.source.acknowledged(position);
  });

  it('acknowledges the position of a keepalive only when a progress record that names it is durable', async () => {
    await using bed = new CaptureBed();
    bed.source.captured = [PEOPLE];
    await bed.begin();
    const first = bed.source.commit(person(1));
    await bed.source.acknowledged(first);
    const idle = bed.source.keepalive();
    await bed.source.acknowledged(idle);
    const progress = (await bed.entries())
      .filter((entry) => entry.header.kind === 'progress')
      .map((entry) => decodeJsonBody('progress', entry).position);
    expect(progress).toContain(idle);
  });

  it('says only its position where nothing else is new, and goes on from that', async () => {
    await using bed = new CaptureBed();
    bed.source.captured = Array.from({ length: 200 }, (_, index) => textTable(`table_${String(index)}`, ['id', 'name']));
    const first = await bed.begin();
    await bed.source.acknowledged(bed.source.commit(inserted(textTable('table_7', ['id', 'name']), ['1', 'a'])));
    await bed.source.acknowledged(bed.source.keepalive());
    await bed.source.acknowledged(bed.source.keepalive());
    await first.stop();
    const last = (await bed.entries()).at(-1);
    expect(last?.header.kind).toBe('progress');
    expect(last?.body.length).toBeLessThan(200);
    const told = (await bed.entries()).filter(({ header }) => header.kind === 'schema').length;
    bed.start();
    await bed.source.acknowledged(bed.source.commit(inserted(textTable('table_8', ['id', 'name']), ['2', 'b'])));
    expect(await bed.captured()).toEqual([['1'], ['2']]);
    // It knew the forms that the record before had told.
    expect((await bed.entries()).filter(({ header }) => header.kind === 'schema')).toHaveLength(told);
  });

  it.each(['capture.after-hold', 'log.after-fence', 'capture.after-append', 'capture.after-progress'])(
    'goes on after a crash at %s with nothing lost and nothing twice',
    async (point) => {
      await using bed = new CaptureBed();
      const first = await bed.begin();
      await bed.source.acknowledged(bed.source.commit(person(1)));
      await first.stop();
      bed.source.commit(person(2));
      const crashed = bed.start({ crashPoint: crashAt(point) });
      expect(await crashed.ended).toBe('INTERNAL');
      bed.source.commit(person(3));
      bed.start();
      await bed.source.acknowledged(bed.source.commit(person(4)));
      expect(await bed.captured()).toEqual([['1'], ['2'], ['3'], ['4']]);
    },
  );

  it('goes on behind what it appended and never heard of', async () => {
    await using bed = new CaptureBed();
    const first = await bed.begin();
    await bed.source.acknowledged(bed.source.commit(person(1)));
    const holdsRows = (bytes: Buffer): boolean => decodeMessage(bytes, 0).header.kind === 'transaction';
    bed.storage.onAppend = (_, messages) => (messages.some(holdsRows) ? 'lose-answer' : 'store');
    bed.source.commit(person(2));
    expect(await first.ended).toBe('LOG_UNREACHABLE');
    bed.storage.onAppend = undefined;
    bed.start();
    await bed.source.acknowledged(bed.source.commit(person(3)));
    expect(await bed.captured()).toEqual([['1'], ['2'], ['3']]);
  });

  it('stops as FENCED when another takes over, and what it sent too late does not count', async () => {
    await using bed = new CaptureBed();
    const first = await bed.begin();
    await bed.source.acknowledged(bed.source.commit(person(1)));
    first.store.close();
    bed.source.commit(person(2));
    await first.store.arrival();
    bed.start();
    await bed.source.acknowledged(bed.source.commit(person(3)));
    first.store.open();
    // Its source was taken from it too; which of the two it hears of first is chance.
    expect(['FENCED', 'SOURCE_UNREACHABLE']).toContain(await first.ended);
    await bed.source.acknowledged(bed.source.commit(person(4)));
    expect(await bed.captured()).toEqual([['1'], ['2'], ['3'], ['4']]);
  });

  it('stops as LOG_BEHIND_SOURCE where the log has lost its end', async () => {
    await using bed = new CaptureBed();
    const first = await bed.begin();
    await bed.source.acknowledged(bed.source.commit(person(1)));
    const { first: start, messages } = bed.storage.get(STREAM);
    const end = start + messages.length;
    await bed.source.acknowledged(bed.source.commit(person(2)));
    await first.stop();
    bed.storage.loseEnd(STREAM, end);
    expect(await bed.start().ended).toBe('LOG_BEHIND_SOURCE');
  });

  it('stops as LOG_BEHIND_SOURCE, LOG_MISSING where the log was emptied or is gone', async () => {
    await using bed = new CaptureBed();
    const first = await bed.begin();
    await bed.source.acknowledged(bed.source.commit(person(1)));
    await first.stop();
    bed.storage.drop(STREAM);
    expect(await bed.start().ended).toBe('LOG_MISSING');
    bed.storage.create(STREAM);
    expect(await bed.start().ended).toBe('LOG_BEHIND_SOURCE');
  });

  it('stops as SOURCE_LOST where the slot is gone, and where the server is another', async () => {
    await using bed = new CaptureBed();
    const first = await bed.begin();
    await bed.source.acknowledged(bed.source.commit(person(1)));
    await first.stop();
    bed.source.systemId = 'another';
    expect(await bed.start().ended).toBe('SOURCE_LOST');
    bed.source.systemId = 'scripted';
    bed.source.loseSlot();
    expect(await bed.start().ended).toBe('SOURCE_LOST');
  });

  it('makes the slot again after a crash before its start was told to the log', async () => {
    await using bed = new CaptureBed();
    bed.activate();
    bed.source.createFails = new ChangeoverError('SOURCE_UNREACHABLE', 'the connection was lost behind it');
    expect(await bed.start().ended).toBe('SOURCE_UNREACHABLE');
    const orphan = bed.source.confirmed;
    bed.source.createFails = null;
    bed.start();
    await bed.source.acknowledged(positionAt(2));
    await bed.source.acknowledged(bed.source.commit(person(1)));
    expect(await bed.captured()).toEqual([['1']]);
    const [preparing, streaming] = (await bed.entries()).slice(0, 2).map((entry) => decodeJsonBody('progress', entry));
    expect(preparing).toMatchObject({ phase: 'preparing' });
    expect(streaming).toMatchObject({ phase: 'streaming' });
    expect((streaming?.position ?? '') > (orphan ?? '')).toBe(true);
  });

  it('stops where something was not watched since the hold before', async () => {
    await using bed = new CaptureBed();
    const first = await bed.begin();
    await bed.source.acknowledged(bed.source.commit(person(1)));
    await first.stop();
    bed.source.watched = 'all but one';
    expect(await bed.start().ended).toBe('SOURCE_LOST');
    bed.source.watched = 'all';
    bed.start();
    await bed.source.acknowledged(bed.source.commit(person(2)));
    expect(await bed.captured()).toEqual([['1'], ['2']]);
  });

  it("streams a transaction larger than a part, and begins it anew where a table's form is told inside it", async () => {
    await using bed = new CaptureBed();
    await bed.begin({ maxQueuedBytes: 64 * 1024 });
    await bed.source.acknowledged(bed.source.commit(person(0)));
    const wide = (id: number): ReturnType<typeof inserted> => inserted(PEOPLE, [String(id), 'x'.repeat(60_000)]);
    const many = Array.from({ length: 30 }, (_, index) => wide(1 + index));
    await bed.source.acknowledged(bed.source.commit(...many));
    const other: TableSchema = textTable('later', ['id', 'what']);
    await bed.source.acknowledged(bed.source.commit(...many, inserted(other, ['a', 'b']), ...many));
    const ids = many.map((_, index) => String(1 + index));
    expect(await bed.captured()).toEqual([['0'], ids, [...ids, 'a', ...ids]]);
    const parts = bed.storage.get(STREAM).messages.map(({ bytes, offset }) => decodeMessage(bytes, offset).header);
    expect(parts.filter((header) => header.kind === 'transaction' && !header.last).length).toBeGreaterThan(6);
  });

  it('tells the form of each table before the first row, and of a changed one whether it was empty', async () => {
    await using bed = new CaptureBed();
    const foreignKeys = [{ columns: ['name'], table: 'public.people', keyColumns: ['id'] }];
    const filled: TableSchema = { ...textTable('filled', ['id', 'name']), foreignKeys };
    bed.source.captured = [PEOPLE, filled];
    await bed.begin();
    await bed.source.acknowledged(bed.source.commit(person(1)));
    const schemas = (await bed.entries()).filter(({ header }) => header.kind === 'schema');
    expect(schemas.map((entry) => decodeJsonBody('schema', entry).table.foreignKeys)).toEqual([undefined, foreignKeys]);
    const told = async (): Promise<string[]> =>
      (await bed.entries())
        .filter(({ header }) => header.kind === 'schema')
        .map((entry) => {
          const { table, previous, empty } = decodeJsonBody('schema', entry);
          return [table.table, table.columns.length, previous === null ? 'first' : 'changed', empty === true ? 'empty' : '']
            .join(' ')
            .trim();
        });
    expect(await told()).toEqual(['people 2 first', 'filled 2 first']);
    const wider = textTable('people', ['id', 'name', 'added']);
    bed.source.emptyTables = ['public.people'];
    const rows = [inserted(wider, ['2', 'b', 'c']), inserted(textTable('filled', ['id', 'name', 'added']), ['1', 'b', 'c'])];
    await bed.source.acknowledged(bed.source.commit(...rows));
    expect((await told()).slice(2)).toEqual(['people 3 changed empty', 'filled 3 changed']);
  });

  it('goes on after a crash between two parts', async () => {
    await using bed = new CaptureBed();
    bed.activate();
    const wide = Array.from({ length: 30 }, (_, index) => inserted(PEOPLE, [String(index), 'x'.repeat(60_000)]));
    const crashed = await bed.begin({ crashPoint: crashAt('capture.between-parts'), maxQueuedBytes: 64 * 1024 });
    bed.source.commit(...wide);
    expect(await crashed.ended).toBe('INTERNAL');
    bed.start();
    await bed.source.acknowledged(bed.source.commit(person(99)));
    expect((await bed.captured()).map((rows) => rows.length)).toEqual([30, 1]);
  });

  it('places no barrier over something that was not told, and a changed form before it', async () => {
    await using bed = new CaptureBed();
    bed.source.captured = [PEOPLE];
    const process = await bed.begin({ maxQueuedBytes: 64 * 1024 });
    await bed.source.acknowledged(bed.source.commit(person(1)));
    process.store.close();
    bed.source.commit(...Array.from({ length: 30 }, (_, index) => inserted(PEOPLE, [String(index), 'x'.repeat(60_000)])));
    await process.store.arrival();
    bed.source.captured = [textTable('people', ['id', 'name', 'added'])];
    const marked = bed.source.marked();
    bed.requests.submit('barrier');
    await marked;
    process.store.open();
    const kinds = async (): Promise<string[]> =>
      (await bed.entries()).map(({ header }) => header.kind).filter((kind) => kind !== 'progress');
    while (!(await kinds()).includes('barrier')) await bed.source.acknowledged(bed.source.commit(person(2)));
    const told = await kinds();
    expect(told.slice(told.lastIndexOf('schema') - 1, told.indexOf('barrier') + 1)).toEqual(['transaction', 'schema', 'barrier']);

    bed.source.watched = 'all but one';
    bed.requests.submit('barrier');
    expect(await process.ended).toBe('SOURCE_LOST');
    expect((await kinds()).filter((kind) => kind === 'barrier')).toHaveLength(1);
  });

  it('takes decisions between two transactions, and tells which it has taken', async () => {
    await using bed = new CaptureBed();
    await bed.begin();
    await bed.source.acknowledged(bed.source.commit(person(1)));
    const decisions = [{ what: 'correct', table: 'public.people', key: '1', column: 'name', from: 'a', to: 'b', why: null }];
    const requestId = bed.requests.submit('correct', { decisions });
    const corrections = async () => (await bed.entries()).filter(({ header }) => header.kind === 'correction');
    while ((await corrections()).length === 0) await bed.source.acknowledged(bed.source.commit(person(2)));
    const [taken] = await corrections();
    expect(decodeJsonBody('correction', taken as NonNullable<typeof taken>)).toEqual({ requestId, decisions });
    const behind = (await bed.entries()).find(({ header }) => header.seq === (taken?.header.seq ?? 0) + 1);
    expect(decodeJsonBody('progress', behind as NonNullable<typeof behind>)).toMatchObject({ requests: { through: 2, beyond: [] } });
  });

  it('takes rows of the target, their form before them, and tells which requests it has taken', async () => {
    await using bed = new CaptureBed();
    await bed.begin();
    await bed.source.acknowledged(bed.source.commit(person(1)));
    const table = textTable('target:crm.user', ['id', 'mail']);
    bed.requests.submit('reference', { table, put: '1\ta\n2\tb\n', gone: '', more: true });
    bed.requests.submit('reference', { table, put: '', gone: '1\t\\U\n', more: false });
    const told = async () => (await bed.entries()).filter(({ header }) => header.kind === 'reference-data');
    while ((await told()).length < 2) await bed.source.acknowledged(bed.source.commit(person(2)));
    const entries = await bed.entries();
    const forms = entries.filter((entry) => entry.header.kind === 'schema' && decodeJsonBody('schema', entry).table.hash === table.hash);
    expect(forms).toHaveLength(1);
    const framesOf = ({ body }: (typeof entries)[number]) =>
      [...new FrameReader().push(body)].map(({ op, before, schemaSeq, rows }) => [op, before, schemaSeq, rows.toString()]);
    const [first, second] = (await told()) as [(typeof entries)[number], (typeof entries)[number]];
    const form = forms[0]?.header.seq;
    expect([first.header.more, second.header.more]).toEqual([true, undefined]);
    expect(framesOf(first)).toEqual([['c', 'none', form, '1\ta\n2\tb\n']]);
    expect(framesOf(second)).toEqual([
      ['c', 'none', form, ''],
      ['d', 'key', form, '1\t\\U\n'],
    ]);
    const behind = entries.find(({ header }) => header.seq === second.header.seq + 1);
    expect(decodeJsonBody('progress', behind as NonNullable<typeof behind>)).toMatchObject({ requests: { through: 3, beyond: [] } });
  });

  it('takes rows of the target that were asked for before the first mapping, though a transaction waits for that', async () => {
    await using bed = new CaptureBed();
    bed.start();
    await bed.source.acknowledged(positionAt(1));
    const position = bed.source.commit(person(1));
    // Turns in which it is begun.
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    bed.requests.submit('reference', { table: textTable('target:crm.user', ['id', 'mail']), put: '1\ta\n', gone: '', more: false });
    bed.activate();
    await bed.source.acknowledged(position);
    const kinds = (await bed.entries()).map(({ header }) => header.kind).filter((kind) => kind !== 'progress');
    expect(kinds).toEqual(['schema', 'reference-data', 'mapping-activated', 'schema', 'transaction']);
    expect(await bed.captured()).toEqual([['1']]);
  });

  it('takes each request once, also when it stops before it has taken it', async () => {
    await using bed = new CaptureBed();
    const first = await bed.begin();
    await bed.source.acknowledged(bed.source.commit(person(1)));
    const token = bed.requests.submit('barrier');
    await first.stop();
    bed.start();
    const second = bed.requests.submit('barrier');
    const barriers = async (): Promise<string[]> =>
      (await bed.entries()).filter((entry) => entry.header.kind === 'barrier').map((entry) => decodeJsonBody('barrier', entry).token);
    // The position of a mark is acknowledged with the progress that follows its barrier.
    while (!(await barriers()).includes(second)) await bed.source.acknowledged(bed.source.commit(person(2)));
    expect(await barriers()).toEqual([token, second]);
  });
});

it('the bed itself: an acknowledgement ahead of the log is noticed', async () => {
  await using bed = new CaptureBed();
  bed.storage.create(STREAM);
  expect(() => {
    bed.source.onAcknowledge(positionAt(5));
  }).toThrow();
  expect(asChangeoverError(new ChangeoverError('FENCED', '')).code).toBe('FENCED');
});
