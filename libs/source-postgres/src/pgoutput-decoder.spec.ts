import type { Position } from '@changeover/core';
import { parseRows, type SourceEvent, type TableSchema } from '@changeover/events';
import fc from 'fast-check';

import { PgoutputDecoder, type MissingForm } from './pgoutput-decoder.js';

/** Messages as PostgreSQL writes them, so that a test can also write them wrong. */
const u8 = (n: number): Buffer => Buffer.from([n]);
const u16 = (n: number): Buffer => Buffer.from([n >> 8, n & 255]);
const u32 = (n: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(n);
  return bytes;
};
const u64 = (n: number): Buffer => Buffer.concat([u32(0), u32(n)]);
const string = (text: string): Buffer => Buffer.from(`${text}\0`);
const letter = (text: string): Buffer => Buffer.from(text);
const value = (text: string | null | undefined): Buffer =>
  text === null
    ? letter('n')
    : text === undefined
      ? letter('u')
      : Buffer.concat([letter('t'), u32(Buffer.byteLength(text)), Buffer.from(text)]);
const tuple = (values: readonly (string | null | undefined)[]): Buffer => Buffer.concat([u16(values.length), ...values.map(value)]);

const OID = 16_500;
const message = {
  relation: (replicaIdentity = 'd'): Buffer =>
    Buffer.concat([
      letter('R'),
      u32(OID),
      string('public'),
      string('item'),
      letter(replicaIdentity),
      u16(2),
      u8(1),
      string('id'),
      u32(23),
      u32(0xffff_ffff),
      u8(0),
      string('name'),
      u32(25),
      u32(0xffff_ffff),
    ]),
  begin: (commitStart: number): Buffer => Buffer.concat([letter('B'), u64(commitStart), u64(1000), u32(700)]),
  commit: (end: number): Buffer => Buffer.concat([letter('C'), u8(0), u64(end - 1), u64(end), u64(1000)]),
  insert: (...values: (string | null | undefined)[]): Buffer => Buffer.concat([letter('I'), u32(OID), letter('N'), tuple(values)]),
  update: (old: readonly [string, readonly (string | null | undefined)[]] | null, ...values: (string | null | undefined)[]): Buffer =>
    Buffer.concat([letter('U'), u32(OID), ...(old === null ? [] : [letter(old[0]), tuple(old[1])]), letter('N'), tuple(values)]),
  mark: (prefix: string, token: string, transactional = true): Buffer =>
    Buffer.concat([letter('M'), u8(transactional ? 1 : 0), u64(5), string(prefix), u32(Buffer.byteLength(token)), Buffer.from(token)]),
};

const at = (n: number): Position => `00000000/${n.toString(16).toUpperCase().padStart(8, '0')}` as Position;
const FORM: TableSchema = { schema: 'public', table: 'item', columns: [], identity: 'key', hash: 'h' };

/** Decodes the messages, each behind some other bytes as in the stream. Forms are known at once. */
function decode(messages: readonly Buffer[], after = ''): SourceEvent[] {
  const events: SourceEvent[] = [];
  const decoder = new PgoutputDecoder({ after: after as Position, markPrefix: 'ours', emit: (event) => events.push(event) });
  for (const one of messages) {
    const shifted = Buffer.concat([Buffer.from('header'), one]);
    const missing = decoder.decode(shifted, 6);
    if (missing === undefined) continue;
    decoder.provide(missing.relation, FORM);
    expect(decoder.decode(shifted, 6)).toBeUndefined();
    // What a message held may be overwritten as soon as it was decoded.
    shifted.fill(0xff);
  }
  return events;
}

describe('the decoder of pgoutput', () => {
  it('gives rows of one kind in one event, and another kind in the next', () => {
    const events = decode([
      message.relation(),
      message.begin(9),
      message.insert('1', 'a'),
      message.insert('2', null),
      message.update(null, '1', undefined),
      message.commit(10),
    ]);
    expect(
      events.map((event) => (event.type === 'rows' ? [event.op, event.rowCount, event.partial, parseRows(event.rows)] : event.type)),
    ).toEqual([
      'begin',
      [
        'c',
        2,
        false,
        [
          ['1', 'a'],
          ['2', null],
        ],
      ],
      ['u', 1, true, [['1', undefined]]],
      'commit',
    ]);
    expect(events[0]).toEqual({ type: 'begin', txId: '700', ts_ms: 946_684_800_001 });
  });

  it('gives back every value that was sent', () => {
    const field = fc.option(fc.string({ unit: 'binary' }).map((text) => text.toWellFormed()));
    fc.assert(
      fc.property(fc.array(fc.tuple(field, field), { minLength: 1, maxLength: 20 }), (rows) => {
        const events = decode([message.relation(), message.begin(9), ...rows.map((row) => message.insert(...row)), message.commit(10)]);
        expect(events.flatMap((event) => (event.type === 'rows' ? parseRows(event.rows) : []))).toEqual(rows);
      }),
    );
  });

  it('takes what a new row leaves out from the whole old one', () => {
    const events = decode([
      message.relation('f'),
      message.begin(9),
      message.update(['O', ['1', 'large']], '2', undefined),
      message.update(['O', ['1', null]], '2', undefined),
      message.commit(10),
    ]);
    const rows = events.find((event) => event.type === 'rows');
    expect(rows?.partial).toBe(false);
    expect(parseRows(rows?.rows ?? Buffer.alloc(0))).toEqual([
      ['1', 'large'],
      ['2', 'large'],
      ['1', null],
      ['2', null],
    ]);
  });

  it('closes an event at 64 kB and lets one larger row through whole', () => {
    const large = 'x'.repeat(300_000);
    const small = 'y'.repeat(1000);
    const events = decode([
      message.relation(),
      message.begin(9),
      ...Array.from({ length: 200 }, () => message.insert('1', small)),
      message.insert('2', large),
      message.commit(10),
    ]);
    const sizes = events.flatMap((event) => (event.type === 'rows' ? [event.rows.length] : []));
    expect(sizes.slice(0, -1).every((size) => size >= 65_536 && size < 67_000)).toBe(true);
    expect(sizes.at(-1)).toBeGreaterThan(300_000);
    expect(events.reduce((sum, event) => sum + (event.type === 'rows' ? event.rowCount : 0), 0)).toBe(201);
  });

  it('drops whole transactions that end at or before where it goes on from', () => {
    const transaction = (end: number): Buffer[] => [
      message.begin(end - 1),
      message.insert(String(end), null),
      message.mark('ours', 't'),
      message.commit(end),
    ];
    const events = decode([message.relation(), ...transaction(10), ...transaction(20), ...transaction(30)], at(20));
    expect(events.flatMap((event) => ('position' in event ? [[event.type, event.position]] : []))).toEqual([
      ['commit', at(30)],
      ['mark', at(30)],
    ]);
  });

  it('shows an empty transaction as a keepalive, our mark alone as a mark, and others not at all', () => {
    const events = decode([
      ...[message.begin(9), message.commit(10)],
      ...[message.begin(19), message.mark('ours', 'token'), message.commit(20)],
      ...[message.begin(29), message.mark('theirs', 'x'), message.commit(30)],
      message.mark('ours', 'not in a transaction', false),
    ]);
    expect(events).toEqual([
      { type: 'keepalive', position: at(10) },
      { type: 'mark', token: 'token', position: at(20), ts_ms: 946_684_800_001 },
      { type: 'keepalive', position: at(30) },
    ]);
  });

  it('says nothing of a keepalive inside a transaction, or of one that is not new', () => {
    const events: SourceEvent[] = [];
    const decoder = new PgoutputDecoder({ after: at(5), markPrefix: 'ours', emit: (event) => events.push(event) });
    decoder.keepalive(at(5));
    decoder.decode(message.begin(9), 0);
    decoder.keepalive(at(8));
    decoder.decode(message.commit(10), 0);
    decoder.keepalive(at(10));
    decoder.keepalive(at(12));
    expect(events).toEqual([
      { type: 'keepalive', position: at(10) },
      { type: 'keepalive', position: at(12) },
    ]);
  });

  it('asks for the form of a table once for every announcement, and takes nothing meanwhile', () => {
    const events: SourceEvent[] = [];
    const decoder = new PgoutputDecoder({ after: '' as Position, markPrefix: 'ours', emit: (event) => events.push(event) });
    decoder.decode(message.relation(), 0);
    decoder.decode(message.begin(9), 0);
    const { relation, txId } = decoder.decode(message.insert('1', 'a'), 0) as MissingForm;
    expect(relation).toMatchObject({ oid: OID, schema: 'public', table: 'item', replicaIdentity: 'd' });
    expect(txId).toBe('700');
    expect(events).toEqual([]);
    decoder.decode(message.relation(), 0);
    decoder.provide(relation, FORM);
    expect(decoder.decode(message.insert('1', 'a'), 0)?.relation).not.toBe(relation);
  });

  it.each([
    ['a message of a kind it does not know', [letter('S')]],
    ['an empty message', [Buffer.alloc(0)]],
    ['a row of a relation that was not announced', [message.begin(9), message.insert('1', 'a')]],
    ['a row outside a transaction', [message.relation(), message.insert('1', 'a')]],
    ['a row with too few columns', [message.relation(), message.begin(9), message.insert('1')]],
    ['a row that ends too early', [message.relation(), message.begin(9), message.insert('1', 'abc').subarray(0, -1)]],
    ['a row with something behind it', [message.relation(), message.begin(9), Buffer.concat([message.insert('1', 'a'), u8(0)])]],
    [
      'a binary value',
      [
        message.relation(),
        message.begin(9),
        Buffer.concat([letter('I'), u32(OID), letter('N'), u16(2), letter('b'), u32(1), u8(1), letter('n')]),
      ],
    ],
    ['an inserted value that is said to be unchanged', [message.relation(), message.begin(9), message.insert('1', undefined)]],
    ['a whole old row with a value left out', [message.relation(), message.begin(9), message.update(['O', ['1', undefined]], '1', 'a')]],
    ['a transaction inside another', [message.begin(9), message.begin(10)]],
    ['a commit before the one it follows', [message.begin(9), message.commit(10), message.begin(5), message.commit(6)]],
    ['an announcement that ends too early', [message.relation().subarray(0, 20)]],
    ['a begin that ends too early', [message.begin(9).subarray(0, 12)]],
  ])('refuses %s with SOURCE_DATA', (_, messages) => {
    expect(() => decode(messages)).toThrow(expect.objectContaining({ code: 'SOURCE_DATA' }) as Error);
  });
});
