import { ChangeoverError, NO_POSITION, type Position } from '@changeover/core';

/**
 * PostgreSQL prints an LSN as two hexadecimal numbers without leading zeros (`0/16B3748`); a {@link Position} pads both
 * to eight upper-case digits (`00000000/016B3748`), so that positions sort as text. PostgreSQL reads either.
 */
const LSN = /^([0-9A-F]{1,8})\/([0-9A-F]{1,8})$/i;
const POSITION_LENGTH = 17;

export function positionOf(lsn: string): Position {
  const [, high, low] = LSN.exec(lsn) ?? [];
  if (high === undefined || low === undefined)
    throw new ChangeoverError('SOURCE_DATA', `the source gave ${JSON.stringify(lsn)} where an LSN was expected`);
  return joined(high.toUpperCase(), low.toUpperCase());
}

/** What SQL takes as `pg_lsn`. */
export function lsnOf(position: Position): string {
  return position === NO_POSITION ? '0/0' : position;
}

/** Reads the eight bytes at `offset`. */
export function readPosition(bytes: Buffer, offset: number): Position {
  return joined(hex(bytes.readUInt32BE(offset)), hex(bytes.readUInt32BE(offset + 4)));
}

/** Writes eight bytes at `offset`; {@link NO_POSITION} is 0, which PostgreSQL takes as "nothing told". */
export function writePosition(bytes: Buffer, offset: number, position: Position): void {
  if (position !== NO_POSITION && position.length !== POSITION_LENGTH) {
    throw new ChangeoverError('INTERNAL', `${JSON.stringify(position)} is not a position of PostgreSQL`);
  }
  bytes.writeUInt32BE(position === NO_POSITION ? 0 : Number.parseInt(position.slice(0, 8), 16), offset);
  bytes.writeUInt32BE(position === NO_POSITION ? 0 : Number.parseInt(position.slice(9), 16), offset + 4);
}

function hex(value: number): string {
  return value.toString(16).toUpperCase();
}

function joined(high: string, low: string): Position {
  return `${high.padStart(8, '0')}/${low.padStart(8, '0')}` as Position;
}
