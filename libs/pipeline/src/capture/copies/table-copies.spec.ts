import { ChangeoverError, type CrashPoint } from '@changeover/core';
import { decodeJsonBody, tableSchemaHash, type ChunkRequest, type LogEntry, type TableSchema } from '@changeover/events';
import { deleted, inserted, moved, positionAt, textTable, truncated, updated } from '@changeover/testing';

import { SilentObserver } from '../../ports.js';
import { CaptureBed, crashAt } from '../../test/capture-bed.js';

const PEOPLE = textTable('people', ['id', 'name', 'photo']);
const NOTES = textTable('notes', ['id', 'text', 'photo']);
const ORDERS = textTable('orders', ['id', 'text', 'photo']);
const COPIES = { parallel: 2, chunkBytes: 60, bytesPerSecond: Infinity };

const id = (n: number): string => `k${String(n).padStart(3, '0')}`;
const row = (n: number, text = 'text'): [string, string, string] => [id(n), `${text} ${String(n)}`, `photo ${String(n)}`];
const rows = (from: number, to: number): [string, string, string][] =>
  Array.from({ length: to - from + 1 }, (_, index) => row(from + index));
const firstCopy = (source: CaptureBed['source'], ...tables: readonly TableSchema[]): void => {
  source.captured = tables;
  source.tablesWithRows = tables.map(({ table }) => `public.${table}`);
};

/** Resolves when the copies of so many tables ended. */
class Finished extends SilentObserver {
  readonly tables: string[] = [];
  #look: () => void = () => undefined;

  override copied({ table, finished }: { readonly table: string; readonly finished: boolean }): void {
    if (finished) this.tables.push(table);
    this.#look();
  }

  until(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#look = () => {
        if (this.tables.length >= count) resolve();
      };
      this.#look();
    });
  }
}

/** What the log says is what the source has. */
async function expectEqual(bed: CaptureBed, ...tables: readonly [TableSchema, ...TableSchema[]]): Promise<void> {
  await bed.source.acknowledged(bed.source.commit(deleted(tables[0], 'never there')));
  const mirror = await bed.mirror();
  for (const { schema, table, columns } of tables) {
    // Of a column that came since, every row has null.
    const told = mirror
      .rows(`${schema}.${table}`)
      .map((values) => columns.map((_, index) => (index < values.length ? values[index] : null)));
    expect(told).toEqual(bed.source.visible.of(`${schema}.${table}`));
  }
  expect(mirror.copies).toEqual({});
}

/** With so many rows that a copy takes several chunks of a table. */
function filled(...tables: readonly TableSchema[]): CaptureBed {
  const bed = new CaptureBed();
  firstCopy(bed.source, ...tables);
  for (const table of tables) bed.source.fill(inserted(table, ...rows(1, 20)));
  return bed;
}

/** Runs `then` when the table is asked for the `k`th time. */
function atRequest(bed: CaptureBed, table: string, k: number, then: (request: ChunkRequest) => void): void {
  let asked = 0;
  const before = bed.source.onCopy;
  bed.source.onCopy = async (request) => {
    await before(request);
    if (request.table === table && ++asked === k) then(request);
  };
}

const schemasOf = (entries: readonly LogEntry[], table: string) =>
  entries.flatMap((entry) => {
    if (entry.header.kind !== 'schema') return [];
    const body = decodeJsonBody('schema', entry);
    return body.table.table === table ? [{ seq: entry.header.seq, ...body }] : [];
  });

describe('the copy of tables that hold rows', () => {
  it('brings all rows into the log, some tables at a time', async () => {
    await using bed = filled(PEOPLE, NOTES, ORDERS);
    const observer = new Finished();
    const running = new Set<string>();
    let most = 0;
    bed.source.onCopy = async ({ table }) => {
      const { finished } = await bed.mirror();
      running.add(`public.${table}`);
      for (const name of finished) running.delete(name);
      most = Math.max(most, running.size);
    };
    await bed.begin({ copies: COPIES, observer });
    await observer.until(3);
    await expectEqual(bed, PEOPLE, NOTES, ORDERS);
    expect(most).toBe(2);
    const chunks = (await bed.entries()).filter(({ header }) => header.kind === 'snapshot-chunk');
    expect(chunks.length).toBeGreaterThan(12);
    expect(chunks.map(({ header }) => header.rows).reduce<number>((sum, count) => sum + (count ?? 0), 0)).toBe(60);
    expect(observer.tables.sort()).toEqual(['public.notes', 'public.orders', 'public.people']);
  });

  it('reads a chunk while the one before goes into the log, and no more', async () => {
    await using bed = filled(PEOPLE);
    const observer = new Finished();
    let asked = 0;
    const second = new Promise<void>((resolve) => {
      bed.source.onCopy = () => {
        if (++asked === 1) process.store.close();
        if (asked === 2) resolve();
      };
    });
    bed.activate();
    const process = bed.start({ copies: COPIES, observer });
    await second;
    // Several turns in which the third would be asked for.
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect([asked, (await bed.entries()).some(({ header }) => header.kind === 'snapshot-chunk')]).toEqual([2, false]);
    process.store.open();
    await observer.until(1);
    expect(observer.tables).toEqual(['public.people']);
    await expectEqual(bed, PEOPLE);
  });

  it('says how far it is only behind the rows up to there', async () => {
    await using bed = filled(PEOPLE, NOTES);
    const observer = new Finished();
    await bed.begin({ copies: COPIES, observer });
    await observer.until(2);
    const entries = await bed.entries();
    let cursors: Record<string, string | null> = {};
    let steps = 0;
    for (const [index, entry] of entries.entries()) {
      if (entry.header.kind !== 'progress') continue;
      const body = decodeJsonBody('progress', entry);
      if ('same' in body) continue;
      const now = Object.fromEntries(Object.entries(body.copies ?? {}).map(([name, { after }]) => [name, after]));
      if (Object.keys(cursors).some((name) => now[name] !== cursors[name])) {
        steps++;
        expect(entries[index - 1]?.header.kind).toBe('snapshot-chunk');
      }
      cursors = now;
    }
    expect(steps).toBe(entries.filter(({ header }) => header.kind === 'snapshot-chunk').length);
  });

  it('begins when a mapping is active, also where the source is silent', async () => {
    await using bed = filled(PEOPLE);
    const observer = new Finished();
    bed.start({ copies: COPIES, observer });
    await bed.source.acknowledged(bed.source.keepalive());
    expect(bed.source.requests).toEqual([]);
    bed.activate();
    await observer.until(1);
    await expectEqual(bed, PEOPLE);
  });

  it('cuts a large chunk into parts', async () => {
    await using bed = new CaptureBed();
    firstCopy(bed.source, PEOPLE);
    const large = Array.from({ length: 40 }, (_, index): [string, string, string] => [id(index), 'x'.repeat(50_000), 'p']);
    bed.source.fill(inserted(PEOPLE, ...large));
    const observer = new Finished();
    await bed.begin({ copies: { ...COPIES, chunkBytes: 10_000_000 }, observer });
    await observer.until(1);
    const parts = (await bed.entries()).filter(({ header }) => header.kind === 'snapshot-chunk');
    expect(parts.length).toBeGreaterThan(2);
    expect(Math.max(...parts.map(({ body }) => body.length))).toBeLessThan(700_000);
    await expectEqual(bed, PEOPLE);
  });

  it('lays no chunk over what came after it, nor forgets what came beside it', async () => {
    await using bed = filled(PEOPLE);
    const observer = new Finished();
    const { commit } = { commit: bed.source.commit.bind(bed.source) };
    atRequest(bed, 'people', 2, () => {
      commit(updated(PEOPLE, row(1, 'changed'), row(19, 'changed')), deleted(PEOPLE, id(2), id(18)), inserted(PEOPLE, row(0), row(99)));
    });
    await bed.begin({ copies: COPIES, observer });
    await observer.until(1);
    await expectEqual(bed, PEOPLE);
  });

  it('reads rows once more that moved behind it without all their values', async () => {
    await using bed = filled(PEOPLE);
    const observer = new Finished();
    // From where the copy has not been to where it has been, and once more from there.
    atRequest(bed, 'people', 3, () => bed.source.commit(moved(PEOPLE, id(19), [id(0), 'moved', undefined])));
    atRequest(bed, 'people', 4, () => bed.source.commit(moved(PEOPLE, id(0), ['k0005', 'again', undefined])));
    await bed.begin({ copies: COPIES, observer });
    await observer.until(1);
    expect(bed.source.requests.flatMap(({ again }) => again)).toEqual(expect.arrayContaining([id(0), 'k0005']));
    expect(bed.source.visible.of('public.people').map(([, , photo]) => photo)).not.toContain(undefined);
    await expectEqual(bed, PEOPLE);
  });

  it('does not end before the last row that moved was read, and ends though more move', async () => {
    await using bed = filled(PEOPLE);
    const observer = new Finished();
    let at = 0;
    bed.source.onCopy = ({ after, onlyAgain }) => {
      // While the last rows are read one moves behind, and from then on some move with each request.
      if (after === id(16) && onlyAgain !== true) bed.source.commit(moved(PEOPLE, id(20), [id(0), 'moved', undefined]));
      if (onlyAgain === true)
        bed.source.commit(moved(PEOPLE, at === 0 ? id(3) : `l${String(at)}`, [`l${String(++at)}`, 'to and fro', undefined]));
    };
    await bed.begin({ copies: COPIES, observer });
    await observer.until(1);
    expect(bed.source.requests.at(-1)).toMatchObject({ onlyAgain: true, again: [id(0)] });
    await expectEqual(bed, PEOPLE);
  });

  it('begins from the first row where too many rows moved', async () => {
    await using bed = filled(PEOPLE);
    const observer = new Finished();
    atRequest(bed, 'people', 3, () => {
      const long = (n: number): string => `z${String(n)}${'y'.repeat(2000)}`;
      for (let n = 1; n <= 20; n++) bed.source.commit(moved(PEOPLE, id(n), [long(n), 'moved', undefined]));
      for (let n = 1; n <= 20; n++) bed.source.commit(moved(PEOPLE, long(n), [`${long(n)}z`, 'moved', undefined]));
    });
    await bed.begin({ copies: COPIES, observer });
    await observer.until(1);
    expect(bed.source.requests.filter(({ after }) => after === null)).toHaveLength(2);
    await expectEqual(bed, PEOPLE);
  });

  it('goes on after a TRUNCATE, and forgets what it wanted to read again', async () => {
    await using bed = filled(PEOPLE);
    const observer = new Finished();
    atRequest(bed, 'people', 3, () => {
      bed.source.commit(moved(PEOPLE, id(19), [id(0), 'moved', undefined]));
      bed.source.commit(truncated(PEOPLE), inserted(PEOPLE, row(4, 'new')));
    });
    await bed.begin({ copies: COPIES, observer });
    await observer.until(1);
    expect(bed.source.requests.flatMap(({ again }) => again)).toEqual([]);
    await expectEqual(bed, PEOPLE);
  });
});

describe('a copy that is interrupted', () => {
  const points = ['capture.chunk-read', 'capture.after-chunk', 'capture.after-append', 'capture.after-progress', 'log.after-fence'];

  it.each(points.flatMap((point) => [1, 2, 5].map((k) => [point, k] as const)))(
    'goes on after a crash at %s, pass %d',
    async (point, k) => {
      await using bed = filled(PEOPLE, NOTES);
      const crashing = beginOrEnd(bed, crashAt(point, k));
      atRequest(bed, 'people', 2, () => {
        bed.source.commit(updated(PEOPLE, row(3, 'changed'), row(17, 'changed')));
      });
      bed.source.commit(deleted(PEOPLE, id(5)), deleted(NOTES, id(15)));
      await crashing;
      bed.source.commit(moved(PEOPLE, id(16), [id(0), 'moved', undefined]), deleted(NOTES, id(1)));
      const { finished } = await bed.mirror();
      const observer = new Finished();
      bed.start({ copies: COPIES, observer });
      await observer.until(2 - finished.length);
      await expectEqual(bed, PEOPLE, NOTES);
    },
  );

  /** Runs until the crash, or until nothing is left to be copied. */
  async function beginOrEnd(bed: CaptureBed, crashPoint: CrashPoint): Promise<unknown> {
    bed.activate();
    const observer = new Finished();
    const process = bed.start({ copies: COPIES, observer, crashPoint });
    return Promise.race([process.ended, observer.until(2).then(() => process.stop())]);
  }

  it('goes on behind the last row that is in the log', async () => {
    await using bed = filled(PEOPLE);
    const crashed = await bed.begin({ copies: COPIES, crashPoint: crashAt('capture.after-chunk', 3) });
    expect(await crashed.ended).toBe('INTERNAL');
    const { after } = (await bed.mirror()).copies['public.people'] ?? {};
    expect(after).not.toBeNull();
    const asked = bed.source.requests.length;
    const observer = new Finished();
    bed.start({ copies: COPIES, observer });
    await observer.until(1);
    expect(bed.source.requests[asked]?.after).toBe(after);
    await expectEqual(bed, PEOPLE);
  });

  it('waits for a transaction that an earlier hold gave and that nobody sees yet', async () => {
    await using bed = filled(PEOPLE);
    const first = bed.start({ copies: COPIES });
    await bed.source.acknowledged(positionAt(1));
    bed.source.hide();
    // In the log before the first chunk, and told to no progress but the next.
    bed.activate();
    const hidden = bed.source.commit(updated(PEOPLE, row(1, 'hidden'), row(20, 'hidden')), deleted(PEOPLE, id(10)));
    await bed.source.acknowledged(hidden);
    expect(await first.stop()).toBeNull();
    for (let restarts = 0; restarts < 2; restarts++) {
      const asked = new Promise<void>((resolve) => {
        bed.source.onCopy = () => {
          resolve();
        };
      });
      const next = bed.start({ copies: COPIES });
      await bed.source.acknowledged(bed.source.keepalive());
      await asked;
      expect((await bed.entries()).filter(({ header }) => header.kind === 'snapshot-chunk')).toEqual([]);
      expect(await next.stop()).toBeNull();
    }
    const observer = new Finished();
    bed.start({ copies: COPIES, observer });
    await bed.source.acknowledged(bed.source.keepalive());
    bed.source.reveal();
    await observer.until(1);
    await expectEqual(bed, PEOPLE);
  });

  it('waits for such a transaction also where no progress has followed it', async () => {
    await using bed = filled(PEOPLE);
    let hidden: string | null = null;
    atRequest(bed, 'people', 2, () => {
      bed.source.hide();
      hidden = bed.source.commit(updated(PEOPLE, row(2, 'hidden'), row(20, 'hidden')), deleted(PEOPLE, id(10)));
    });
    const crashed = await bed.begin({
      copies: COPIES,
      crashPoint: (name) => {
        if (name === 'capture.after-append' && hidden !== null && bed.durable() === hidden) throw new ChangeoverError('INTERNAL', 'crash');
      },
    });
    expect(await crashed.ended).toBe('INTERNAL');
    expect((await bed.entries()).at(-1)?.header.kind).toBe('transaction');
    const asked = new Promise<void>((resolve) => {
      bed.source.onCopy = () => {
        resolve();
      };
    });
    const observer = new Finished();
    bed.start({ copies: COPIES, observer });
    await asked;
    const chunks = async (): Promise<number> => (await bed.entries()).filter(({ header }) => header.kind === 'snapshot-chunk').length;
    const before = await chunks();
    await bed.source.acknowledged(bed.source.keepalive());
    expect(await chunks()).toBe(before);
    bed.source.reveal();
    await observer.until(1);
    await expectEqual(bed, PEOPLE);
  });

  it('reads again what moved in a transaction that no progress knows of', async () => {
    await using bed = filled(PEOPLE);
    let requests = 0;
    bed.source.onCopy = () => {
      if (++requests === 4) bed.source.commit(moved(PEOPLE, id(19), [id(0), 'moved', undefined]));
    };
    // The transaction is in the log; neither a chunk nor a progress has followed.
    let rowsSeen = 0;
    const crashed = await bed.begin({
      copies: COPIES,
      crashPoint: (name) => {
        if (name === 'capture.chunk-read' && ++rowsSeen === 4) throw new ChangeoverError('INTERNAL', 'crash');
      },
    });
    expect(await crashed.ended).toBe('INTERNAL');
    const observer = new Finished();
    bed.start({ copies: COPIES, observer });
    await observer.until(1);
    await expectEqual(bed, PEOPLE);
  });
});

describe('tables that are to be copied', () => {
  it.each([1, 2, 3, 4])('are named before the log is told of them, whatever append is the last (%d)', async (k) => {
    await using bed = filled(PEOPLE, NOTES);
    const crashed = bed.start({ copies: COPIES, crashPoint: crashAt('capture.after-append', k) });
    bed.activate();
    await Promise.race([crashed.ended, bed.source.acknowledged(positionAt(30))]);
    await crashed.stop();
    const mirror = await bed.mirror();
    const told = ['people', 'notes'];
    const entries = await bed.entries();
    for (const table of told)
      if (schemasOf(entries, table).length > 0 && !mirror.finished.includes(`public.${table}`))
        expect(mirror.copies).toHaveProperty([`public.${table}`]);
    const observer = new Finished();
    bed.start({ copies: COPIES, observer });
    await observer.until(Math.max(0, 2 - mirror.finished.length));
    await expectEqual(bed, PEOPLE, NOTES);
  });

  it('are those that come later with rows too, and those that come back', async () => {
    await using bed = filled(PEOPLE);
    const observer = new Finished();
    const first = await bed.begin({ copies: COPIES, observer });
    await observer.until(1);
    await first.stop();
    // People was left out for a while, and changed.
    bed.source.fill(inserted(NOTES, ...rows(1, 9)), deleted(PEOPLE, id(3)), inserted(PEOPLE, row(33)));
    bed.source.captured = [PEOPLE, NOTES];
    bed.source.joined = ['public.people'];
    const second = new Finished();
    bed.start({ copies: COPIES, observer: second });
    await second.until(2);
    await expectEqual(bed, PEOPLE, NOTES);
  });

  it('are let be, and nothing of them is taken for gone, when they are captured no longer', async () => {
    await using bed = filled(PEOPLE);
    const crashed = await bed.begin({ copies: COPIES, crashPoint: crashAt('capture.after-chunk', 2) });
    await crashed.ended;
    const kept = (await bed.mirror()).rows('public.people');
    expect(kept.length).toBeGreaterThan(0);
    bed.source.captured = [];
    const without = bed.start({ copies: COPIES });
    await bed.source.acknowledged(bed.source.keepalive());
    await without.stop();
    const mirror = await bed.mirror();
    expect(mirror.copies['public.people']).toMatchObject({ left: true });
    expect([mirror.finished, mirror.rows('public.people')]).toEqual([[], kept]);
    // Back again: from the first row.
    bed.source.captured = [PEOPLE];
    const observer = new Finished();
    bed.start({ copies: COPIES, observer });
    await observer.until(1);
    await expectEqual(bed, PEOPLE);
  });
});

describe('a table whose form changes', () => {
  const wider = textTable('people', ['id', 'name', 'photo', 'added']);
  const defaulted = textTable('people', ['id', 'name', 'photo', 'added'], { fill: 'default' });
  const withDefault: TableSchema = {
    ...PEOPLE,
    columns: [...PEOPLE.columns, ...defaulted.columns.slice(3)],
    hash: tableSchemaHash({ ...PEOPLE, columns: [...PEOPLE.columns, ...defaulted.columns.slice(3)] }),
  };

  it('is copied again where rows may have changed without row events, and rows that went that way are gone', async () => {
    await using bed = filled(PEOPLE);
    const observer = new Finished();
    await bed.begin({ copies: COPIES, observer });
    await observer.until(1);
    bed.source.visible.rewrite(withDefault, (old) => (old[0] === id(7) ? null : [...old, 'the default']));
    bed.source.captured = [withDefault];
    await bed.source.acknowledged(bed.source.commit(inserted(withDefault, [...row(50), 'given'])));
    await observer.until(2);
    await expectEqual(bed, withDefault);
    const [first, second] = schemasOf(await bed.entries(), 'people');
    expect([first?.copy, second?.copy, second?.empty]).toEqual([undefined, true, undefined]);
  });

  it('is copied from the first row where that happens in the middle, and from where it was where no row changed', async () => {
    for (const [form, value, beginnings] of [
      [withDefault, 'the default', 2],
      [wider, null, 1],
    ] as const) {
      await using bed = filled(PEOPLE);
      const observer = new Finished();
      atRequest(bed, 'people', 3, () => {
        bed.source.visible.rewrite(form, (old) => [...old, value]);
      });
      await bed.begin({ copies: COPIES, observer });
      await observer.until(1);
      expect(bed.source.requests.filter(({ after }) => after === null)).toHaveLength(beginnings);
      await expectEqual(bed, form);
    }
  });

  it.each([1, 2, 3])('is copied again after a crash behind the telling too (append %d)', async (k) => {
    await using bed = filled(PEOPLE);
    const observer = new Finished();
    const first = await bed.begin({ copies: COPIES, observer });
    await observer.until(1);
    await first.stop();
    bed.source.visible.rewrite(withDefault, (old) => [...old, 'the default']);
    bed.source.captured = [withDefault];
    const crashed = bed.start({ copies: COPIES, crashPoint: crashAt('capture.after-append', k) });
    bed.source.commit(inserted(withDefault, [...row(50), 'given']));
    await crashed.ended;
    const second = new Finished();
    bed.start({ copies: COPIES, observer: second });
    await second.until(1);
    await expectEqual(bed, withDefault);
  });
});
