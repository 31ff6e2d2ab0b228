import { ChangeoverError } from '@changeover/core';

import { FRAME_HEADER_BYTES, type Before, type Frame, type Operation } from './frame.js';

const OPERATIONS: readonly Operation[] = ['c', 'u', 'd', 'r', 't'];
const BEFORE: readonly Before[] = ['none', 'key', 'full'];
const BEFORE_BITS = 0b11;
const PARTIAL_BIT = 0b100;

/** The bytes that stand before a frame's rows. */
export function encodeFrameHeader(frame: Omit<Frame, 'rows'>, byteLength: number): Buffer {
  const header = Buffer.allocUnsafe(FRAME_HEADER_BYTES);
  header[0] = frame.op.charCodeAt(0);
  header[1] = BEFORE.indexOf(frame.before) | (frame.partial ? PARTIAL_BIT : 0);
  header.writeUIntBE(frame.schemaSeq, 2, 6);
  header.writeUInt32BE(frame.rowCount, 8);
  header.writeUInt32BE(byteLength, 12);
  return header;
}

/**
 * Finds frames in a record's bytes as its parts arrive: a part may end anywhere, also inside a row. Holds at most one
 * unfinished frame.
 */
export class FrameReader {
  #rest: Buffer[] = [];
  #restBytes = 0;
  /** Bytes that #rest must reach before it holds a whole frame (or a frame's header). */
  #need = FRAME_HEADER_BYTES;

  /** The frames that are complete with this part; their rows may be views into it. */
  push(part: Buffer): Frame[] {
    let bytes = part;
    if (this.#restBytes > 0) {
      this.#rest.push(part);
      this.#restBytes += part.length;
      if (this.#restBytes < this.#need) return [];
      bytes = Buffer.concat(this.#rest, this.#restBytes);
      this.#rest = [];
      this.#restBytes = 0;
    }
    const frames: Frame[] = [];
    let at = 0;
    this.#need = FRAME_HEADER_BYTES;
    while (bytes.length - at >= FRAME_HEADER_BYTES) {
      const end = at + FRAME_HEADER_BYTES + bytes.readUInt32BE(at + 12);
      if (end > bytes.length) {
        this.#need = end - at;
        break;
      }
      frames.push(decode(bytes, at, end));
      at = end;
    }
    if (at < bytes.length) {
      // A copy: a view would keep the whole part alive while we wait.
      this.#rest = [Buffer.from(bytes.subarray(at))];
      this.#restBytes = bytes.length - at;
    }
    return frames;
  }

  /** Call behind the last part: LOG_CORRUPT if it ended inside a frame. */
  end(): void {
    if (this.#restBytes > 0)
      throw new ChangeoverError('LOG_CORRUPT', `a record ends inside a frame (${String(this.#restBytes)} bytes left over)`);
  }

  /** Forgets an unfinished frame. */
  reset(): void {
    this.#rest = [];
    this.#restBytes = 0;
    this.#need = FRAME_HEADER_BYTES;
  }
}

function decode(bytes: Buffer, at: number, end: number): Frame {
  const op = OPERATIONS.find((known) => known.charCodeAt(0) === bytes[at]);
  const flags = bytes[at + 1] as number;
  const before = BEFORE[flags & BEFORE_BITS];
  if (op === undefined || before === undefined || flags > 7) {
    throw new ChangeoverError(
      'LOG_CORRUPT',
      `a frame begins with ${String(bytes[at])} ${String(flags)}, which no version of the format knows`,
    );
  }
  return {
    op,
    before,
    partial: (flags & PARTIAL_BIT) !== 0,
    schemaSeq: bytes.readUIntBE(at + 2, 6),
    rowCount: bytes.readUInt32BE(at + 8),
    rows: bytes.subarray(at + FRAME_HEADER_BYTES, end),
  };
}
