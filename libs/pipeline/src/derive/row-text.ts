import type { Row } from '@changeover/mapping';

const ESCAPED = /[\b\f\n\r\t\v\\]/gu;
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

/** A row's values as one line of COPY text, without its end. */
export function lineOfRow(row: Row): string {
  return row.map((value) => (value === null ? '\\N' : value.replace(ESCAPED, (character) => LETTERS[character] as string))).join('\t');
}

/** The values of a line of COPY text without its end. */
export function rowOfLine(line: string): Row {
  const fields = line.split('\t');
  return line.includes('\\') ? fields.map(unescaped) : fields;
}

function unescaped(field: string): string | null {
  if (field === '\\N') return null;
  return field.includes('\\') ? field.replace(/\\(.)/gsu, (_, letter: string) => LETTER_OF.get(letter) ?? letter) : field;
}
