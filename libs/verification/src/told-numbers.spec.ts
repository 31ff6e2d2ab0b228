import { RandomIdSource } from '@changeover/core';
import {
  ALLOCATED_TABLE,
  encodeFrameHeader,
  encodeJsonBody,
  formatRows,
  parseRows,
  SequencedLog,
  type EventLog,
  readPositionOf,
  type LogWriter,
  type NumbersTold,
  type RecordPart,
  type RecordRef,
  type TargetSnapshot,
} from '@changeover/events';
import { InMemoryMessageStore, inserted, MemoryStorage, positionAt, textTable } from '@changeover/testing';

import { learnNumbers, type LearnedNumbers } from './told-numbers.js';

const WRITES = 'm.writes';
const PERSON = textTable('app.person', ['id', 'number']);
const AT_TARGET = ['m', 'person', '1000', 'another'];

describe('numbers that texts have', () => {
  const storage = new MemoryStorage();
  const log = new SequencedLog(new InMemoryMessageStore(storage), new RandomIdSource());
  let writer: LogWriter;
  let forms: readonly RecordRef[];
  /** Where the second number was told. */
  let second: RecordRef;

  function part(last: boolean, ...numbers: readonly string[]): RecordPart {
    const events = [
      inserted(PERSON, ...numbers.map((number) => [`of ${number}`, number])),
      inserted(ALLOCATED_TABLE, ...numbers.map((number) => ['m', 'person', number, `of ${number}`])),
    ];
    const body = events.flatMap((event, index) => [
      encodeFrameHeader({ ...event, schemaSeq: (forms[index] as RecordRef).seq }, event.rows.length),
      event.rows,
    ]);
    return { kind: 'transaction', body, last, facts: { schemas: forms, ...(last && { pos: positionAt(Number(numbers[0])), rows: 2 }) } };
  }

  async function tell(table: typeof PERSON): Promise<RecordRef> {
    const body = encodeJsonBody('schema', { table, previous: null });
    return (await writer.append([{ kind: 'schema', body, last: true }])).at(-1) as RecordRef;
  }

  async function told(...numbers: readonly string[]): Promise<RecordRef> {
    return (await writer.append([part(true, ...numbers)])).at(-1) as RecordRef;
  }

  type Learned = Pick<LearnedNumbers, 'by' | 'differs'> & {
    readonly rows: readonly unknown[];
    readonly known: NumbersTold | null;
    readonly read: readonly number[];
  };

  /** Up to this record, from a target that holds `found`; `known`: by a verification before. `read`: the records that were looked through. */
  async function learn(at: RecordRef, found: readonly (readonly string[])[], known: NumbersTold | null = null): Promise<Learned> {
    const rows: unknown[] = [];
    const derivation = {
      number: (lines: Buffer) => Promise.resolve(void rows.push(...parseRows(lines))),
      forgetNumbers: () => Promise.resolve(void rows.splice(0)),
    };
    const snapshot = {
      progress: { writes: at },
      rows: async function* () {
        yield await Promise.resolve(formatRows(found));
      },
      asCompared: (_table: unknown, lines: Buffer) => Promise.resolve(lines),
    } as unknown as TargetSnapshot;
    const counted: number[] = [];
    const read: number[] = [];
    const reading = async function* (...args: Parameters<typeof log.read>): ReturnType<typeof log.read> {
      for await (const items of log.read(...args)) {
        for (const item of items) if (item.type === 'entry') read.push(item.entry.header.seq);
        yield items;
      }
    };
    const { by, numbers, differs } = await learnNumbers(
      derivation,
      {
        log: { read: reading, fetch: (stream, ref) => log.fetch(stream, ref) } as EventLog,
        writes: WRITES,
        target: { numbersTold: () => Promise.resolve(known) },
        snapshot,
        onRows: (count) => void counted.push(count),
      },
      new AbortController().signal,
    );
    expect(counted.at(-1)).toBe(rows.length);
    return { by, differs, rows, read, known: numbers && { writes: readPositionOf(await log.fetch(WRITES, at)), numbers } };
  }

  /** Up to this record, from a target that holds another number. */
  async function learned(at: RecordRef): Promise<readonly unknown[]> {
    const { by, rows, known } = await learn(at, [AT_TARGET]);
    expect([by, known?.numbers.content?.rows]).toEqual(
      JSON.stringify(rows[0]) === JSON.stringify(AT_TARGET) ? ['target', undefined] : ['log', rows.length],
    );
    return rows;
  }

  const rowsOf = (...numbers: readonly string[]): readonly (readonly string[])[] =>
    numbers.map((number) => ['m', 'person', number, `of ${number}`]);

  beforeAll(async () => {
    writer = await log.openWriter(WRITES, { writerId: 'transform', create: true });
    forms = [await tell(PERSON), await tell(ALLOCATED_TABLE)];
    await told('1000', '1001');
    second = await told('1002');
    await told('1003');
  });

  it('are what the records told up to where the target is', async () => {
    expect(await learned(second)).toEqual(['1000', '1001', '1002'].map((number) => ['m', 'person', number, `of ${number}`]));
  });

  it('are not those of a record that was given up, and derived again behind another one', async () => {
    await writer.append([part(false, '1004', '1005')]);
    writer = await log.openWriter(WRITES, { writerId: 'transform', create: false });
    await told('1004');
    const last = await told('1006');
    expect(await learned(last)).toEqual(
      ['1000', '1001', '1002', '1003', '1004', '1006'].map((number) => ['m', 'person', number, `of ${number}`]),
    );
  });

  it('are those of the target where these come to what is known of a place before, and what was told since: then no more is read', async () => {
    const { known } = await learn(second, []);
    const [last, all] = [await told('1007'), rowsOf('1000', '1001', '1002', '1003', '1004', '1006', '1007')];
    const proven = await learn(last, all, known);
    expect([proven.by, proven.rows, proven.known?.numbers.content?.rows]).toEqual(['log', all, 7]);
    expect(Math.min(...proven.read)).toBeGreaterThan(second.seq);
    // What is known there leads on.
    const later = await told('1008');
    const again = await learn(later, [...all, ...rowsOf('1008')], proven.known);
    expect(Math.min(...again.read)).toBe(later.seq);
    expect([again.by, again.known]).toEqual(['log', (await learn(later, [])).known]);
    const given = known as NumbersTold;
    for (const altered of [
      null,
      {},
      { form: {} },
      { ...given.numbers, content: {} },
      { ...given.numbers, content: { rows: 1, sum: 'no' } },
    ])
      expect(await learn(last, all, { ...given, numbers: altered as never })).toMatchObject({ by: 'log', rows: all });
    for (const altered of [null, {}, [1], { ...given.writes, seq: 'abc' }, { ...given.writes, checksum: '00' }])
      expect(await learn(last, all, { ...given, writes: altered as never })).toMatchObject({ by: 'log', rows: all });
    for (const wrong of [all.slice(1), [...all, ...rowsOf('9')], [...all.slice(1), ['m', 'person', '1000', 'of another']]]) {
      const { by, rows, read } = await learn(last, wrong, known);
      expect([by, rows]).toEqual(['log', all]);
      expect(Math.min(...read)).toBeLessThan(second.seq);
    }
  });

  it('are what the target holds where the log has lost its beginning', async () => {
    const [{ known }, last] = [await learn(second, []), await told('1009')];
    storage.truncate(WRITES, (forms[1] as RecordRef).at + 1);
    // The forms are told again, as by who has lost its state.
    forms = [await tell(PERSON), await tell(ALLOCATED_TABLE)];
    const all = rowsOf('1000', '1001', '1002');
    expect(await learned(second)).toEqual([AT_TARGET]);
    expect(await learn(second, all, known)).toMatchObject({ by: 'log', differs: false, rows: all });
    // That these are not what was told is known all the same.
    expect(await learn(second, [AT_TARGET], known)).toMatchObject({ by: 'target', differs: true, rows: [AT_TARGET], known: null });
    expect(await learn(last, [AT_TARGET], known)).toMatchObject({ by: 'target', differs: false, rows: [AT_TARGET], known: null });
  });
});
