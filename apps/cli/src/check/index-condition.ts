import type { Comparison } from '@changeover/mapping';

/** What a condition asks of one column: that it is one of these, or none of them. */
type Asked = { readonly column: string; readonly in: readonly (string | null)[]; readonly not: boolean };

const COLUMN = String.raw`\(?("(?:[^"]|"")+"|[a-z_][a-z0-9_$]*)\)?(?:::[a-z "_.]+)?`;
const TEXT = String.raw`'((?:[^']|'')*)'(?:::[a-zA-Z "_.]+(?:\(\d+\))?)?`;
const NULL = new RegExp(`^${COLUMN} IS (NOT )?NULL$`, 'u');
const EQUAL = new RegExp(`^${COLUMN} (=|<>) (?:${TEXT}|(true|false|-?\\d+))$`, 'u');
const FLAG = new RegExp(`^(NOT )?${COLUMN}$`, 'u');

/**
 * Whether a rule of `unique` counts the rows that a partial index is over. `predicate`: as PostgreSQL prints it. Null: nobody can tell, as one of them is not just what single
 * columns are, and are not.
 */
export function isSameCondition(predicate: string, where: Comparison): boolean | null {
  const [index, rule] = [askedByIndex(predicate), askedByRule(where)];
  if (index === null || rule === null) return null;
  return inOneForm(index) === inOneForm(rule);
}

function askedByIndex(text: string): readonly Asked[] | null {
  const bare = withoutParentheses(text.trim());
  const parts = dividedByAnd(bare);
  if (parts.length > 1) {
    const asked = parts.map(askedByIndex);
    return asked.includes(null) ? null : asked.flatMap((one) => one ?? []);
  }
  const isNull = NULL.exec(bare);
  if (isNull !== null) return [{ column: unquoted(isNull[1] as string), in: [null], not: isNull[2] !== undefined }];
  const equal = EQUAL.exec(bare);
  if (equal !== null) {
    const [, column = '', sign, literal, bareLiteral = ''] = equal;
    const value = literal?.replaceAll("''", "'") ?? { true: 't', false: 'f' }[bareLiteral] ?? bareLiteral;
    return [{ column: unquoted(column), in: [value], not: sign === '<>' }];
  }
  const flag = FLAG.exec(bare);
  return flag === null ? null : [{ column: unquoted(flag[2] as string), in: [flag[1] === undefined ? 't' : 'f'], not: false }];
}

function askedByRule(where: Comparison): readonly Asked[] | null {
  if ('value' in where) return [{ column: where.value, in: where.in, not: false }];
  if ('not' in where && 'value' in where.not) return [{ column: where.not.value, in: where.not.in, not: true }];
  if (!('all' in where)) return null;
  const asked = where.all.map(askedByRule);
  return asked.includes(null) ? null : asked.flatMap((one) => one ?? []);
}

function inOneForm(asked: readonly Asked[]): string {
  const texts = asked.map(({ column, in: values, not }) =>
    JSON.stringify([column, not, [...new Set(values)].map((one) => one ?? [null]).sort()]),
  );
  return [...new Set(texts)].sort().join();
}

/** Where one pair is around all of it. */
function withoutParentheses(text: string): string {
  if (!text.startsWith('(') || closing(text, 0) !== text.length - 1) return text;
  return withoutParentheses(text.slice(1, -1));
}

function dividedByAnd(text: string): readonly string[] {
  const parts: string[] = [];
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '(' || text[at] === "'" || text[at] === '"') at = closing(text, at);
    else if (text.startsWith(' AND ', at)) {
      parts.push(text.slice(from, at));
      from = at + ' AND '.length;
    }
  }
  return [...parts, text.slice(from)];
}

/** Where what begins here ends: a pair of parentheses, a text, a name. */
function closing(text: string, at: number): number {
  const open = text[at] as string;
  if (open !== '(') {
    const end = text.indexOf(open, at + 1);
    return end === -1 ? text.length : end;
  }
  for (let inside = at + 1; inside < text.length; inside++) {
    if (text[inside] === ')') return inside;
    if (text[inside] === '(' || text[inside] === "'" || text[inside] === '"') inside = closing(text, inside);
  }
  return text.length;
}

function unquoted(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
}
