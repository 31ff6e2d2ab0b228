import { RandomIdSource } from '@changeover/core';
import {
  ALLOCATED_TABLE,
  encodeFrameHeader,
  encodeJsonBody,
  formatRows,
  parseRows,
  SequencedLog,
  type LogWriter,
  type RecordPart,
  type RecordRef,
  type TargetSnapshot,
} from '@changeover/events';
import { InMemoryMessageStore, inserted, MemoryStorage, positionAt, textTable } from '@changeover/testing';

import { learnNumbers } from './told-numbers.js';

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

  async function told(...numbers: readonly string[]): Promise<RecordRef> {
    return (await writer.append([part(true, ...numbers)])).at(-1) as RecordRef;
  }

  /** Up to this record, from a target that holds one number. */
  async function learned({ seq }: RecordRef): Promise<readonly unknown[]> {
    const rows: unknown[] = [];
    const derivation = {
      number: (lines: Buffer) => Promise.resolve(void rows.push(...parseRows(lines))),
      forgetNumbers: () => Promise.resolve(void rows.splice(0)),
    };
    const target = {
      progress: { writes: { seq } },
      rows: async function* () {
        yield await Promise.resolve(formatRows([AT_TARGET]));
      },
    } as unknown as TargetSnapshot;
    const counted: number[] = [];
    const onRows = (count: number): void => void counted.push(count);
    const by = await learnNumbers(derivation, { log, writes: WRITES, target, onRows }, new AbortController().signal);
    expect(counted.at(-1)).toBe(rows.length);
    expect(by).toBe(JSON.stringify(rows[0]) === JSON.stringify(AT_TARGET) ? 'target' : 'log');
    return rows;
  }

  beforeAll(async () => {
    writer = await log.openWriter(WRITES, { writerId: 'transform', create: true });
    const tell = async (table: typeof PERSON): Promise<RecordRef> => {
      const body = encodeJsonBody('schema', { table, previous: null });
      return (await writer.append([{ kind: 'schema', body, last: true }])).at(-1) as RecordRef;
    };
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

  it('are what the target holds where the log has lost its beginning', async () => {
    storage.truncate(WRITES, second.at);
    expect(await learned(second)).toEqual([AT_TARGET]);
  });
});
