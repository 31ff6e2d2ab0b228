import { hash } from 'node:crypto';

import { ChangeoverError } from '@changeover/core';

import type { AnyHeader } from './header.js';

/**
 * One message: checksum (16 bytes), `CO`, version, zero, header length (u32), header (JSON), body. The checksum covers
 * all that follows it, and the header names the checksum of the message before: a chain that no one can change in the middle unseen.
 *
 * History of the version byte: 1, the first.
 */
export const MESSAGE_VERSION = 1;
const FIXED_BYTES = 24;

const MAGIC = 0x434f;
const CHECKSUM_BYTES = 16;

export type DecodedMessage = { readonly header: AnyHeader; readonly body: Buffer; readonly checksum: string };

/** Bytes and checksum (hex, 32 digits) of a message. */
export function encodeMessage(header: AnyHeader, body: readonly Uint8Array[]): { readonly bytes: Buffer; readonly checksum: string } {
  const json = JSON.stringify(header);
  const headerBytes = Buffer.byteLength(json, 'utf8');
  let length = FIXED_BYTES + headerBytes;
  for (const piece of body) length += piece.length;
  const bytes = Buffer.allocUnsafe(length);
  bytes.writeUInt16BE(MAGIC, CHECKSUM_BYTES);
  bytes[CHECKSUM_BYTES + 2] = MESSAGE_VERSION;
  bytes[CHECKSUM_BYTES + 3] = 0;
  bytes.writeUInt32BE(headerBytes, CHECKSUM_BYTES + 4);
  bytes.write(json, FIXED_BYTES, 'utf8');
  let at = FIXED_BYTES + headerBytes;
  for (const piece of body) {
    bytes.set(piece, at);
    at += piece.length;
  }
  const checksum = checksumOf(bytes);
  bytes.write(checksum, 0, 'hex');
  return { bytes, checksum };
}

/** LOG_CORRUPT unless the bytes are exactly what {@link encodeMessage} wrote. The body is a view into them. */
export function decodeMessage(bytes: Buffer, offset: number): DecodedMessage {
  if (bytes.length < FIXED_BYTES || bytes.readUInt16BE(CHECKSUM_BYTES) !== MAGIC)
    throw corrupt(offset, 'it does not begin like one of ours');
  const version = bytes[CHECKSUM_BYTES + 2];
  if (version !== MESSAGE_VERSION)
    throw corrupt(offset, `its version is ${String(version)}; this program reads ${String(MESSAGE_VERSION)}`);
  const checksum = checksumOf(bytes);
  if (checksum !== bytes.toString('hex', 0, CHECKSUM_BYTES)) throw corrupt(offset, 'its checksum does not match');
  const bodyAt = FIXED_BYTES + bytes.readUInt32BE(CHECKSUM_BYTES + 4);
  // The checksum vouches that a writer of this version made it, so the header has the shape that such a writer gives it.
  const header = JSON.parse(bytes.toString('utf8', FIXED_BYTES, bodyAt)) as AnyHeader;
  return { header, body: bytes.subarray(bodyAt), checksum };
}

/** SHA-256 cut to 128 bits, in hex: a string costs half of what a Buffer does, which has memory of its own. */
function checksumOf(bytes: Buffer): string {
  return hash('sha256', bytes.subarray(CHECKSUM_BYTES), 'hex').slice(0, 2 * CHECKSUM_BYTES);
}

function corrupt(offset: number, why: string): ChangeoverError {
  return new ChangeoverError('LOG_CORRUPT', `the message at offset ${String(offset)} cannot be read: ${why}`, { facts: { offset } });
}
