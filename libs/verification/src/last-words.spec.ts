import { ChangeoverError, RandomIdSource } from '@changeover/core';
import {
  encodeFrameHeader,
  encodeJsonBody,
  SequencedLog,
  type LogWriter,
  type ReadPosition,
  type RecordPart,
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

import { LastWords } from './last-words.js';

const WRITES = 'm.writes';
const PERSON = textTable('app.person', ['id', 'name']);
const OTHER = textTable('app.other', ['id', 'name']);
const NEVER = new AbortController().signal;

/** `writes`, each record of which comes of the record of `changes` a hundred behind it. */
class WritesBed {
  readonly log = new SequencedLog(new InMemoryMessageStore(new MemoryStorage()), new RandomIdSource());
  #writer: LogWriter | null = null;
  readonly #schemas = new Map<string, RecordRef>();
  #position = 0;

  async append(...parts: readonly RecordPart[]): Promise<RecordRef> {
    this.#writer ??= await this.log.openWriter(WRITES, { writerId: 'transform', create: true });
    return (await this.#writer.append(parts)).at(-1) as RecordRef;
  }

  /** One record, each event in a part of its own; `unfinished`: without its last. */
  async write(events: readonly RowsEvent[], unfinished = false): Promise<ReadPosition> {
    const schemas: RecordRef[] = [];
    for (const { table } of events) schemas.push(await this.form(table));
    const seq = (this.#writer as LogWriter).tail.seq + 1;
    const parts = events.map((event, index): RecordPart => {
      const last = index === events.length - 1;
      const from = { logId: 'c', epoch: 1, seq: seq + 100, pos: positionAt(seq), checksum: 'abc', at: 0 };
      return {
        kind: 'transaction',
        body: [encodeFrameHeader({ ...event, schemaSeq: (schemas[index] as RecordRef).seq }, event.rows.length), event.rows],
        last,
        facts: { schemas: [schemas[index] as RecordRef], ...(last && { pos: positionAt(++this.#position), rows: 1, from }) },
      };
    });
    await this.append(...(unfinished ? parts.slice(0, -1) : parts));
    return this.end();
  }

  giveUp(): void {
    (this.#writer as LogWriter).abandon();
  }

  async form(table: TableSchema): Promise<RecordRef> {
    const known = this.#schemas.get(table.hash);
    if (known !== undefined) return known;
    const ref = await this.append({ kind: 'schema', body: encodeJsonBody('schema', { table, previous: null }), last: true });
    this.#schemas.set(table.hash, ref);
    return ref;
  }

  async end(): Promise<ReadPosition> {
    const { header: _, ...place } = await this.log.head(WRITES);
    return place;
  }

  words(from: ReadPosition, mostBytes = 1e6): LastWords {
    return new LastWords({
      log: this.log,
      stream: WRITES,
      from,
      tables: [PERSON],
      // The target's words are in lower case.
      asCompared: (_, lines) => Promise.resolve(Buffer.from(lines.toString().toLowerCase())),
      mostBytes,
      tooMany: () => new ChangeoverError('FULL_VERIFICATION_NEEDED', 'too many'),
    });
  }
}

/** Each row with its line, and how far behind the beginning it was said. */
function told(words: LastWords, from: ReadPosition): unknown {
  const said = words.of(PERSON);
  if (said === 'all') return said;
  return Object.fromEntries(Array.from(said, ([id, { line, seq }]) => [id, [line?.toString() ?? null, seq - from.seq - 100]]));
}

describe('the last words about rows', () => {
  let bed: WritesBed;
  let from: ReadPosition;

  beforeEach(async () => {
    bed = new WritesBed();
    await bed.form(PERSON);
    await bed.form(OTHER);
    from = await bed.write([inserted(PERSON, ['a', '1'], ['z', '1'])]);
  });

  it('are what the records say of them behind a place, the last of each, by the words of the target', async () => {
    await bed.write([updated(PERSON, ['A', '2']), inserted(OTHER, ['x', '1'])]);
    await bed.write([inserted(PERSON, ['b', '1'], ['c', '1']), deleted(PERSON, 'c')]);
    await bed.write([moved(PERSON, 'b', ['D', '2'])]);
    const words = bed.words(from);
    await words.readTo(await bed.end(), NEVER);
    expect(told(words, from)).toEqual({ a: ['A\t2\n', 1], b: [null, 3], c: [null, 2], d: ['D\t2\n', 3] });
    expect([words.net(PERSON, 0), words.net(PERSON, from.seq + 102), words.net(OTHER, 0)]).toEqual([1, 0, 0]);
    await bed.write([updated(PERSON, ['a', '3'])]);
    await words.readTo(await bed.end(), NEVER);
    expect(told(words, from)).toMatchObject({ a: ['a\t3\n', 4], c: [null, 2] });
  });

  it('are none of a record that was given up', async () => {
    await bed.write([updated(PERSON, ['a', 'never']), inserted(PERSON, ['n', 'never']), updated(PERSON, ['z', 'never'])], true);
    bed.giveUp();
    await bed.write([updated(PERSON, ['z', '2'])]);
    const words = bed.words(from);
    await words.readTo(await bed.end(), NEVER);
    expect(told(words, from)).toEqual({ z: ['z\t2\n', 1] });
    expect(words.net(PERSON, 0)).toBe(0);
  });

  it.each<readonly [string, () => Promise<unknown>]>([
    ['is emptied', () => bed.write([truncated(PERSON)])],
    ['is told in another form', () => bed.form(textTable('app.person', ['id', 'name', 'more']))],
  ])('are about all rows of a table that %s', async (_, happen) => {
    await happen();
    const words = bed.words(from);
    await words.readTo(await bed.end(), NEVER);
    expect(words.of(PERSON)).toBe('all');
  });

  it('are about all rows where the end lies before the beginning', async () => {
    const words = bed.words(await bed.write([updated(PERSON, ['a', '2'])]));
    await words.readTo(from, NEVER);
    expect(words.of(PERSON)).toBe('all');
  });

  it('are no more than fit', async () => {
    await bed.write([updated(PERSON, ['a', '2'])]);
    await bed.write([updated(PERSON, ['a', '3'])]);
    await bed.words(from, 700).readTo(await bed.end(), NEVER);
    await bed.write([inserted(PERSON, ['p', '1'], ['q', '1'])]);
    await expect(bed.words(from, 700).readTo(await bed.end(), NEVER)).rejects.toMatchObject({ code: 'FULL_VERIFICATION_NEEDED' });
  });

  it('read nothing where there is nothing new', async () => {
    const words = bed.words(from);
    await words.readTo(from, NEVER);
    expect(told(words, from)).toEqual({});
  });
});
