import { ConversionProblem, type Converter } from './compiled-rule.js';

export const NOT_JSON = new ConversionProblem('not JSON');
const NOT_STORABLE = new ConversionProblem('not storable');

/**
 * What the text of JSON holds at a path of names and places (from 0), as PostgreSQL's `#>>` gives it: a text without its quotes, all else as it is
 * written, so that no digit of a number is lost. Null where nothing is, or null.
 */
export function jsonField(path: readonly (string | number)[]): Converter {
  return (text) => {
    if (!isJson(text)) return NOT_JSON;
    let at = behindSpace(text, 0);
    for (const step of path) {
      const found = typeof step === 'string' ? memberOf(text, at, step) : itemOf(text, at, step);
      if (found === -1) return null;
      at = found;
    }
    const value = text.slice(at, endOf(text, at));
    if (value === 'null') return null;
    if (!value.startsWith('"')) return value;
    const unquoted = JSON.parse(value) as string;
    return unquoted.includes('\0') || !unquoted.isWellFormed() ? NOT_STORABLE : unquoted;
  };
}

export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

// What follows reads text that is valid JSON. It never makes objects of it: whatever names stand there, they are only compared.

/** Where the value of this name begins; of several of one name the last counts. -1: there is none. */
function memberOf(text: string, object: number, name: string): number {
  if (text[object] !== '{') return -1;
  let found = -1;
  for (let at = behindSpace(text, object + 1); text[at] === '"';) {
    const end = endOf(text, at);
    const value = behindSpace(text, behindSpace(text, end) + 1);
    if (JSON.parse(text.slice(at, end)) === name) found = value;
    at = nextOf(text, value);
  }
  return found;
}

/** Where the value at this place begins. -1: there are fewer. */
function itemOf(text: string, array: number, place: number): number {
  if (text[array] !== '[') return -1;
  let at = behindSpace(text, array + 1);
  for (let left = place; left > 0 && at < text.length && text[at] !== ']'; left--) at = nextOf(text, at);
  return at < text.length && text[at] !== ']' ? at : -1;
}

/** Where what follows this value begins; behind the last one, the bracket's place. */
function nextOf(text: string, value: number): number {
  const end = behindSpace(text, endOf(text, value));
  return text[end] === ',' ? behindSpace(text, end + 1) : end;
}

function endOf(text: string, value: number): number {
  let depth = 0;
  for (let at = value; at < text.length;) {
    const character = text[at] as string;
    if (character === '"') at = endOfText(text, at);
    else {
      if (character === '{' || character === '[') depth++;
      else if (character === '}' || character === ']') depth--;
      else if (depth === 0) return endOfWord(text, at);
      at++;
    }
    if (depth === 0) return at;
  }
  return text.length;
}

function endOfText(text: string, quote: number): number {
  let at = quote + 1;
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

/** Of a number, true, false or null. */
function endOfWord(text: string, word: number): number {
  let at = word;
  while (at < text.length && !' \t\n\r,]}'.includes(text[at] as string)) at++;
  return at;
}

function behindSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && ' \t\n\r'.includes(text[at] as string)) at++;
  return at;
}
