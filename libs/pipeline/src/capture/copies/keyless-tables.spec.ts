import { decodeJsonBody, tableSchemaHash, type TableSchema } from '@changeover/events';
import { inserted, textTable } from '@changeover/testing';

import { CaptureBed } from '../../test/capture-bed.js';

const PEOPLE = textTable('people', ['id', 'name']);
const LOG = keyless('at', 'what');

function keyless(...names: readonly string[]): TableSchema {
  const { columns, hash: _, ...form } = textTable('log', names, { fill: 'default' });
  const table = { ...form, identity: 'full' as const, columns: columns.map((column) => ({ ...column, key: false })) };
  return { ...table, hash: tableSchemaHash(table) };
}

async function expectNoCopy(bed: CaptureBed): Promise<void> {
  expect((await bed.mirror()).copies).toEqual({});
  expect(bed.source.requests).toEqual([]);
}

describe('a table without a key', () => {
  it('ends the first start where it holds rows, and leaves nothing at the source', async () => {
    await using bed = new CaptureBed();
    bed.source.captured = [PEOPLE, LOG];
    bed.source.tablesWithRows = ['public.people', 'public.log'];
    expect(await bed.start().ended).toBe('SNAPSHOT_NEEDED');
    expect(bed.source.confirmed).toBeNull();
    bed.source.tablesWithRows = ['public.people'];
    bed.source.fill(inserted(PEOPLE, ['1', 'a']));
    await bed.begin();
    await bed.source.acknowledged(bed.source.commit(inserted(LOG, ['now', 'x'])));
    expect(bed.source.requests.map(({ table }) => table)).toEqual(['people']);
  });

  it('is captured by its changes alone, also where it holds rows by the time its form is told', async () => {
    await using bed = new CaptureBed();
    bed.source.captured = [LOG];
    bed.source.fill(inserted(LOG, ['now', 'y']));
    await bed.begin();
    await bed.source.acknowledged(bed.source.commit(inserted(LOG, ['now', 'x'], ['now', 'x'])));
    expect(await bed.captured()).toEqual([['now', 'now']]);
    await expectNoCopy(bed);
  });

  it('is told of as not copied where its rows may have changed without row events', async () => {
    await using bed = new CaptureBed();
    bed.source.captured = [LOG];
    await bed.begin();
    await bed.source.acknowledged(bed.source.commit(inserted(LOG, ['now', 'x'])));
    await bed.source.acknowledged(bed.source.commit(inserted(keyless('at', 'what', 'added'), ['now', 'x', 'the default'])));
    const told = (await bed.entries()).filter(({ header }) => header.kind === 'schema').map((entry) => decodeJsonBody('schema', entry));
    expect(told.map(({ table, copy, empty }) => [table.columns.length, copy, empty])).toEqual([
      [2, undefined, undefined],
      [3, undefined, undefined],
    ]);
    await expectNoCopy(bed);
  });

  it('may come later, empty, but not come back: what the log has of it could not be compared', async () => {
    await using bed = new CaptureBed();
    bed.source.captured = [PEOPLE];
    const first = await bed.begin();
    await bed.source.acknowledged(bed.source.keepalive());
    await first.stop();
    bed.source.captured = [PEOPLE, LOG];
    bed.source.joined = ['public.log'];
    const second = bed.start();
    await bed.source.acknowledged(bed.source.commit(inserted(LOG, ['now', 'x'])));
    await second.stop();
    await expectNoCopy(bed);
    expect(await bed.start().ended).toBe('SNAPSHOT_NEEDED');
  });
});
