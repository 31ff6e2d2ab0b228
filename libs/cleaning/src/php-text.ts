import { utf8 } from './base64.js';
import { objectText } from './json-text.js';

/** Why a text is not taken. */
export type PhpProblem = 'not PHP' | 'an object' | 'too deep' | 'not storable' | 'no JSON number';

const DEEPEST = 256;
/** Of what stands between a type and the value's end, but for a string. */
const LONGEST_NUMBER = 400;

const INTEGER = /^[+-]?\d+$/u;
const FLOAT = /^-?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?$/u;

const COLON = 0x3a;
const SEMICOLON = 0x3b;
const QUOTE = 0x22;

/**
 * Reads what PHP's `serialize` wrote, into JSON. Nothing is made of what it says: an object or a reference is a problem, for that is how programs are
 * attacked. Lengths count bytes, so it reads bytes.
 */
export class PhpReader {
  readonly #bytes: Buffer;
  #place = 0;

  constructor(text: string) {
    this.#bytes = Buffer.from(text, 'utf8');
  }

  read(): string | { readonly problem: PhpProblem } {
    try {
      const value = this.#value(0);
      return this.#place === this.#bytes.length ? value : { problem: 'not PHP' };
    } catch (error) {
      if (error instanceof Stop) return { problem: error.problem };
      throw error;
    }
  }

  #value(depth: number): string {
    if (depth > DEEPEST) throw new Stop('too deep');
    const type = this.#character();
    if (type === 'N') {
      this.#expect(SEMICOLON);
      return 'null';
    }
    if (!'bidsa'.includes(type)) throw new Stop('OCrREe'.includes(type) ? 'an object' : 'not PHP');
    this.#expect(COLON);
    if (type === 's') return JSON.stringify(this.#string());
    if (type === 'a') return this.#array(depth);
    const written = this.#until(SEMICOLON);
    if (type === 'b') {
      if (written !== '0' && written !== '1') throw new Stop('not PHP');
      return written === '1' ? 'true' : 'false';
    }
    if (type === 'i') return integer(written);
    if (/^-?(?:INF|NAN)$/u.test(written)) throw new Stop('no JSON number');
    return float(written);
  }

  /** Keys 0, 1, 2 and so on are a list. */
  #array(depth: number): string {
    const count = this.#length();
    this.#expect(0x7b);
    const members = new Map<string, string>();
    let isList = true;
    // Each member takes some bytes, so that no count is believed that the text is too short for.
    for (let index = 0; index < count; index++) {
      const type = this.#character();
      this.#expect(COLON);
      if (type !== 'i' && type !== 's') throw new Stop('not PHP');
      const key = type === 'i' ? integer(this.#until(SEMICOLON)) : this.#string();
      isList &&= type === 'i' && key === String(index);
      if (members.has(key)) throw new Stop('not PHP');
      members.set(key, this.#value(depth + 1));
    }
    this.#expect(0x7d);
    return isList ? `[${[...members.values()].join(',')}]` : objectText(members);
  }

  #string(): string {
    const length = this.#length();
    const start = this.#place + 1;
    this.#expect(QUOTE);
    const value = start + length > this.#bytes.length ? null : utf8(this.#bytes.subarray(start, start + length));
    if (value === null) throw new Stop('not PHP');
    this.#place = start + length;
    this.#expect(QUOTE);
    this.#expect(SEMICOLON);
    if (value.includes('\0')) throw new Stop('not storable');
    return value;
  }

  #length(): number {
    const written = this.#until(COLON);
    if (!/^\d{1,15}$/u.test(written)) throw new Stop('not PHP');
    return Number(written);
  }

  #until(end: number): string {
    const found = this.#bytes.subarray(this.#place, this.#place + LONGEST_NUMBER).indexOf(end);
    if (found === -1) throw new Stop('not PHP');
    const text = this.#bytes.toString('latin1', this.#place, this.#place + found);
    this.#place += found + 1;
    return text;
  }

  #character(): string {
    const code = this.#bytes[this.#place];
    if (code === undefined) throw new Stop('not PHP');
    this.#place += 1;
    return String.fromCharCode(code);
  }

  #expect(code: number): void {
    if (this.#bytes[this.#place] !== code) throw new Stop('not PHP');
    this.#place += 1;
  }
}

/** Without a plus or zeros before it, which JSON does not have. */
function integer(written: string): string {
  if (!INTEGER.test(written)) throw new Stop('not PHP');
  return String(BigInt(written.replace('+', '')));
}

/** PHP writes `0.1`, `1.0E+25` and `-0`. */
function float(written: string): string {
  if (!FLOAT.test(written)) throw new Stop('not PHP');
  const [digits = '', power] = written.split(/[eE]/u);
  const [whole = '', fraction = ''] = digits.replace('-', '').split('.');
  const plain = `${whole.replace(/^0+(?=\d)/u, '') || '0'}${fraction === '' ? '' : `.${fraction}`}`;
  return `${written.startsWith('-') ? '-' : ''}${plain}${power === undefined ? '' : `e${power}`}`;
}

class Stop extends Error {
  readonly problem: PhpProblem;

  constructor(problem: PhpProblem) {
    super(problem);
    this.problem = problem;
  }
}
