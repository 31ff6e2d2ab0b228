import { ChangeoverError, RandomIdSource, type Position } from '@changeover/core';
import {
  decodeMessage,
  encodeMessage,
  SequencedLog,
  type EventLog,
  type LogEntry,
  type LogWriter,
  type MessageStore,
  type ReadPosition,
  type RecordPart,
  type StreamName,
} from '@changeover/events';

import { GatedStore } from '../gated-store.js';
import { codeOf } from './change-source.contract.js';

export type EventLogBed = AsyncDisposable & {
  /** Before the names of streams, where others use the same store. */
  readonly prefix?: string;
  /** A client of its own on the same store, as another process has. */
  client(): Promise<MessageStore>;
  /** Deletes the stream and makes an empty one of the same name. */
  recreate(stream: StreamName): Promise<void>;
  /** Deletes the messages below the offset, as retention does. */
  truncateBefore(stream: StreamName, offset: number): Promise<void>;
};

const at = (position: number): Position => String(position).padStart(4, '0') as Position;

function record(position: number, text = `t${String(position)}`): RecordPart {
  return { kind: 'transaction', body: [Buffer.from(text)], last: true, facts: { pos: at(position) } };
}

function openPart(text: string): RecordPart {
  return { kind: 'transaction', body: [Buffer.from(text)], last: false };
}

/** The whole records that a reader sees, up to the record of sequence `seq`. */
async function readThrough(
  log: EventLog,
  stream: StreamName,
  seq: number,
  from: ReadPosition | null = null,
): Promise<{ readonly texts: string[]; readonly last: ReadPosition }> {
  const abort = new AbortController();
  const texts: string[] = [];
  let text = '';
  for await (const batch of log.read(stream, from, abort.signal)) {
    for (const item of batch) {
      if (item.type === 'abandoned') {
        text = '';
        continue;
      }
      const { header, body } = item.entry;
      if (header.part === 1) text = '';
      text += body.toString();
      if (!header.last) continue;
      texts.push(text);
      if (header.seq >= seq) {
        abort.abort();
        return { texts, last: positionOf(item.entry) };
      }
    }
  }
  throw new ChangeoverError('INTERNAL', 'the read ended before its record');
}

function positionOf({ header, checksum, at: offset }: LogEntry): ReadPosition {
  return { logId: header.logId, epoch: header.epoch, seq: header.seq, pos: header.pos ?? header.follows, checksum, at: offset };
}

/** The rules of the event log, over a store: every adapter runs them. */
export function eventLogContract(name: string, open: () => Promise<EventLogBed>): void {
  describe(`event log on ${name}`, () => {
    let bed: EventLogBed;
    let streams = 0;
    let stream: StreamName;

    beforeAll(async () => {
      bed = await open();
    }, 120_000);
    afterAll(() => bed[Symbol.asyncDispose]());
    beforeEach(() => {
      stream = `${bed.prefix ?? ''}contract${String(++streams)}.changes`;
    });

    const logOver = (store: MessageStore): SequencedLog => new SequencedLog(store, new RandomIdSource());
    async function process(): Promise<{ readonly log: EventLog; readonly store: GatedStore }> {
      const store = new GatedStore(await bed.client());
      return { log: logOver(store), store };
    }
    const writerOf = (log: EventLog, writerId: string): Promise<LogWriter> => log.openWriter(stream, { writerId, create: true });

    it('gives what was appended, in order, and goes on behind any record', async () => {
      const { log } = await process();
      const writer = await writerOf(log, 'a');
      expect(writer.tail.seq).toBe(0);
      const refs = await writer.append([record(1), record(2)]);
      await writer.append([record(3)]);
      expect(refs.map((ref) => ref.seq)).toEqual([1, 2]);
      const all = await readThrough(log, stream, 3);
      expect(all.texts).toEqual(['t1', 't2', 't3']);
      const first = await readThrough(log, stream, 1);
      expect((await readThrough(log, stream, 3, first.last)).texts).toEqual(['t2', 't3']);
      expect((await log.fetch(stream, refs[1] as { seq: number; at: number })).body.toString()).toBe('t2');
      expect((await log.head(stream)).seq).toBe(3);
    });

    it('a new writer finds the tail and goes on behind it', async () => {
      const { log } = await process();
      await (await writerOf(log, 'a')).append([record(1), record(2)]);
      const again = await writerOf((await process()).log, 'b');
      expect(again.tail).toMatchObject({ seq: 2, pos: at(2), epoch: 1 });
      await again.append([record(3)]);
      // Fences without records in between: the tail is further back.
      await writerOf((await process()).log, 'c');
      expect((await writerOf((await process()).log, 'd')).tail).toMatchObject({ seq: 3, pos: at(3), epoch: 2 });
      expect((await readThrough(log, stream, 3)).texts).toEqual(['t1', 't2', 't3']);
    });

    it('cuts a large record into parts and gives it back whole, and forgets an abandoned one', async () => {
      const { log } = await process();
      const writer = await writerOf(log, 'a');
      const large = 'x'.repeat(1_500_000);
      await writer.append([openPart('given up')]);
      writer.abandon();
      await writer.append([openPart('begin '), record(1, large)]);
      await writer.append([openPart('never finished')]);
      const next = await writerOf((await process()).log, 'b');
      expect(next.tail.seq).toBe(1);
      await next.append([record(2)]);
      expect((await readThrough(log, stream, 2)).texts).toEqual([`begin ${large}`, 't2']);
    });

    /**
     * The late batch: a writer's append is on its way while another fences. Where it lands decides, and the log says the
     * same to everybody: its writer, the next writer, and every reader.
     */
    it.each(['before the fence', 'between fence and first record', 'behind records of the new writer'] as const)(
      'a late batch that lands %s',
      async (place) => {
        const one = await process();
        const two = await process();
        const a = await writerOf(one.log, 'a');
        await a.append([record(1)]);
        one.store.close();
        const late = codeOf(a.append([record(2, 'late'), record(3, 'later')]));
        await one.store.arrival();
        const land = async (): Promise<string> => {
          one.store.open();
          return late;
        };
        let outcome = place === 'before the fence' ? await land() : null;
        const b = await writerOf(two.log, 'b');
        outcome ??= place === 'between fence and first record' ? await land() : null;
        const base = b.tail.seq;
        await b.append([record(base + 1, 'b1')]);
        outcome ??= await land();
        await b.append([record(base + 2, 'b2')]);
        const counted = place === 'before the fence';
        expect(outcome).toBe(counted ? 'no error' : 'FENCED');
        expect(base).toBe(counted ? 3 : 1);
        const expected = counted ? ['t1', 'late', 'later', 'b1', 'b2'] : ['t1', 'b1', 'b2'];
        expect((await readThrough((await process()).log, stream, base + 2)).texts).toEqual(expected);
        // A paused writer that wakes up again later is fenced by itself, whatever it had planned.
        if (counted) expect(await codeOf(a.append([record(9, 'zombie')]))).toBe('FENCED');
        const c = await writerOf((await process()).log, 'c');
        expect(c.tail.seq).toBe(base + 2);
      },
    );

    it('of two writers that fence at the same moment one counts, and the other knows', async () => {
      const one = await process();
      const two = await process();
      await (await writerOf((await process()).log, 'x')).append([record(1)]);
      one.store.close();
      const a = codeOf(writerOf(one.log, 'a'));
      await one.store.arrival();
      const b = await writerOf(two.log, 'b');
      await b.append([record(2, 'b')]);
      one.store.open();
      expect(await a).toBe('FENCED');
      await b.append([record(3, 'b again')]);
      expect((await readThrough(two.log, stream, 3)).texts).toEqual(['t1', 'b', 'b again']);
    });

    it('stops with LOG_MISSING, LOG_RECREATED or LOG_TRUNCATED where the stream is not the one that was read', async () => {
      const { log } = await process();
      const missing = log.openWriter(`${stream}.none`, { writerId: 'a', create: false });
      expect(await codeOf(missing)).toBe('LOG_MISSING');
      const writer = await writerOf(log, 'a');
      await writer.append([record(1), record(2), record(3)]);
      const { last } = await readThrough(log, stream, 2);
      await bed.recreate(stream);
      const fresh = await process();
      // Empty: it ends before what we have read.
      expect(await codeOf(readThrough(fresh.log, stream, 3, last))).toBe('LOG_TRUNCATED');
      const other = await writerOf(fresh.log, 'b');
      await other.append([record(1), record(2), record(3), record(4)]);
      expect(await codeOf(readThrough(fresh.log, stream, 4, last))).toBe('LOG_RECREATED');
    });

    it('stops with LOG_TRUNCATED where the beginning is gone, and goes on where only what was read is', async () => {
      const { log } = await process();
      const writer = await writerOf(log, 'a');
      const refs: { seq: number; at: number }[] = [];
      for (let position = 1; position <= 4; position++) refs.push(...(await writer.append([record(position)])));
      const { last } = await readThrough(log, stream, 1);
      await bed.truncateBefore(stream, (refs[2] as { at: number }).at);
      const fresh = await process();
      expect(await codeOf(readThrough(fresh.log, stream, 4))).toBe('LOG_TRUNCATED');
      expect(await codeOf(readThrough(fresh.log, stream, 4, last))).toBe('LOG_TRUNCATED');
      const third: ReadPosition = {
        ...writer.tail,
        seq: 3,
        pos: at(3),
        ...(await positionAt(fresh.log, refs[2] as { seq: number; at: number })),
      };
      expect((await readThrough(fresh.log, stream, 4, third)).texts).toEqual(['t4']);
    });

    async function positionAt(
      log: EventLog,
      ref: { seq: number; at: number },
    ): Promise<{ readonly checksum: string; readonly at: number }> {
      const { checksum, at: offset } = await log.fetch(stream, ref);
      return { checksum, at: offset };
    }

    it('stops with LOG_GAP where one record, or one part, is missing from the middle', async () => {
      const { log } = await process();
      const writer = await writerOf(log, 'a');
      const refs = await writer.append([record(1), record(2), record(3)]);
      await writer.append([openPart('one '), openPart('two '), record(4, 'three')]);
      const fourth = writer.tail.at;
      for (const removed of [(refs[1] as { at: number }).at, fourth - 1]) {
        const damaged = await process();
        damaged.store.removed.add(removed);
        expect(await codeOf(readThrough(damaged.log, stream, 4))).toBe('LOG_GAP');
      }
      expect((await readThrough(log, stream, 4)).texts).toEqual(['t1', 't2', 't3', 'one two three']);
    });

    it('stops with LOG_GAP where a record, or a part, is not the one that the next was written behind', async () => {
      const { log } = await process();
      const writer = await writerOf(log, 'a');
      const refs = await writer.append([record(1), record(2), record(3)]);
      await writer.append([openPart('one '), record(4, 'two')]);
      const fourth = writer.tail.at;
      for (const offset of [(refs[1] as { at: number }).at, fourth - 1]) {
        const damaged = await process();
        // Whole and well made, of the right number and epoch: only the chain can tell.
        damaged.store.exchange = (message) => {
          if (message.offset !== offset) return message;
          const { header } = decodeMessage(message.bytes, message.offset);
          return { offset, bytes: encodeMessage(header, [Buffer.from('forged')]).bytes };
        };
        expect(await codeOf(readThrough(damaged.log, stream, 4))).toBe('LOG_GAP');
      }
    });

    it('stops with LOG_CORRUPT where a byte is another', async () => {
      const { log } = await process();
      const writer = await writerOf(log, 'a');
      await writer.append([record(1), record(2)]);
      const damaged = await process();
      damaged.store.exchange = (message) => {
        if (message.offset !== writer.tail.at) return message;
        const bytes = Buffer.from(message.bytes);
        bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1;
        return { offset: message.offset, bytes };
      };
      expect(await codeOf(readThrough(damaged.log, stream, 2))).toBe('LOG_CORRUPT');
    });
  });
}
