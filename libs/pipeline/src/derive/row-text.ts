import type { Row } from '@changeover/mapping';

const ESCAPED = /[\b\f\n\r\t\v\\]/gu;
const ANY_ESCAPED = /[\b\f\n\r\t\v\\]/u;
const LETTERS: Readonly<Record<string, string>> = {
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
};
const LETTER_OF = new Map(Object.entries(LETTERS).map(([character, letters]) => [letters[1] as string, character]));

/** A row's values as one line of COPY text, without its end. One look at all of them tells that most need nothing. */
export function lineOfRow(row: Row): string {
  if (row.length === 1) return fieldOf(row[0] as string | null);
  if (ANY_ESCAPED.test(row.join(''))) return row.map(fieldOf).join('\t');
  return row.includes(null) ? row.map((value) => value ?? '\\N').join('\t') : row.join('\t');
}

/** The values of a line of COPY text without its end. */
export function rowOfLine(line: string): Row {
  const fields = line.split('\t');
  return line.includes('\\') ? fields.map(unescaped) : fields;
}

function fieldOf(value: string | null): string {
  if (value === null) return '\\N';
  return ANY_ESCAPED.test(value) ? value.replace(ESCAPED, (character) => LETTERS[character] as string) : value;
}

function unescaped(field: string): string | null {
  if (field === '\\N') return null;
  return field.includes('\\') ? field.replace(/\\(.)/gsu, (_, letter: string) => LETTER_OF.get(letter) ?? letter) : field;
}
