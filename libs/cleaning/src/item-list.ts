import { ConversionProblem } from '@changeover/mapping';

import { trimmed } from './white-space.js';

export const NOT_A_LIST = new ConversionProblem('not a list');

export type Encoding = 'caret' | 'separated' | 'json';

/** Reads and writes a list of texts in the encodings of old CRMs. */
export type ItemList = {
  readonly read: (text: string) => readonly string[] | ConversionProblem;
  readonly write: (items: readonly string[]) => string | ConversionProblem;
};

/** `separator` stands between the items of `separated`, and nowhere within them. */
export function itemList(encoding: Encoding, separator: string): ItemList {
  if (encoding === 'json') return { read: jsonItems, write: (items) => JSON.stringify(items) };
  if (encoding === 'separated') {
    return {
      read: (text) => text.split(separator).map(trimmed),
      write: (items) => (items.some((item) => item.includes(separator)) ? NOT_A_LIST : items.join(separator)),
    };
  }
  return {
    read: caretItems,
    write: (items) => (items.some((item) => item.includes('^')) ? NOT_A_LIST : items.map((item) => `^${item}^`).join(',')),
  };
}

/** SugarCRM's `^a^,^b^`; one item may stand without its carets. */
function caretItems(text: string): readonly string[] | ConversionProblem {
  if (!text.includes('^')) return [text];
  if (text.length < 2 || !text.startsWith('^') || !text.endsWith('^')) return NOT_A_LIST;
  const items = text.slice(1, -1).split('^,^');
  return items.some((item) => item.includes('^')) ? NOT_A_LIST : items;
}

function jsonItems(text: string): readonly string[] | ConversionProblem {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return NOT_A_LIST;
  }
  if (!Array.isArray(parsed)) return NOT_A_LIST;
  const items = (parsed as readonly unknown[]).map((item) => {
    if (typeof item === 'string') return item;
    // A greater number would have lost digits.
    return Number.isSafeInteger(item) ? String(item) : null;
  });
  return items.every((item) => item !== null) ? items : NOT_A_LIST;
}

/** What PostgreSQL would read as the end of an item, or as something else than its text. */
const QUOTED = /^$|^null$|[ \t\n\r\v\f{},"\\]/iu;

/** A list as PostgreSQL prints an array of text. */
export function arrayText(items: readonly string[]): string {
  return `{${items.map((item) => (QUOTED.test(item) ? `"${item.replace(/["\\]/gu, '\\$&')}"` : item)).join(',')}}`;
}

/** The other way round, of what PostgreSQL prints; null for what has nulls or arrays in it. */
export function arrayItems(text: string): readonly string[] | null {
  if (text === '{}') return [];
  if (!text.startsWith('{') || !text.endsWith('}')) return null;
  const items: string[] = [];
  const item = /(?:"(?<quoted>(?:[^"\\]|\\.)*)"|(?<plain>[^ \t\n\r\v\f{},"\\]+))(?<end>,|\}$)/suy;
  for (item.lastIndex = 1; ;) {
    const { quoted, plain, end } = item.exec(text)?.groups ?? {};
    if (end === undefined || plain?.toLowerCase() === 'null') return null;
    items.push(plain ?? (quoted as string).replace(/\\(.)/gsu, '$1'));
    if (end === '}') return items;
  }
}
