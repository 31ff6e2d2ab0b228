import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

import { ChangeoverError } from '@changeover/core';

import { qualified } from './words.js';

/** What an operator wants read of a row. */
export type WantedCorrection = {
  /** `schema.table` at the source. */
  readonly table: string;
  readonly key: readonly string[];
  readonly column: string;
  /** Undefined: whatever the source holds now. */
  readonly from: string | null | undefined;
  readonly to: string | null;
  readonly why: string | null;
};

const KNOWN = ['table', 'key', 'column', 'from', 'to', 'why'];

/** The corrections of a file, a JSON document a line, with the number of each line. BAD_SETTINGS where one is something else, or the file cannot be read. Never tells a value. */
export async function* correctionsIn(file: string): AsyncGenerator<{ readonly line: number; readonly wanted: WantedCorrection }> {
  const input = createReadStream(file);
  const lines = createInterface({ input, crlfDelay: Infinity });
  let line = 0;
  try {
    for await (const text of lines) {
      line++;
      if (text.trim() !== '') yield { line, wanted: parsed(text, `line ${String(line)} of ${file}`) };
    }
  } catch (cause) {
    if (cause instanceof ChangeoverError) throw cause;
    throw new ChangeoverError('BAD_SETTINGS', `${file} cannot be read`, { facts: { file }, cause });
  } finally {
    lines.close();
    input.destroy();
  }
}

function parsed(text: string, where: string): WantedCorrection {
  const wrong = (what: string): ChangeoverError => new ChangeoverError('BAD_SETTINGS', `${where}: ${what}`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw wrong('no JSON document');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong('no JSON object');
  const { table, key, column, from, to, why = null } = value as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(value).find((name) => !KNOWN.includes(name));
  if (unknown !== undefined) throw wrong(`it says ${JSON.stringify(unknown)}, which is none of ${KNOWN.join(', ')}`);
  if (typeof table !== 'string' || typeof column !== 'string') throw wrong('table and column are texts');
  if (!Array.isArray(key) || key.length === 0 || !key.every((one) => typeof one === 'string')) throw wrong('key is a list of texts');
  if (!isValue(to)) throw wrong('to is a text, or null');
  if (from !== undefined && !isValue(from)) throw wrong('from is a text, null, or left out');
  if (!isValue(why)) throw wrong('why is a text, or left out');
  return { table: qualified(table), key, column, from, to, why };
}

function isValue(value: unknown): value is string | null {
  return value === null || typeof value === 'string';
}
