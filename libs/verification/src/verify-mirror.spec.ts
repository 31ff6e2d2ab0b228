import { noCrash, RandomIdSource, SystemClock } from '@changeover/core';
import {
  encodeFrameHeader,
  encodeJsonBody,
  formatRows,
  lineOf,
  readPositionOf,
  SequencedLog,
  type Line,
  type LogWriter,
  type Operation,
  type ReadPosition,
  type RecordRef,
  type TableSchema,
} from '@changeover/events';
import {
  deleted,
  InMemoryMessageStore,
  inserted,
  MemoryStorage,
  moved,
  positionAt,
  textTable,
  truncated,
  updated,
  type RowsEvent,
} from '@changeover/testing';

import type { TableComparison } from './compare-table.js';
import { compareRound } from './verify-mirror.js';

const CHANGES = 'm.changes';
const PERSON = textTable('crm.person', ['id', 'name']);
const OTHER = textTable('crm.other', ['id', 'name']);
const NEVER = new AbortController().signal;

type Row = readonly [id: string, name: string];

/** `changes` as it grows. */
class Changes {
  readonly log = new SequencedLog(new InMemoryMessageStore(new MemoryStorage()), new RandomIdSource());
  #writer: LogWriter | null = null;
  #schema: RecordRef | null = null;
  #position = 0;

  async tell(
    event: Omit<RowsEvent, 'op'> & { readonly op: Operation },
    kind: 'transaction' | 'snapshot-chunk' = 'transaction',
  ): Promise<ReadPosition> {
    this.#writer ??= await this.log.openWriter(CHANGES, { writerId: 'capture', create: true });
    this.#schema ??= await this.form(event.table);
    const body = [encodeFrameHeader({ ...event, schemaSeq: this.#schema.seq }, event.rows.length), event.rows];
    const facts = { schemas: [this.#schema], pos: positionAt(++this.#position), rows: 1 };
    const [ref] = await this.#writer.append([{ kind, body, last: true, facts }]);
    return readPositionOf(await this.log.fetch(CHANGES, ref as RecordRef));
  }

  async form(table: TableSchema): Promise<RecordRef> {
    this.#writer ??= await this.log.openWriter(CHANGES, { writerId: 'capture', create: true });
    const [ref] = await this.#writer.append([{ kind: 'schema', body: encodeJsonBody('schema', { table, previous: null }), last: true }]);
    return ref as RecordRef;
  }

  /** The source, and what is remembered of it, each at a place. */
  compare(
    { source, mirror, read, end }: { source: readonly Row[]; mirror: readonly Row[] | null; read: ReadPosition; end: ReadPosition },
    due: ReadonlyMap<string, ReadonlySet<string> | 'all'> | null = null,
  ): ReturnType<typeof compareRound> {
    return compareRound(
      {
        log: this.log,
        changes: CHANGES,
        clock: new SystemClock(),
        limits: { partitions: 16, bytesLookedAt: 1e6, named: 100, values: false, patienceMs: 1, bytesPerSecond: Infinity },
        onStep: () => undefined,
        crashPoint: noCrash,
        tables: [PERSON],
        source: {
          rows: async function* () {
            yield await Promise.resolve(formatRows(source));
          },
        },
        mirror: { read, rows: () => Promise.resolve(mirror?.map((row): Line => lineOf(formatRows([row]))) ?? null) },
        end,
      },
      due,
      NEVER,
    );
  }
}

function said(tables: readonly TableComparison[]): readonly string[] {
  return tables.flatMap(({ differences }) => differences.map(({ kind, key, columns }) => [kind, ...(key ?? []), ...columns].join(' ')));
}

describe('a round of a comparison of what is remembered', () => {
  let changes: Changes;
  let read: ReadPosition;

  beforeEach(async () => {
    changes = new Changes();
    read = await changes.tell(inserted(PERSON, ['a', '1'], ['b', '1'], ['c', '1']));
  });

  it('names what differs', async () => {
    const { tables, aside } = await changes.compare({
      source: [
        ['a', '1'],
        ['b', '1'],
      ],
      mirror: [
        ['b', '2'],
        ['c', '1'],
      ],
      read,
      end: read,
    });
    expect(said(tables)).toEqual(['missing a', 'different b name', 'extra c']);
    expect(aside.size).toBe(0);
  });

  it.each<readonly [string, RowsEvent, readonly string[]]>([
    ['changed', updated(PERSON, ['a', '2']), ['a']],
    ['made', inserted(PERSON, ['a', '2']), ['a']],
    ['deleted', deleted(PERSON, 'a'), ['a']],
    ['given another key', moved(PERSON, 'a', ['z', '2']), ['a', 'z']],
  ])('sets rows aside that were %s between the two places, and finds others all the same', async (_, event, touched) => {
    const end = await changes.tell(event);
    const { tables, aside } = await changes.compare({
      source: [
        ['a', 'other'],
        ['b', '1'],
      ],
      mirror: [
        ['a', '1'],
        ['b', 'wrong'],
      ],
      read,
      end,
    });
    expect(said(tables)).toEqual(['different b name']);
    expect([...aside]).toEqual([['crm.person', new Set(touched)]]);
  });

  it.each<readonly [string, () => Promise<unknown>]>([
    ['is emptied', () => changes.tell(truncated(PERSON))],
    ['is copied', () => changes.tell({ ...inserted(PERSON, ['q', '1']), op: 'r' }, 'snapshot-chunk')],
    ['has another form', () => changes.form(PERSON)],
  ])('sets a table aside that %s between the two places', async (_, happen) => {
    await happen();
    const end = await changes.tell(updated(PERSON, ['q', '2']));
    const { tables, aside } = await changes.compare({ source: [['a', '1']], mirror: [], read, end });
    expect([tables, [...aside]]).toEqual([[], [['crm.person', 'all']]]);
  });

  it('sets a table aside whose form is not remembered, or where what is remembered is ahead of the source', async () => {
    const end = await changes.tell(updated(PERSON, ['q', '2']));
    const one = await changes.compare({ source: [['a', '1']], mirror: null, read, end });
    const other = await changes.compare({ source: [['a', '1']], mirror: [], read: end, end: read });
    expect([[...one.aside], [...other.aside]]).toEqual([[['crm.person', 'all']], [['crm.person', 'all']]]);
  });

  it('compares in another round those that were left, and leaves what is touched again', async () => {
    const end = await changes.tell(updated(PERSON, ['b', '2']));
    const source: readonly Row[] = [
      ['a', 'wrong'],
      ['b', 'wrong'],
      ['c', 'wrong'],
    ];
    const due = new Map([['crm.person', new Set(['a', 'b'])]]);
    const { tables, aside } = await changes.compare({ source, mirror: [['a', '1']], read, end }, due);
    expect(said(tables)).toEqual(['different a name']);
    expect([...aside]).toEqual([['crm.person', new Set(['b'])]]);
  });

  it('knows nothing of other tables', async () => {
    const end = await new Promise<ReadPosition>((resolve, reject) => {
      changes
        .form(OTHER)
        .then(() => changes.tell(updated(PERSON, ['b', '2'])))
        .then(resolve, reject);
    });
    const { aside } = await changes.compare({ source: [], mirror: [], read, end });
    expect([...aside]).toEqual([['crm.person', new Set(['b'])]]);
  });
});
