import { countWords } from '@changeover/core';
import type { StandingCorrection } from '@changeover/pipeline';

import { inColumns } from '../status/columns.js';
import type { DecidedRow } from './decide.js';
import { shellWord, visible } from './words.js';

/** What `held correct` and `held withdraw` have to say. */
export type Decided = {
  readonly migration: string;
  /** Nothing was asked for. */
  readonly dryRun: boolean;
  /** How many decisions. */
  readonly decisions: number;
  /** The ids of the requests; a correction's id is that of its request and its place in it, from 1. */
  readonly requests: readonly string[];
  /** Decisions by table and column. */
  readonly columns: readonly { readonly table: string; readonly column: string; readonly decisions: number }[];
  /** The target has them. */
  readonly reached: boolean;
  /** What became of the first rows there; empty where nobody waited. */
  readonly rows: readonly DecidedRow[];
  /** Decisions about rows of which nothing is told. */
  readonly more: number;
  /** Of a dry run the first rows, by which the list of held rows may know them. */
  readonly sample?: readonly Pick<DecidedRow, 'target' | 'key'>[];
};

/** What the decisions are. */
export type DecisionWord = 'correction' | 'acceptance' | 'withdrawal';

export function renderDecided(
  { dryRun, decisions, requests, columns, reached, rows, more, sample = [] }: Decided,
  what: DecisionWord,
): string {
  const counted = `${countWords(decisions)} ${decisions === 1 ? what : `${what}s`}`;
  const where = reached ? 'in the new database' : 'asked for';
  const [first] = requests;
  const lines = [
    ...inColumns(columns.map(({ table, column, decisions: of }) => [`  ${countWords(of)}`, table, column])),
    decisions === 0
      ? 'no such row: nothing was asked for'
      : dryRun
        ? `${counted} would be asked for; nothing was`
        : `${counted} ${decisions === 1 ? 'is' : 'are'} ${where}`,
    ...(!dryRun && what !== 'withdrawal' && decisions === 1 && first !== undefined
      ? [`it goes again by: changeover held withdraw ${first}.1`]
      : []),
    ...rows.map(rowWords),
    ...sample.map((row) => `  ${placeWords(row)}`),
    ...(more > 0 && rows.length + sample.length > 0 ? [`and ${countWords(more)} more ${more === 1 ? what : `${what}s`}`] : []),
  ];
  return `${lines.join('\n')}\n`;
}

function placeWords({ target, key }: Pick<DecidedRow, 'target' | 'key'>): string {
  return `${target} ${key.map((value) => shellWord(value ?? '')).join(' ')}`;
}

function rowWords({ held, ...row }: DecidedRow): string {
  if (held === null) return `${placeWords(row)}: nothing holds it`;
  const of = held.column === null ? '' : ` (${held.column})`;
  return `${placeWords(row)}: ${held.state === 'noted' ? 'it is there' : `still ${held.state}`}: ${visible(held.reason)}${of}`;
}

/** `values`: whether what is held and read, or what a rule that is waived looks at, is shown. */
/** `more`: how many there are beside those that are listed. */
export function renderCorrections(corrections: readonly StandingCorrection[], more: number, values: boolean): string {
  if (corrections.length === 0) return 'nothing is corrected or accepted\n';
  const lines = inColumns([
    ['id', 'what', 'table', 'key', 'column', ...(values ? ['holds', 'reads'] : []), 'in force', 'since', 'why'],
    ...corrections.map(({ what, id, table, key, column, from, to, target, rule, inForce, sinceMs, why }) => [
      ...[id, what === 'accept' ? `accepted: ${visible(rule ?? '')}` : 'corrected', target ?? table, shellWord(key), column],
      ...(values ? [valueWords(from), what === 'accept' ? 'as it is' : valueWords(to)] : []),
      ...[inForce ? 'yes' : 'no', new Date(sinceMs).toISOString(), visible(why ?? '')],
    ]),
  ]);
  return `${[...lines, ...(more > 0 ? [`and ${countWords(more)} more: --limit shows more of them; --table and --in-force choose`] : [])].join('\n')}\n`;
}

function valueWords(value: string | null): string {
  return value === null ? 'null' : `'${visible(value)}'`;
}
