import { ChangeoverError, RandomIdSource, type Position } from '@changeover/core';
import { InMemoryMessageStore, inserted, MemoryStorage, moved, positionAt, textTable } from '@changeover/testing';
import fc from 'fast-check';

import { encodeFrameHeader } from '../frame/frame-codec.js';
import { readPositionOf, type LogWriter, type ReadPosition, type RecordPart } from '../log/event-log.port.js';
import { SequencedLog } from '../log/sequenced-log.js';
import { encodeJsonBody } from '../record/bodies.js';
import type { RecordHeader, RecordRef } from '../record/header.js';
import { decodeMessage, encodeMessage } from '../record/message-codec.js';
import { auditLog, type LogReport } from './audit-log.js';

const CHANGES = 'm.changes';
const WRITES = 'm.writes';
const TABLE = textTable('crm.contact', ['id', 'name']);
const NEVER = new AbortController().signal;

/** A migration's log in memory, written by the writers of the product. */
class Bed {
  readonly storage = new MemoryStorage();
  readonly #log = new SequencedLog(new InMemoryMessageStore(this.storage), new RandomIdSource());
  #position = 0;

  writer(stream: string): Promise<LogWriter> {
    return this.#log.openWriter(stream, { writerId: 'w', create: true });
  }

  next(): Position {
    return positionAt(++this.#position);
  }

  async schema(writer: LogWriter): Promise<RecordRef> {
    const body = encodeJsonBody('schema', { table: TABLE, previous: null });
    const [ref] = await writer.append([{ kind: 'schema', body, last: true }]);
    return ref as RecordRef;
  }

  /** A record of so many rows, in so many parts, which are cut wherever that comes to lie. */
  parts(schema: RecordRef, rows: number, parts: number, facts: RecordPart['facts'] = {}): RecordPart[] {
    const frames = [
      inserted(TABLE, ...Array.from({ length: rows }, (_, row) => [String(row), 'a\tname\n'])),
      moved(TABLE, 'old', ['new', undefined]),
    ];
    const bytes = Buffer.concat(
      frames.flatMap((frame) => [encodeFrameHeader({ ...frame, schemaSeq: schema.seq }, frame.rows.length), frame.rows]),
    );
    const pos = facts.pos ?? this.next();
    return Array.from({ length: parts }, (_, part) => ({
      kind: 'transaction',
      body: [bytes.subarray(Math.floor((bytes.length * part) / parts), Math.floor((bytes.length * (part + 1)) / parts))],
      last: part === parts - 1,
      facts: { schemas: [schema], ...(part === parts - 1 && { pos, rows: rows + 1, ...facts }) },
    }));
  }

  /** Where a reader of changes is behind that record. */
  async place(seq: number): Promise<ReadPosition> {
    for await (const items of this.#log.read(CHANGES, null, NEVER)) {
      const found = items.find((item) => item.type === 'entry' && item.entry.header.last && item.entry.header.seq === seq);
      if (found?.type === 'entry') return readPositionOf(found.entry);
    }
    throw new TypeError(`no record ${String(seq)}`);
  }

  audit(which: readonly ('changes' | 'writes')[] = ['changes', 'writes'], signal = NEVER): Promise<LogReport> {
    const store = new InMemoryMessageStore(this.storage);
    const streams = { changes: CHANGES, writes: WRITES };
    return auditLog({ store, streams, which, kept: 100, onProgress: () => undefined, signal });
  }

  /** What is found, in few words. */
  async found(which?: readonly ('changes' | 'writes')[]): Promise<readonly string[]> {
    const { findings } = await this.audit(which);
    return findings.map(({ stream, code, check, offset, seq }) => `${stream} ${code} ${check} @${String(offset)} #${String(seq)}`);
  }

  /** Changes the stored messages, whose offsets stay as they were. */
  damage(change: (messages: { readonly offset: number; bytes: Buffer }[]) => void, stream = CHANGES): void {
    change(this.storage.get(stream).messages);
  }

  flip(offset: number, byte: (bytes: Buffer) => number, stream = CHANGES): void {
    this.damage((messages) => {
      const bytes = (messages[offset] as { bytes: Buffer }).bytes;
      const at = byte(bytes);
      bytes[at] = (bytes[at] as number) ^ 1;
    }, stream);
  }
}

/**
 * changes: 0 fence, 1 schema (#1), 2 to 4 transactions (#2 to #4), 5 to 7 a transaction in parts (#5), 8 to 9 transactions (#6, #7).
 * writes: 0 fence, 1 schema (#1), 2 to 4 transactions (#2 to #4) made from #3, #5 and #7.
 */
async function bed(): Promise<Bed> {
  const made = new Bed();
  const changes = await made.writer(CHANGES);
  const form = await made.schema(changes);
  for (const parts of [1, 1, 1, 3, 1, 1]) await changes.append(made.parts(form, 2, parts));
  const writes = await made.writer(WRITES);
  const written = await made.schema(writes);
  for (const seq of [3, 5, 7]) {
    const from = await made.place(seq);
    await writes.append(made.parts(written, 2, 1, { pos: from.pos, from }));
  }
  return made;
}

const bodyByte = (bytes: Buffer): number => bytes.length - 1;
const headerByte = (bytes: Buffer): number => bytes.indexOf('"seq"') + 1;

/** Changes a header and what it chains to no one: as a writer with a bug would store it. */
function rewritten(bytes: Buffer, change: (header: RecordHeader, body: Buffer) => RecordHeader, body?: Buffer): Buffer {
  const decoded = decodeMessage(bytes, 0);
  return encodeMessage(change(decoded.header as RecordHeader, decoded.body), [body ?? decoded.body]).bytes;
}

/** As {@link rewritten}, for the last message of a stream, behind which no chain breaks. */
function rewriteLast(made: Bed, stream: string, change: (header: RecordHeader) => RecordHeader, body?: (before: Buffer) => Buffer): void {
  made.damage((messages) => {
    const last = messages.at(-1) as { bytes: Buffer };
    last.bytes = rewritten(last.bytes, change, body?.(decodeMessage(last.bytes, 0).body));
  }, stream);
}

const same = (header: RecordHeader): RecordHeader => header;

describe('a log without fault', () => {
  test('gives no finding, and adds up', async () => {
    const { complete, found, streams } = await (await bed()).audit();
    expect([complete, found]).toEqual([true, 0]);
    const [changes, writes] = streams;
    expect(changes).toMatchObject({
      start: 0,
      end: 10,
      readTo: 10,
      first: { seq: 1, offset: 1 },
      last: { seq: 7, offset: 9, position: positionAt(6) },
      records: { schema: 1, transaction: 6 },
      parts: 9,
      messages: 10,
      fences: { counted: 1, uncounted: 0 },
      uncounted: { late: 0, repeated: 0, abandoned: 0, cut: 0, unreadable: 0, bytes: 0 },
      unfinished: null,
      tables: [{ table: 'crm.contact', rows: { c: 12, u: 6 } }],
      largest: { seq: 5, parts: 3, rows: 3 },
    });
    expect(writes).toMatchObject({ records: { schema: 1, transaction: 3 }, tables: [{ rows: { c: 6, u: 3 } }] });
  });

  test('of random writers, doubled and lost answers, takeovers and unfinished records', async () => {
    const [seed] = fc.sample(fc.integer(), 1) as [number];
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ do: fc.constant('record' as const), rows: fc.nat(5), parts: fc.integer({ min: 1, max: 4 }) }) },
      fc.record({ do: fc.constantFrom('reopen' as const, 'double' as const, 'schema' as const, 'unfinished' as const, 'late' as const) }),
    );
    const seen = { late: 0, repeated: 0, abandoned: 0 };
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
        const made = new Bed();
        let changes = await made.writer(CHANGES);
        let form = await made.schema(changes);
        let records = 0;
        for (const one of steps) {
          switch (one.do) {
            case 'record':
              await changes.append(made.parts(form, one.rows, one.parts));
              records++;
              break;
            case 'double':
              made.storage.onAppend = () => 'double';
              await changes.append(made.parts(form, 2, 2));
              made.storage.onAppend = undefined;
              // Whose append lies elsewhere than it thinks.
              changes = await made.writer(CHANGES);
              records++;
              break;
            case 'schema':
              form = await made.schema(changes);
              break;
            case 'unfinished':
              await changes.append(made.parts(form, 2, 3).slice(0, 2));
              changes = await made.writer(CHANGES);
              break;
            case 'late': {
              const late = changes;
              changes = await made.writer(CHANGES);
              await expect(late.append(made.parts(form, 1, 2))).rejects.toMatchObject({ code: 'FENCED' });
              break;
            }
            case 'reopen':
              changes = await made.writer(CHANGES);
          }
        }
        const { findings, streams } = await made.audit(['changes']);
        expect(findings).toEqual([]);
        const { uncounted, records: counted } = streams[0] as (typeof streams)[number];
        expect(counted.transaction ?? 0).toBe(records);
        seen.late += uncounted.late;
        seen.repeated += uncounted.repeated;
        seen.abandoned += uncounted.abandoned;
      }),
      { seed, numRuns: 200 },
    );
    // Or it would not have met what it is about.
    expect({ seed, ...seen }).toEqual({
      seed,
      late: expect.any(Number),
      repeated: expect.any(Number),
      abandoned: expect.any(Number),
    });
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(10);
  });

  test('no writes yet: nothing to find', async () => {
    const made = await bed();
    made.storage.drop(WRITES);
    expect(await made.audit()).toMatchObject({ found: 0, missing: [WRITES] });
  });

  test('is said not to be read to its end when it is told to stop; what was seen until then adds up', async () => {
    const made = await bed();
    const writer = await made.writer(CHANGES);
    for (let count = 0; count < 240; count++) await writer.append(made.parts({ seq: 1, at: 1 }, 1, 1));
    const stop = new AbortController();
    const steps: number[] = [];
    const { complete, streams, found } = await auditLog({
      store: new InMemoryMessageStore(made.storage),
      streams: { changes: CHANGES, writes: WRITES },
      which: ['changes'],
      kept: 1,
      onProgress: ({ done, all }) => {
        steps.push(done, all);
        if (done >= 200) stop.abort();
      },
      signal: stop.signal,
    });
    expect(steps).toEqual([100, 251, 200, 251]);
    expect([complete, found, streams[0]]).toMatchObject([
      false,
      0,
      { readTo: 200, end: 251, messages: 200, last: { seq: 196, offset: 199 } },
    ]);
    expect((await made.audit(['changes'], AbortSignal.abort())).streams[0]).toMatchObject({ readTo: 0, messages: 0, first: null });
  });
});

describe('damage', () => {
  test.each([
    ['in the body', bodyByte],
    ['in the header', headerByte],
    ['in the checksum', () => 3],
    ['where our mark stands', () => 16],
  ])('a byte %s', async (_, byte) => {
    const made = await bed();
    made.flip(3, byte);
    // The record that writes names was made from it too, and that is no finding of its own.
    expect(await made.found()).toEqual(['m.changes LOG_CORRUPT message @3 #3']);
    // Who does not look at changes is told what writes lacks.
    expect(await made.found(['writes'])).toEqual(['m.writes LOG_GAP origin @2 #2']);
  });

  test.each([5, 6, 7])('a byte in the part at offset %i of a record', async (offset) => {
    const made = await bed();
    made.flip(offset, bodyByte);
    expect(await made.found()).toEqual([`m.changes LOG_CORRUPT message @${String(offset)} #5`]);
  });

  test('a byte in the fence', async () => {
    const made = await bed();
    const writer = await made.writer(CHANGES);
    await writer.append(made.parts({ seq: 1, at: 1 }, 1, 1));
    made.flip(10, (bytes) => bytes.length - 2);
    expect(await made.found()).toEqual(['m.changes LOG_CORRUPT message @10 #8']);
  });

  test('a byte in the fence, and a record behind it that follows another', async () => {
    const made = await bed();
    const writer = await made.writer(CHANGES);
    await writer.append(made.parts({ seq: 1, at: 1 }, 1, 1));
    made.flip(10, bodyByte);
    rewriteLast(made, CHANGES, (header) => ({ ...header, prev: '0'.repeat(32) }));
    expect(await made.found(['changes'])).toEqual(['m.changes LOG_CORRUPT message @10 #8', 'm.changes LOG_GAP order @11 #8']);
  });

  test('a byte in a fence that another fence follows', async () => {
    const made = await bed();
    await made.writer(CHANGES);
    await made.writer(CHANGES);
    made.flip(10, bodyByte);
    expect(await made.found(['changes'])).toEqual(['m.changes LOG_CORRUPT message @10 #8']);
  });

  test('a byte, and a record that is gone much later', async () => {
    const made = await bed();
    made.flip(2, bodyByte);
    made.damage((messages) => messages.splice(8, 1));
    expect(await made.found(['changes'])).toEqual(['m.changes LOG_CORRUPT message @2 #2', 'm.changes LOG_GAP order @9 #7']);
  });

  test('a part deleted of a record that was begun anew: the second time counts', async () => {
    const made = await bed();
    const writer = await made.writer(CHANGES);
    const parts = made.parts({ seq: 1, at: 1 }, 1, 4);
    await writer.append(parts.slice(0, 3));
    writer.abandon();
    await writer.append(parts);
    made.damage((messages) => messages.splice(12, 1));
    expect(await made.found(['changes'])).toEqual(['m.changes LOG_GAP order @13 #8']);
    expect((await made.audit(['changes'])).streams[0]).toMatchObject({ last: { seq: 8 }, parts: 13, uncounted: { abandoned: 1, cut: 1 } });
  });

  test('two bytes far from each other: both, and nothing between', async () => {
    const made = await bed();
    made.flip(2, bodyByte);
    made.flip(8, headerByte);
    expect(await made.found()).toEqual(['m.changes LOG_CORRUPT message @2 #2', 'm.changes LOG_CORRUPT message @8 #6']);
  });

  test('a byte, and the record behind it is gone too', async () => {
    const made = await bed();
    made.flip(3, bodyByte);
    made.damage((messages) => messages.splice(4, 4));
    expect(await made.found(['changes'])).toEqual(['m.changes LOG_CORRUPT message @3 #3', 'm.changes LOG_GAP order @8 #6']);
  });

  test('a message deleted in the middle', async () => {
    const made = await bed();
    made.damage((messages) => messages.splice(3, 1));
    expect(await made.found()).toEqual(['m.changes LOG_GAP order @4 #4']);
  });

  test.each([
    [5, 6],
    [6, 7],
    [7, 8],
  ])('the part at offset %i deleted', async (offset, at) => {
    const made = await bed();
    made.damage((messages) => messages.splice(offset, 1));
    expect(await made.found(['changes'])).toEqual([`m.changes LOG_GAP order @${String(at)} #${at === 8 ? '6' : '5'}`]);
  });

  test('a fence deleted, with records behind it and without', async () => {
    const made = await bed();
    await (await made.writer(CHANGES)).append(made.parts({ seq: 1, at: 1 }, 1, 1));
    await made.writer(CHANGES);
    await made.writer(CHANGES);
    made.damage((messages) => messages.splice(12, 1));
    made.damage((messages) => messages.splice(10, 1));
    expect(await made.found(['changes'])).toEqual(['m.changes LOG_GAP order @11 #8', 'm.changes LOG_GAP order @13 #null']);
  });

  test('two messages exchanged', async () => {
    const made = await bed();
    made.damage((messages) => {
      const [a, b] = [messages[3] as { bytes: Buffer }, messages[4] as { bytes: Buffer }];
      [a.bytes, b.bytes] = [b.bytes, a.bytes];
    });
    expect(await made.found(['changes'])).toEqual(['m.changes LOG_GAP order @3 #4', 'm.changes LOG_GAP order @4 #3']);
  });

  test('two parts of a record exchanged', async () => {
    const made = await bed();
    made.damage((messages) => {
      const [a, b] = [messages[6] as { bytes: Buffer }, messages[7] as { bytes: Buffer }];
      [a.bytes, b.bytes] = [b.bytes, a.bytes];
    });
    expect(await made.found(['changes'])).toEqual(['m.changes LOG_GAP order @6 #5']);
  });

  test('the beginning deleted: the forms that were told there are missing', async () => {
    const made = await bed();
    made.storage.truncate(CHANGES, 4);
    expect(await made.found(['changes'])).toEqual(['m.changes LOG_TRUNCATED start @4 #null', 'm.changes LOG_GAP reference @4 #4']);
    made.storage.truncate(CHANGES, 10);
    expect(await made.found(['changes'])).toEqual(['m.changes LOG_TRUNCATED start @10 #null']);
  });

  test('the fence at the beginning gone', async () => {
    const made = await bed();
    made.damage((messages) => messages.splice(0, 1));
    expect(await made.found(['changes'])).toEqual(['m.changes LOG_TRUNCATED start @1 #1']);
  });

  test('the end lost: writes names what is not there, once', async () => {
    const made = await bed();
    made.storage.loseEnd(CHANGES, 4);
    expect(await made.found()).toEqual(['m.writes LOG_TRUNCATED origin @3 #3']);
  });

  test('a record whose chain is another', async () => {
    const made = await bed();
    rewriteLast(made, CHANGES, (header) => ({ ...header, prev: '0'.repeat(32) }));
    expect(await made.found(['changes'])).toEqual(['m.changes LOG_GAP order @9 #7']);
  });

  test('a record that follows another position, and one that goes back', async () => {
    const made = await bed();
    rewriteLast(made, CHANGES, (header) => ({ ...header, follows: positionAt(4) }));
    expect(await made.found(['changes'])).toEqual(['m.changes LOG_GAP order @9 #7']);
    const other = await bed();
    rewriteLast(other, CHANGES, (header) => ({ ...header, pos: positionAt(2) }));
    expect(await other.found(['changes'])).toEqual(['m.changes LOG_GAP order @9 #7']);
  });
});

describe('a store that lacks messages', () => {
  /** Holds no offset of `[from, start)` of changes. */
  class LackingStore extends InMemoryMessageStore {
    readonly hole = { from: 3, start: 3 };

    override async *read(...[stream, from, options]: Parameters<InMemoryMessageStore['read']>): ReturnType<InMemoryMessageStore['read']> {
      const { from: hole, start } = this.hole;
      if (stream !== CHANGES || from >= start || (options.until ?? Infinity) <= hole) {
        yield* super.read(stream, from, options);
        return;
      }
      yield* super.read(stream, from, { ...options, until: hole });
      throw new ChangeoverError('LOG_TRUNCATED', 'gone', { facts: { from: hole, start } });
    }
  }

  test.each([
    ['a record', 3, 4],
    ['records', 2, 5],
    ['parts of a record', 5, 7],
    ['the last part of one, and another', 7, 9],
    ['a part in the middle', 6, 7],
    ['the end', 8, 10],
  ])('%s: told once, and what follows is no finding', async (_, from, start) => {
    const made = await bed();
    const store = new LackingStore(made.storage);
    Object.assign(store.hole, { from, start });
    const { findings, streams } = await auditLog({
      store,
      streams: { changes: CHANGES, writes: WRITES },
      which: ['changes'],
      kept: 10,
      onProgress: () => undefined,
      signal: NEVER,
    });
    expect(findings).toMatchObject([{ stream: CHANGES, code: 'LOG_TRUNCATED', check: 'store', offset: from, seq: null }]);
    expect(streams[0]).toMatchObject({ readTo: 10, uncounted: { unreadable: start - from } });
  });
});

describe('what a writer leaves behind', () => {
  test('a record of a fenced writer is counted, and no fault', async () => {
    const made = await bed();
    const fenced = await made.writer(CHANGES);
    await (await made.writer(CHANGES)).append(made.parts({ seq: 1, at: 1 }, 1, 1));
    await expect(fenced.append(made.parts({ seq: 1, at: 1 }, 1, 2))).rejects.toMatchObject({ code: 'FENCED' });
    const { found, streams } = await made.audit(['changes']);
    const stored = made.storage
      .get(CHANGES)
      .messages.slice(13)
      .reduce((sum, { bytes }) => sum + bytes.length, 0);
    expect([found, streams[0]]).toMatchObject([0, { uncounted: { late: 2, bytes: stored }, last: { seq: 8 }, fences: { counted: 3 } }]);
    // Damaged it is one all the same.
    made.flip(13, bodyByte);
    expect(await made.found(['changes'])).toEqual(['m.changes LOG_CORRUPT message @13 #9']);
  });

  test('an unfinished record, given up in the middle and at the end', async () => {
    const made = await bed();
    const writer = await made.writer(CHANGES);
    await writer.append(made.parts({ seq: 1, at: 1 }, 1, 3).slice(0, 2));
    expect((await made.audit(['changes'])).streams[0]).toMatchObject({ unfinished: { seq: 8, messages: 2 } });
    writer.abandon();
    await writer.append(made.parts({ seq: 1, at: 1 }, 1, 1));
    const { found, streams } = await made.audit(['changes']);
    expect([found, streams[0]]).toMatchObject([0, { unfinished: null, uncounted: { abandoned: 2 }, last: { seq: 8 }, parts: 10 }]);
    await writer.append(made.parts({ seq: 1, at: 1 }, 1, 3).slice(0, 1));
    await made.writer(CHANGES);
    expect((await made.audit(['changes'])).streams[0]).toMatchObject({ unfinished: null, uncounted: { abandoned: 3 } });
  });
});

describe('what belongs together', () => {
  test('changes re-created beside writes', async () => {
    const made = await bed();
    made.storage.drop(CHANGES);
    const changes = await made.writer(CHANGES);
    const form = await made.schema(changes);
    for (let count = 0; count < 8; count++) await changes.append(made.parts(form, 2, 1));
    expect(await made.found()).toEqual(['m.writes LOG_RECREATED origin @2 #2']);
  });

  test('messages of another log in the stream: once', async () => {
    const made = await bed();
    const other = await bed();
    made.storage.put(
      CHANGES,
      other.storage.get(CHANGES).messages.map(({ bytes }) => bytes),
    );
    expect(await made.found(['changes'])).toEqual(['m.changes LOG_RECREATED log-id @10 #null']);
    // With a fence that would count, readers are told, and what follows is that log.
    const fence = encodeMessage({ kind: 'fence', logId: 'another', epoch: 9, writerId: 'w', fenceAt: -1 }, []);
    made.storage.put(CHANGES, [fence.bytes]);
    expect((await made.found(['changes']))[1]).toBe('m.changes LOG_RECREATED log-id @20 #null');
  });

  test('changes is read as far as writes names it, over many batches, and what it names is found', async () => {
    const made = new Bed();
    const changes = await made.writer(CHANGES);
    const form = await made.schema(changes);
    for (let count = 0; count < 350; count++) await changes.append(made.parts(form, 1, 1));
    const writes = await made.writer(WRITES);
    const written = await made.schema(writes);
    for (const seq of [5, 350]) {
      const from = await made.place(seq);
      await writes.append(made.parts(written, 1, 1, { pos: from.pos, from }));
    }
    expect(await made.found()).toEqual([]);
    expect(await made.found(['writes'])).toEqual([]);
  });

  test('from that goes back', async () => {
    const made = await bed();
    const from = await made.place(4);
    rewriteLast(made, WRITES, (header) => ({ ...header, from }));
    expect(await made.found()).toEqual(['m.writes LOG_GAP origin @4 #4']);
  });

  test.each([
    ['with another checksum', (from: ReadPosition) => ({ ...from, checksum: '0'.repeat(32) }), 'LOG_GAP'],
    ['at another position', (from: ReadPosition) => ({ ...from, pos: positionAt(99) }), 'LOG_GAP'],
    ['at another offset', (from: ReadPosition) => ({ ...from, at: from.at - 1 }), 'LOG_GAP'],
    ['that is not there yet', (from: ReadPosition) => ({ ...from, seq: 8 }), 'LOG_TRUNCATED'],
  ])('from a record %s', async (_, change, code) => {
    const made = await bed();
    rewriteLast(made, WRITES, (header) => ({ ...header, from: change(header.from as ReadPosition) }));
    expect(await made.found()).toEqual([`m.writes ${code} origin @4 #4`]);
  });
});

describe('contents', () => {
  test('a schema reference that leads nowhere: of a frame, of a header, of a schema, of progress; each once', async () => {
    const made = await bed();
    const writer = await made.writer(CHANGES);
    const ref = (at: number): RecordRef => ({ seq: 1, at });
    await writer.append(made.parts({ seq: 99, at: 1 }, 1, 1));
    await writer.append(made.parts({ seq: 99, at: 1 }, 1, 1));
    expect(await made.found(['changes'])).toEqual(['m.changes LOG_GAP reference @11 #8']);
    const body = encodeJsonBody('schema', { table: TABLE, previous: ref(7) });
    await writer.append([{ kind: 'schema', body, last: true }]);
    expect((await made.found(['changes']))[1]).toBe('m.changes LOG_GAP reference @13 #10');

    const other = await bed();
    const capture = await other.writer(CHANGES);
    const whole = {
      phase: 'streaming' as const,
      position: positionAt(9),
      systemId: '',
      timeline: 1,
      requests: { through: 0, beyond: [] },
      mapping: null,
    };
    const progress = { ...whole, schemas: { 'crm.contact': [{ hash: '', seq: 1, at: 1 }] } };
    const [at] = await capture.append([{ kind: 'progress', body: encodeJsonBody('progress', progress), last: true }]);
    const pointing = (same: RecordRef): RecordPart => ({
      kind: 'progress',
      body: encodeJsonBody('progress', { position: positionAt(9), same }),
      last: true,
    });
    await capture.append([pointing(at as RecordRef)]);
    expect(await other.found(['changes'])).toEqual([]);
    // The one before the last whole one may be meant as well, and a record names one that was durable.
    const [second] = await capture.append([{ kind: 'progress', body: encodeJsonBody('progress', progress), last: true }]);
    await capture.append([pointing(at as RecordRef)]);
    await capture.append(other.parts({ seq: 1, at: 1 }, 1, 1, { progress: second }));
    expect(await other.found(['changes'])).toEqual([]);
    await capture.append(other.parts({ seq: 1, at: 1 }, 1, 1, { progress: { seq: 10, at: 99 } }));
    expect(await other.found(['changes'])).toEqual(['m.changes LOG_GAP reference @16 #13']);
    await capture.append([pointing({ seq: 7, at: 9 })]);
    const wrong = { ...whole, schemas: { 'crm.contact': [{ hash: '', seq: 2, at: 2 }] } };
    await capture.append([{ kind: 'progress', body: encodeJsonBody('progress', wrong), last: true }]);
    expect((await other.found(['changes'])).slice(1)).toEqual([
      'm.changes LOG_GAP reference @17 #14',
      'm.changes LOG_GAP reference @18 #15',
    ]);
  });

  test.each([
    ['cut off', (body: Buffer) => body.subarray(0, -1)],
    ['with bytes left over', (body: Buffer) => Buffer.concat([body, Buffer.from('x')])],
    ['of an unknown operation', (body: Buffer) => Buffer.concat([Buffer.from('x'), body.subarray(1)])],
    ['with a line too few', (body: Buffer) => Buffer.concat([body.subarray(0, 8), Buffer.from([0, 0, 0, 1]), body.subarray(12)])],
    ['with a value too many', (body: Buffer) => swap(body, 'new\t\\U', 'n\te\t\\U')],
    ['with a last line that has no end', (body: Buffer) => Buffer.concat([body.subarray(0, -1), Buffer.from('x')])],
    ['with an end too many', (body: Buffer) => swap(body, 'new\t\\U', 'n\t\\U\nx')],
  ])('frames %s', async (_, change) => {
    const made = await bed();
    rewriteLast(made, CHANGES, same, change);
    const found = await made.found(['changes']);
    expect(new Set(found)).toEqual(new Set(['m.changes LOG_CORRUPT frames @9 #7']));
  });

  test('frames that cannot be taken apart in a record of several parts: once', async () => {
    const made = await bed();
    const [first, ...others] = made.parts({ seq: 1, at: 1 }, 2, 3) as [RecordPart, ...RecordPart[]];
    const body = Buffer.concat([Buffer.from('x'), (first.body[0] as Uint8Array).subarray(1)]);
    await (await made.writer(CHANGES)).append([{ ...first, body: [body] }, ...others]);
    const found = await made.found(['changes']);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(/^m.changes LOG_CORRUPT frames @1[1-3] #8$/);
  });

  test.each([
    ['of a frame alone', { seq: 99, at: 1 }, { seq: 1, at: 1 }],
    ['of a header alone', { seq: 1, at: 1 }, { seq: 99, at: 1 }],
    ['to another offset', { seq: 1, at: 1 }, { seq: 1, at: 2 }],
    ['to a record of another kind', { seq: 1, at: 1 }, { seq: 2, at: 2 }],
  ])('a schema reference %s', async (_, ofFrame, ofHeader) => {
    const made = await bed();
    await (await made.writer(CHANGES)).append(made.parts(ofFrame, 1, 1, { schemas: [ofHeader] }));
    expect(await made.found(['changes'])).toEqual(['m.changes LOG_GAP reference @11 #8']);
  });

  test('fewer rows than the record says', async () => {
    const made = await bed();
    rewriteLast(made, CHANGES, (header) => ({ ...header, rows: 4 }));
    expect(await made.found(['changes'])).toEqual(['m.changes LOG_CORRUPT frames @9 #7']);
  });

  test('a body that is no JSON', async () => {
    const made = await bed();
    const writer = await made.writer(CHANGES);
    await writer.append([{ kind: 'barrier', body: [Buffer.from('{"requestId"')], last: true }]);
    expect(await made.found(['changes'])).toEqual(['m.changes LOG_CORRUPT body @11 #8']);
    // A place that is passed on needs none.
    await writer.append([{ kind: 'progress', body: [], last: true }]);
    expect(await made.found(['changes'])).toHaveLength(1);
  });
});

test('findings beyond those that are kept are counted', async () => {
  const made = await bed();
  for (const offset of [2, 3, 4]) made.flip(offset, bodyByte);
  const store = new InMemoryMessageStore(made.storage);
  const report = await auditLog({
    store,
    streams: { changes: CHANGES, writes: WRITES },
    which: ['changes'],
    kept: 2,
    onProgress: () => undefined,
    signal: NEVER,
  });
  expect([report.found, report.findings.length]).toEqual([3, 2]);
});

/** Exchanges a text for one of the same length. */
function swap(body: Buffer, what: string, by: string): Buffer {
  const at = body.indexOf(what);
  expect([at >= 0, by.length]).toEqual([true, what.length]);
  const changed = Buffer.from(body);
  changed.write(by, at, 'latin1');
  return changed;
}
