import type { Position } from '@changeover/core';
import { formatRows, tableSchemaHash, type SourceEvent, type TableSchema } from '@changeover/events';
import fc from 'fast-check';

import { Mirror } from '../test/mirror.js';
import { ChunkMerge } from './chunk-merge.js';
import type { ReadChunk } from './chunk-reader.js';
import { Visibility } from './visibility.js';

const column = (name: string, key: boolean) => ({ name, type: 'text', typeOid: 25, typmod: -1, notNull: key, key, fill: 'none' }) as const;
const FORM = form([column('id', true), column('n', false), column('big', false)]);
const OTHER_FORM = form([column('id', true), column('n', false), column('big', false), column('new', false)]);

function form(columns: TableSchema['columns']): TableSchema {
  const table = { schema: 'public', table: 'item', columns, identity: 'key' } as const;
  return { ...table, hash: tableSchemaHash(table) };
}

type Row = readonly [id: string, n: string, big: string];
type Op =
  | { readonly op: 'c'; readonly row: Row }
  | { readonly op: 'u'; readonly from: string; readonly row: Row; readonly bigToo: boolean }
  | { readonly op: 'd'; readonly id: string }
  | { readonly op: 't' };
type Transaction = { readonly txId: number; readonly ops: readonly Op[] };

const at = (n: number): Position => `00000000/${n.toString(16).toUpperCase().padStart(8, '0')}` as Position;

function rowsEvent(op: Op, table = FORM): SourceEvent {
  const event = { type: 'rows', table, rowCount: 1 } as const;
  switch (op.op) {
    case 'c':
      return { ...event, op: 'c', before: 'none', partial: false, rows: formatRows([op.row]) };
    case 'd':
      return { ...event, op: 'd', before: 'key', partial: false, rows: formatRows([[op.id, undefined, undefined]]) };
    case 't':
      return { ...event, op: 't', before: 'none', partial: false, rowCount: 0, rows: Buffer.alloc(0) };
    case 'u': {
      const [id, n, big] = op.row;
      const after = [id, n, op.bigToo ? big : undefined];
      return op.from === id
        ? { ...event, op: 'u', before: 'none', partial: !op.bigToo, rows: formatRows([after]) }
        : { ...event, op: 'u', before: 'key', partial: !op.bigToo, rows: formatRows([[op.from, undefined, undefined], after]) };
    }
  }
}

function applyOps(rows: Map<string, Row>, ops: readonly Op[]): void {
  for (const op of ops) {
    if (op.op === 't') rows.clear();
    else if (op.op === 'c') rows.set(op.row[0], op.row);
    else if (op.op === 'd') rows.delete(op.id);
    else {
      rows.delete(op.from);
      rows.set(op.row[0], op.row);
    }
  }
}

const keysOf = (ops: readonly Op[]): string[] =>
  ops.flatMap((op) => (op.op === 't' ? ['*'] : op.op === 'c' ? [op.row[0]] : op.op === 'd' ? [op.id] : [op.from, op.row[0]]));

/** A source in which commits are logged, and seen by others only later, in another order. */
class Source {
  readonly #below: (below: number) => number;
  readonly log: (Transaction | { readonly mark: string })[] = [];
  readonly #hidden = new Set<Transaction>();
  #nextId = 100;
  #values = 0;

  constructor(below: (below: number) => number, rows: number) {
    this.#below = below;
    const ops = Array.from({ length: rows }, (_, id) => ({ op: 'c', row: this.#row(String(id)) }) as const);
    this.log.push({ txId: this.#nextId++, ops });
  }

  get hidden(): number {
    return this.#hidden.size;
  }

  /** As others see it. */
  get visible(): Map<string, Row> {
    const rows = new Map<string, Row>();
    for (const entry of this.log) if ('ops' in entry && !this.#hidden.has(entry)) applyOps(rows, entry.ops);
    return rows;
  }

  visibility(): Visibility {
    const ids = [...this.#hidden].map(({ txId }) => txId);
    return Visibility.of(`${String(Math.min(this.#nextId, ...ids))}:${String(this.#nextId)}:${ids.join()}`);
  }

  /** Rows that a transaction nobody sees yet has touched are locked by it. */
  commit(): void {
    const rows = this.visible;
    const locked = new Set([...this.#hidden].flatMap(({ ops }) => keysOf(ops)));
    if (locked.has('*')) return;
    const ops: Op[] = [];
    for (let count = this.#below(3) + 1; count > 0; count--) {
      const id = String(this.#below(12));
      const to = String(this.#below(12));
      const choice = this.#below(10);
      if (choice === 0 && this.#below(4) === 0 && locked.size === 0) ops.push({ op: 't' });
      else if (locked.has(id)) continue;
      else if (!rows.has(id)) ops.push({ op: 'c', row: this.#row(id) });
      else if (choice < 2) ops.push({ op: 'd', id });
      else {
        const target = choice < 5 && !rows.has(to) && !locked.has(to) ? to : id;
        const bigToo = this.#below(3) === 0;
        const old = rows.get(id) as Row;
        const [, n, big] = this.#row(target);
        ops.push({ op: 'u', from: id, row: [target, n, bigToo ? big : old[2]], bigToo });
      }
      rows.clear();
      for (const [key, row] of this.visible) rows.set(key, row);
      applyOps(rows, ops);
    }
    if (ops.length === 0) return;
    const transaction = { txId: this.#nextId++, ops };
    this.log.push(transaction);
    if (this.#below(2) === 0) this.#hidden.add(transaction);
  }

  /** Any of them. */
  reveal(): void {
    const all = [...this.#hidden];
    const one = all[this.#below(all.length)];
    if (one !== undefined) this.#hidden.delete(one);
  }

  mark(mark: string): void {
    this.log.push({ mark });
  }

  #row(id: string): Row {
    this.#values++;
    return [id, `n${String(this.#values)}`, `big${String(this.#values)}`];
  }
}

/** Orders keys as the chunk's query does. */
const byKey = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => Number(a) - Number(b);

type Decision = (merge: ChunkMerge, visibility: Visibility) => Visibility;

/** One random schedule, in which a table is copied in chunks while transactions go on; gives how often a chunk had to be read again. */
function copyUnder(schedule: readonly number[], decide: Decision = (_, visibility) => visibility): { again: number; laid: number } {
  let step = 0;
  const below = (bound: number): number => {
    const value = schedule[step++ % schedule.length] as number;
    return Math.floor((((value ^ (step * 0x9e3779b1)) >>> 0) / 2 ** 32) * bound);
  };
  const source = new Source(below, 8);
  const mirror = new Mirror();
  const counts = { again: 0, laid: 0 };
  // What stood in the table before the stream is never streamed.
  let delivered = 1;
  let after: string | null = null;
  let ended = false;
  let emittedRows = 0;
  const merge = new ChunkMerge((event) => {
    mirror.take(event);
    if (event.type === 'chunk') {
      emittedRows += event.rowCount;
      ended = event.last === null;
      after = event.last ?? after;
    }
  }, []);
  const deliver = (): void => {
    const entry = source.log[delivered++];
    if (entry === undefined) {
      delivered--;
      return;
    }
    if ('mark' in entry) merge.pass({ type: 'mark', token: entry.mark, position: at(delivered), ts_ms: 0 });
    else {
      merge.pass({ type: 'begin', txId: String(entry.txId), ts_ms: 0 });
      for (const op of entry.ops) merge.pass(rowsEvent(op));
      merge.pass({ type: 'commit', position: at(delivered) });
    }
  };
  const anything = (): void => {
    for (let count = below(6); count > 0; count--) [() => source.commit(), () => source.reveal(), deliver, deliver][below(4)]?.();
  };
  for (let chunk = 0; !ended || mirror.moved.size > 0; chunk++) {
    const named = mirror.takeMoved();
    for (;;) {
      anything();
      const coming = merge.expect('public.item');
      anything();
      const visible = [...source.visible].sort(byKey);
      const behind = visible.filter(([id]) => after === null || Number(id) > Number(after));
      const rows = behind.slice(0, 3);
      const all = [...rows, ...visible.filter(([id]) => named.includes(id) && !rows.some(([other]) => other === id))].map(([, row]) => row);
      const read: ReadChunk = {
        visibility: decide(merge, source.visibility()),
        form: FORM,
        rows: formatRows(all),
        rowCount: all.length,
        last: behind.length > 3 ? (rows.at(-1)?.[0] ?? null) : null,
      };
      anything();
      const before = emittedRows;
      let hidden = merge.offer(coming, read, `chunk ${String(chunk)}`);
      if (hidden.length === 0) {
        source.mark(`chunk ${String(chunk)}`);
        anything();
        while (delivered < source.log.length) deliver();
        hidden = coming.hidden;
        if (hidden.length === 0 && emittedRows - before !== all.length) counts.laid++;
      }
      if (hidden.length === 0) break;
      counts.again++;
      while (source.hidden > 0 && hidden.some((txId) => !source.visibility().sees(txId))) source.reveal();
    }
  }
  while (source.hidden > 0) source.reveal();
  while (delivered < source.log.length) deliver();
  const expected = Object.fromEntries([...source.visible].sort(byKey));
  expect(Object.fromEntries([...mirror.of('item')].sort(byKey))).toEqual(expected);
  return counts;
}

const schedules = fc.array(fc.integer(), { minLength: 20, maxLength: 60 });

describe('chunks in the stream', () => {
  it('make what the source has, whatever the order in which commits become visible', () => {
    const total = { again: 0, laid: 0 };
    const property = fc.property(schedules, (schedule) => {
      const { again, laid } = copyUnder(schedule);
      total.again += again;
      total.laid += laid;
    });
    fc.assert(property, { numRuns: 1000 });
    expect(total.again).toBeGreaterThan(50);
    expect(total.laid).toBeGreaterThan(50);
  });

  it('lose rows if the decision is by position: what stands before the mark counts as seen', () => {
    const everything = Visibility.of('1000000:1000000:');
    const property = fc.property(schedules, (schedule) => {
      copyUnder(schedule, () => everything);
    });
    expect(() => {
      fc.assert(property, { numRuns: 1000 });
    }).toThrow('Property failed');
  });

  it('are read again if the table was changed in between', () => {
    const emitted: SourceEvent[] = [];
    const merge = new ChunkMerge((event) => emitted.push(event), []);
    const coming = merge.expect('public.item');
    const read = { visibility: Visibility.of('200:200:'), form: FORM, rows: formatRows([['1', 'a', 'b']]), rowCount: 1, last: null };
    expect(merge.offer(coming, read, 'token')).toEqual([]);
    merge.pass({ type: 'begin', txId: '300', ts_ms: 0 });
    merge.pass(rowsEvent({ op: 'c', row: ['2', 'a', 'b'] }, OTHER_FORM));
    merge.pass({ type: 'commit', position: at(1) });
    merge.pass({ type: 'mark', token: 'token', position: at(2), ts_ms: 0 });
    expect(coming.hidden).toEqual(['300']);
    expect(emitted.map(({ type }) => type)).toEqual(['begin', 'rows', 'commit', 'keepalive']);
  });

  it('wait for what earlier holds had given and nobody saw', () => {
    const merge = new ChunkMerge(() => undefined, ['100', '101']);
    merge.settle(Visibility.of('101:200:101'));
    expect(merge.unseen).toEqual(['101']);
    const coming = merge.expect('public.item');
    const read = { visibility: Visibility.of('101:300:101'), form: FORM, rows: Buffer.alloc(0), rowCount: 0, last: null };
    expect(merge.offer(coming, read, 'token')).toEqual(['101']);
  });
});
