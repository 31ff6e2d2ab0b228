import { RandomIdSource } from '@changeover/core';
import {
  deleted,
  InMemoryMessageStore,
  inserted,
  MemoryStorage,
  moved,
  positionAt,
  textTable,
  truncated,
  type RowsEvent,
} from '@changeover/testing';
import fc from 'fast-check';

import { encodeFrameHeader } from '../frame/frame-codec.js';
import type { LogWriter, RecordPart } from '../log/event-log.port.js';
import { SequencedLog } from '../log/sequenced-log.js';
import { encodeJsonBody } from '../record/bodies.js';
import type { RecordRef } from '../record/header.js';
import { decodeMessage } from '../record/message-codec.js';
import type { LogFinding } from './finding.js';
import { findPlaceBefore } from './find-record.js';
import { listRecords, type ListedRecord, type ListOptions } from './list-records.js';

const STREAM = 'm.changes';
const NEVER = new AbortController().signal;
const PERSON = textTable('crm.person', ['id', 'name', 'note']);
const FIRM = textTable('crm.firm', ['id', 'name']);

/** Counts what is read. */
class CountingStore extends InMemoryMessageStore {
  readonly from: number[] = [];
  messages = 0;

  override async *read(...given: Parameters<InMemoryMessageStore['read']>): ReturnType<InMemoryMessageStore['read']> {
    this.from.push(given[1]);
    for await (const batch of super.read(...given)) {
      this.messages += batch.length;
      yield batch;
    }
  }
}

class Bed {
  readonly storage = new MemoryStorage();
  readonly store = new CountingStore(this.storage);
  readonly log = new SequencedLog(this.store, new RandomIdSource());
  readonly findings: LogFinding[] = [];
  readonly #refs = new Map<string, RecordRef>();

  writer(): Promise<LogWriter> {
    return this.log.openWriter(STREAM, { writerId: 'w', create: true });
  }

  async tell(writer: LogWriter, table: RowsEvent['table']): Promise<void> {
    const [ref] = await writer.append([{ kind: 'schema', body: encodeJsonBody('schema', { table, previous: null }), last: true }]);
    this.#refs.set(table.table, ref as RecordRef);
  }

  record(place: number, events: readonly RowsEvent[], parts = 1): RecordPart[] {
    const schemas = [...new Set(events.map(({ table }) => this.#refs.get(table.table) as RecordRef))];
    const bytes = Buffer.concat(
      events.flatMap((event) => [
        encodeFrameHeader({ ...event, schemaSeq: (this.#refs.get(event.table.table) as RecordRef).seq }, event.rows.length),
        event.rows,
      ]),
    );
    const size = Math.ceil(bytes.length / parts);
    return Array.from({ length: parts }, (_, part) => ({
      kind: 'transaction',
      body: [bytes.subarray(part * size, (part + 1) * size)],
      last: part === parts - 1,
      facts: { schemas, ...(part === parts - 1 && { pos: positionAt(place), txId: String(place), ts_ms: 1000 + place }) },
    }));
  }

  list(options: Partial<ListOptions> = {}): AsyncGenerator<ListedRecord> {
    const onFinding = (finding: LogFinding): void => {
      this.findings.push(finding);
    };
    return listRecords({ store: this.store, log: this.log, stream: STREAM, from: 1, follow: false, onFinding, signal: NEVER, ...options });
  }

  async seqs(options: Partial<ListOptions> = {}): Promise<readonly number[]> {
    const found: number[] = [];
    for await (const { header } of this.list(options)) found.push(header.seq);
    return found;
  }
}

/** #1, #2: forms; then #3 on: rows of both tables, of one, in parts. */
async function bed(): Promise<Bed> {
  const made = new Bed();
  const writer = await made.writer();
  await made.tell(writer, PERSON);
  await made.tell(writer, FIRM);
  await writer.append(made.record(1, [inserted(PERSON, ['1', 'Ann', null]), inserted(FIRM, ['1', 'a\tb'])]));
  await writer.append(made.record(2, [moved(PERSON, '1', ['2', 'Ann', undefined]), deleted(FIRM, '1')], 3));
  await writer.append(made.record(3, [truncated(FIRM)]));
  return made;
}

test('records with their facts, and their rows by column', async () => {
  const made = await bed();
  const lines: unknown[] = [];
  for await (const record of made.list({ from: 3 })) {
    const { header, offset, parts, tables } = record;
    const rows: unknown[] = [];
    for await (const { table, op, before, after } of record.changes()) rows.push([table.table, op, before, after]);
    lines.push([header.seq, header.pos, header.txId, offset, parts, tables, rows]);
  }
  expect(lines).toEqual([
    [
      3,
      positionAt(1),
      '1',
      3,
      1,
      ['crm.person', 'crm.firm'],
      [
        ['person', 'c', null, { id: '1', name: 'Ann', note: null }],
        ['firm', 'c', null, { id: '1', name: 'a\tb' }],
      ],
    ],
    [
      4,
      positionAt(2),
      '2',
      4,
      3,
      ['crm.person', 'crm.firm'],
      [
        ['person', 'u', { id: '1', name: undefined, note: undefined }, { id: '2', name: 'Ann', note: undefined }],
        ['firm', 'd', { id: '1', name: undefined }, null],
      ],
    ],
    [5, positionAt(3), '3', 7, 1, ['crm.firm'], [['firm', 't', null, null]]],
  ]);
});

test('only of a kind, only of a table, whose rows alone are given', async () => {
  const made = await bed();
  expect(await made.seqs({ kind: 'schema' })).toEqual([1, 2]);
  expect(await made.seqs({ table: 'crm.person' })).toEqual([1, 3, 4]);
  const ops: string[] = [];
  for await (const record of made.list({ table: 'crm.firm' })) for await (const { op } of record.changes()) ops.push(op);
  expect(ops).toEqual(['c', 'd', 't']);
});

test('begins at the fence that lies before the sequence, not at the beginning', async () => {
  const made = await bed();
  for (const place of [4, 5, 6, 7]) await (await made.writer()).append(made.record(place, [inserted(FIRM, [String(place), null])]));
  // Offsets: fences at 0, 8, 10, 12, 14, each with one record behind it, of number 6 on.
  const places: number[] = [];
  for (const seq of [1, 5, 6, 7, 8, 9]) places.push(await findPlaceBefore(made.store, STREAM, seq, { start: 0, end: 16, signal: NEVER }));
  expect(places).toEqual([0, 0, 8, 10, 12, 14]);
  made.store.from.length = 0;
  expect(await made.seqs({ from: 8 })).toEqual([8, 9]);
  expect(made.store.from).not.toContain(0);
  expect(made.findings).toEqual([]);
});

test('finds a record among many of one writer without reading those before it', async () => {
  const made = await bed();
  const writer = await made.writer();
  for (let place = 4; place < 1000; place++) await writer.append(made.record(place, [inserted(FIRM, [String(place), null])]));
  const last = made.storage.get(STREAM).messages.length - 1;
  const messagesFor = async (seq: number, options: Partial<ListOptions>): Promise<number> => {
    made.store.messages = 0;
    for await (const { header } of made.list({ from: seq, ...options })) {
      expect(header.seq).toBe(seq);
      break;
    }
    return made.store.messages;
  };
  // The end, the fence, as many as there are halves, and few before it.
  for (const seq of [6, 7, 500, 777, 1001]) expect(await messagesFor(seq, { known: last })).toBeLessThan(200);
  expect(await messagesFor(777, {})).toBeGreaterThan(700);
  await (await made.writer()).append(made.record(1000, [inserted(FIRM, ['1000', null])]));
  expect(await messagesFor(777, {})).toBeLessThan(200);
});

test('goes back along any number of fences', async () => {
  const made = await bed();
  for (let place = 4; place < 104; place++) await (await made.writer()).append(made.record(place, [inserted(FIRM, [String(place), null])]));
  const { length: end } = made.storage.get(STREAM).messages;
  expect(await findPlaceBefore(made.store, STREAM, 8, { start: 0, end, signal: NEVER })).toBe(12);
});

test('from any sequence on a list holds the same as the whole list from there, whatever writers have left', async () => {
  const counts = { lists: 0, nearer: 0, late: 0, unfinished: 0 };
  const step = fc.record({
    what: fc.constantFrom('record', 'record', 'record', 'parts', 'fence', 'late', 'unfinished'),
    parts: fc.integer({ min: 2, max: 5 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 120 }), async (steps) => {
      const made = await bed();
      let [writer, fenced] = [await made.writer(), await made.writer()];
      [writer, fenced] = [fenced, writer];
      for (const [index, { what, parts }] of steps.entries()) {
        const record = (count: number): RecordPart[] => made.record(index + 4, [inserted(FIRM, [String(index), null])], count);
        if (what === 'record') await writer.append(record(1));
        else if (what === 'parts') await writer.append(record(parts));
        else if (what === 'fence') [fenced, writer] = [writer, await made.writer()];
        else if (what === 'late') {
          counts.late++;
          await fenced.append(record(parts)).catch(() => undefined);
        } else {
          counts.unfinished++;
          await writer.append(record(parts).slice(0, -1));
          [fenced, writer] = [writer, await made.writer()];
        }
      }
      const all: number[] = [];
      const counted: number[] = [];
      for await (const { header, offset } of made.list()) {
        all.push(header.seq);
        counted.push(offset);
      }
      const { messages } = made.storage.get(STREAM);
      for (const seq of all) {
        const due = all.filter((one) => one >= seq);
        const known = counted.at(-1) as number;
        expect([await made.seqs({ from: seq }), await made.seqs({ from: seq, known })]).toEqual([due, due]);
        const place = await findPlaceBefore(made.store, STREAM, seq, { start: 0, end: messages.length, known, signal: NEVER });
        if (messages[place] !== undefined && decodeMessage(messages[place].bytes, place).header.kind !== 'fence') counts.nearer++;
        counts.lists++;
      }
      expect(made.findings).toEqual([]);
    }),
    { numRuns: 120, seed: 11 },
  );
  console.log(`seed 11; lists: ${JSON.stringify(counts)}`);
  expect(Object.values(counts).every((count) => count > 50)).toBe(true);
}, 60_000);

test('no fence that can be read: from the beginning', async () => {
  const made = await bed();
  await (await made.writer()).append(made.record(4, [inserted(FIRM, ['4', null])]));
  const fence = made.storage.get(STREAM).messages[8]?.bytes as Buffer;
  fence[4] = (fence[4] as number) ^ 1;
  expect(await made.seqs({ from: 6 })).toEqual([6]);
  expect(made.findings.map(({ code, offset }) => [code, offset])).toEqual([['LOG_CORRUPT', 8]]);
});

test('what a fenced writer and an unfinished record left is not listed, nor mixed into the rows', async () => {
  const made = await bed();
  const fenced = await made.writer();
  const writer = await made.writer();
  const parts = made.record(5, [inserted(FIRM, ['5', 'five'], ['6', 'six'])], 2);
  await writer.append(parts.slice(0, 1));
  await expect(fenced.append(made.record(5, [inserted(FIRM, ['9', 'late'])], 2))).rejects.toMatchObject({ code: 'FENCED' });
  await writer.append(parts.slice(1)).catch(() => undefined);
  const names: unknown[] = [];
  for await (const record of made.list({ from: 6 })) for await (const { after } of record.changes()) names.push(after?.['name']);
  expect(names).toEqual(['five', 'six']);
  expect(made.findings).toEqual([]);
});

test('waits at the end for more, until it is told to stop', async () => {
  const made = await bed();
  const stop = new AbortController();
  const seen: number[] = [];
  for await (const { header } of made.list({ from: 5, follow: true, signal: stop.signal })) {
    seen.push(header.seq);
    if (header.seq === 5) await (await made.writer()).append(made.record(4, [inserted(FIRM, ['4', null])]));
    else stop.abort();
  }
  expect(seen).toEqual([5, 6]);
});
