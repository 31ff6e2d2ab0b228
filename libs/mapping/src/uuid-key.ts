import { hash } from 'node:crypto';

import { ConversionProblem } from './compiled-rule.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/iu;
const NO_UUID = new ConversionProblem('not a UUID');

/**
 * Makes UUIDs of keys. A text that is a UUID stays itself, in lower case, as PostgreSQL prints it; of every other comes its UUIDv5 (RFC 9562) in
 * `namespace`, itself a UUID.
 */
export function uuidKey(namespace: string): (text: string) => string {
  const space = Buffer.from(namespace.replaceAll('-', ''), 'hex');
  return (text) => {
    if (UUID.test(text)) return text.toLowerCase();
    const hex = hash('sha1', Buffer.concat([space, Buffer.from(text)]), 'hex');
    // The version stands in the thirteenth digit, the variant in the upper half of the seventeenth.
    const variant = ((parseInt(hex.charAt(16), 16) & 0x3) | 0x8).toString(16);
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
  };
}

/** A text that becomes this key: itself. */
export function uuidKeyBack(key: string): string | ConversionProblem {
  return UUID.test(key) ? key : NO_UUID;
}
