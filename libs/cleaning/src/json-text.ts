/** Why a text is not taken. */
export type JsonProblem = 'not JSON' | 'too deep' | 'repeated key' | 'not storable';

/** Deeper ones are made to break programs. */
const DEEPEST = 256;
/** As many digits as a number has at most, and as large an exponent: PostgreSQL keeps all of them, and takes no more than a hundred thousand. */
const LONGEST_NUMBER = 1000;
const LARGEST_EXPONENT = 1000;

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE](?<exponent>[+-]?\d+))?/uy;

/**
 * Reads JSON into JSON: without white space, the keys of objects sorted, numbers digit by digit as they were. No object is made of it, so a key such
 * as `__proto__` is a text like others.
 */
export class JsonReader {
  readonly #text: string;
  #place = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** The normal form of the whole text. */
  read(): string | { readonly problem: JsonProblem } {
    try {
      const value = this.#value(0);
      this.#space();
      return this.#place === this.#text.length ? value : { problem: 'not JSON' };
    } catch (error) {
      if (error instanceof Stop) return { problem: error.problem };
      throw error;
    }
  }

  #value(depth: number): string {
    if (depth > DEEPEST) throw new Stop('too deep');
    this.#space();
    const next = this.#text[this.#place];
    if (next === '{') return this.#object(depth);
    if (next === '[') return this.#array(depth);
    if (next === '"') return JSON.stringify(this.#string());
    for (const word of ['true', 'false', 'null']) {
      if (!this.#text.startsWith(word, this.#place)) continue;
      this.#place += word.length;
      return word;
    }
    return this.#number();
  }

  #object(depth: number): string {
    const members = new Map<string, string>();
    this.#place += 1;
    if (!this.#takes('}')) {
      do {
        this.#space();
        const key = this.#string();
        if (members.has(key)) throw new Stop('repeated key');
        if (!this.#takes(':')) throw new Stop('not JSON');
        members.set(key, this.#value(depth + 1));
      } while (this.#takes(','));
      if (!this.#takes('}')) throw new Stop('not JSON');
    }
    return objectText(members);
  }

  #array(depth: number): string {
    const items: string[] = [];
    this.#place += 1;
    if (!this.#takes(']')) {
      do items.push(this.#value(depth + 1));
      while (this.#takes(','));
      if (!this.#takes(']')) throw new Stop('not JSON');
    }
    return `[${items.join(',')}]`;
  }

  #string(): string {
    const start = this.#place;
    if (this.#text[start] !== '"') throw new Stop('not JSON');
    let end = start + 1;
    let isPlain = true;
    // By hand, for a pattern keeps a place to go back to for each character.
    for (let code = this.#text.charCodeAt(end); code !== 0x22; code = this.#text.charCodeAt(++end)) {
      if (Number.isNaN(code)) throw new Stop('not JSON');
      if (code < 0x20) throw new Stop('not JSON');
      if (code !== 0x5c) continue;
      isPlain = false;
      end += 1;
    }
    this.#place = end + 1;
    const value = isPlain ? this.#text.slice(start + 1, end) : unescaped(this.#text.slice(start, end + 1));
    if (value.includes('\0') || !value.isWellFormed()) throw new Stop('not storable');
    return value;
  }

  #number(): string {
    NUMBER.lastIndex = this.#place;
    const found = NUMBER.exec(this.#text);
    if (found === null) throw new Stop('not JSON');
    const [number] = found;
    if (number.length > LONGEST_NUMBER || Math.abs(Number(found.groups?.['exponent'] ?? 0)) > LARGEST_EXPONENT)
      throw new Stop('not storable');
    this.#place += number.length;
    return number;
  }

  #takes(character: string): boolean {
    this.#space();
    if (this.#text[this.#place] !== character) return false;
    this.#place += 1;
    return true;
  }

  #space(): void {
    for (
      let code = this.#text.charCodeAt(this.#place);
      code === 0x20 || (code >= 0x09 && code <= 0x0d && code !== 0x0b && code !== 0x0c);
    ) {
      code = this.#text.charCodeAt(++this.#place);
    }
  }
}

function unescaped(quoted: string): string {
  try {
    return JSON.parse(quoted) as string;
  } catch {
    throw new Stop('not JSON');
  }
}

/** Members by their keys, of which each value is JSON already. */
export function objectText(members: ReadonlyMap<string, string>): string {
  const sorted = [...members].sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${sorted.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(',')}}`;
}

class Stop extends Error {
  readonly problem: JsonProblem;

  constructor(problem: JsonProblem) {
    super(problem);
    this.problem = problem;
  }
}
