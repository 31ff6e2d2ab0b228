import { hash } from 'node:crypto';

import { invariant } from '@changeover/core';

/** What the first byte of a key says. */
const SPACES = {
  /** Source row: table, key → line. */
  mirror: 0x6d, // m
  /** Source rows by columns other than their key: lookup, values ∋ key. */
  lookup: 0x78, // x
  /** Rows that looked these values up: join, values ∋ driving key. */
  dependants: 0x64, // d
  /** What became of a driving row: rule, key → entry. */
  derived: 0x65, // e
  /** Rows that need this one: rule, key ∋ rule and key of the child. */
  children: 0x63, // c
  /** Rows that want these values: unique rule, values ∋ order and key. */
  claims: 0x75, // u
  /** Since when a driving row is held: rule, key → sequence and commit time. */
  heldSince: 0x68, // h
  /** What operators decided about a source row: table's name, line end and key → corrections. By name, as a table may be told later. */
  correction: 0x6f, // o
  /** Numbers that texts were given: the last one of a sequence, and by sequence and text → number. */
  allocated: 0x6e, // n
  /** Kept versions that are to be laid over what is derived, where they were told before that: number → what the list of held rows says of it. */
  keptVersion: 0x6b, // k
  /** Frames of a table without a key, as long as nothing was derived yet: table, sequence and place in the record → frame. */
  queued: 0x71, // q
  /** Rows of a target table, where those of two mappings are held against each other: table and side, key → line. */
  rows: 0x72, // r
  /** What was remembered of a driving row before the record in hand, where that takes several rounds: rule, key → since when it was held, and its entry. Gone at the record's end. */
  before: 0x62, // b
  /** Who has them: unique rule, values → key. */
  winner: 0x77, // w
} as const;

/** What a mapping comes to, as against what the source holds and operators decided. */
const OF_A_MAPPING: readonly number[] = (['lookup', 'dependants', 'derived', 'children', 'claims', 'heldSince', 'winner'] as const).map(
  (space) => SPACES[space],
);

/** In the first byte of a key: it is of the other of two mappings. */
const OTHER = 0x80;

const LONGEST = 600;
/** Of the text by which rivals are ordered: set, order and key together must fit a key of the store. */
const ORDER_LENGTH = 512;

const SHORT = 64;

/** A text that may become part of a state key: itself, or where it is too long its hash. */
export function bounded(text: string): string {
  if (text.length * 3 <= LONGEST || Buffer.byteLength(text) <= LONGEST) return text;
  return hashOf(Buffer.from(text));
}

/** The same of a key that is made of bytes: what stands behind the first `prefix` of them. */
export function boundedKey(key: Buffer, prefix: number): Buffer {
  if (key.length <= prefix + LONGEST) return key;
  return Buffer.concat([key.subarray(0, prefix), Buffer.from(hashOf(key.subarray(prefix)))]);
}

/** No value of the source begins with a zero byte. */
function hashOf(bytes: Buffer): string {
  return `\0${hash('sha256', bytes, 'hex')}`;
}

/** Escaped in the text of every value, so it can stand between two of them. */
const BETWEEN = '\v';

/** What a join looked up for several rows, as one text; null: nothing. */
export function lookupsText(lookups: ReadonlySet<string>): string | null {
  return lookups.size === 0 ? null : [...lookups].sort().join(BETWEEN);
}

export function lookupsOf(text: string | null): readonly string[] {
  if (text === null) return [];
  return text.includes(BETWEEN) ? text.split(BETWEEN) : [text];
}

/** Key of an entry, or name of a set. */
export function stateKey(space: keyof typeof SPACES, number: number, text: string): Buffer {
  invariant(number <= 0xffff, 'a number in a key has two bytes');
  const key = withText(3, text);
  key[0] = SPACES[space];
  key[1] = number >> 8;
  key[2] = number;
  return key;
}

/**
 * The same key, or name of a set, for the other of two mappings; of what is of no mapping it is the same one. It is changed where it lies, as keys are made for one call; one that was changed
 * before stays as it is.
 */
export function ofOther(key: Uint8Array): Uint8Array {
  const space = key[0] as number;
  if (OF_A_MAPPING.includes(space)) key[0] = space | OTHER;
  return key;
}

/** What all begins with that the one mapping came to, or the other. */
export function prefixesOf(which: 'one' | 'other'): readonly Buffer[] {
  return OF_A_MAPPING.map((space) => Buffer.from([which === 'one' ? space : space | OTHER]));
}

/** What all begins with that was put into the state to hold the rows of two mappings against each other, and to keep versions of held ones. */
export const COMPARED_PREFIXES: readonly Buffer[] = [Buffer.from([SPACES.rows]), Buffer.from([SPACES.keptVersion])];

/** What all begins with that the record in hand has put aside. */
export const BEFORE_PREFIX: Buffer = Buffer.from([SPACES.before]);

/** The text of an entry's key. */
export function keyOfEntry(key: Buffer): string {
  return key.toString('utf8', 3);
}

/** The number in an entry's key. */
export function numberOfEntry(key: Buffer): number {
  return key.readUInt16BE(1);
}

/** A derived row as member of a set. */
export function childMember(rule: number, key: string): Buffer {
  const member = withText(2, key);
  member.writeUInt16BE(rule, 0);
  return member;
}

export function childOf(member: Buffer): { readonly rule: number; readonly key: string } {
  return { rule: member.readUInt16BE(0), key: member.toString('utf8', 2) };
}

/** What names a row among its rivals: where several rules make rows of the table, their numbers tell them apart. */
export function rivalName(rule: number, isShared: boolean, key: string): string {
  return isShared ? `${String(rule).padStart(5, '0')} ${key}` : key;
}

export function rivalOf(rule: number, isShared: boolean, name: string): { readonly rule: number; readonly key: string } {
  return isShared ? { rule: Number(name.slice(0, 5)), key: name.slice(6) } : { rule, key: name };
}

/** A rival for unique values: those with a kept version first, then in the declared order, then by key. */
export function rivalMember(kept: boolean, order: string, key: string): Buffer {
  return Buffer.from(`${kept ? '0' : '1'}${order.slice(0, ORDER_LENGTH)}\0${key}`);
}

export function rivalKey(member: Buffer): string {
  // The order is hexadecimal digits, so the first zero byte ends it.
  return member.toString('utf8', member.indexOf(0) + 1);
}

/** The text behind as many bytes as are asked for. Short ASCII, as most keys are, is copied faster than Node is called. */
function withText(room: number, text: string): Buffer {
  if (text.length <= SHORT) {
    const bytes = Buffer.allocUnsafe(room + text.length);
    let bits = 0;
    for (let index = 0; index < text.length; index++) bits |= bytes[room + index] = text.charCodeAt(index);
    if (bits < 0x80) return bytes;
  }
  const bytes = Buffer.allocUnsafe(room + Buffer.byteLength(text));
  bytes.write(text, room);
  return bytes;
}
