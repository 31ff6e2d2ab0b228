import { visible } from './white-space.js';

/** Longer addresses are not taken by most programs. */
const LONGEST = 8000;

/** What stands in a field that is filled in before anyone writes: no address. */
const EMPTY = /^(?:https?:(?:\/\/)?)?(?:www\.?)?\/?$/iu;
const SCHEME = /^[a-z][a-z\d+.-]*:\/\//iu;

const NEVER = /[\s\0-\u0020<>"{}|\\^`\u007f]/u;
const NUMBERS = /^(?:\d+\.){3}\d+$/u;

/** Null: nothing is written. `undefined`: no web address. */
export function readAddress(text: string, scheme: 'https' | 'http'): URL | null | undefined {
  if (text.length > LONGEST || !text.isWellFormed()) return undefined;
  const written = visible(text);
  if (written === '' || EMPTY.test(written)) return null;
  if (NEVER.test(written)) return undefined;
  const address = SCHEME.test(written) ? written : `${scheme}:${written.startsWith('//') ? '' : '//'}${written}`;
  const url = parsed(address);
  if (url === null) return undefined;
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return undefined;
  // A name before @ is an e-mail address, or somebody's password.
  if (url.username !== '' || url.password !== '' || !isPublic(url.hostname, written)) return undefined;
  return url;
}

/** `URL.canParse` says no to letters such as ü once V8 has optimised its caller (seen in Node 20.20.2): the same text would be an address or none by chance. */
function parsed(address: string): URL | null {
  try {
    return new URL(address);
  } catch {
    return null;
  }
}

/** Names with a dot and an ending that is no number, and IPv4 addresses; browsers read any number as one. */
function isPublic(host: string, written: string): boolean {
  if (NUMBERS.test(host)) return written.includes(host);
  const labels = host.replace(/\.$/u, '').split('.');
  return (
    labels.length > 1 &&
    labels.every((label) => /^(?!-)[a-z\d_-]{1,63}(?<!-)$/u.test(label)) &&
    /^(?:[a-z]{2,}|xn--.+)$/u.test(labels.at(-1) as string)
  );
}
