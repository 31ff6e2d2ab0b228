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
};

export function renderDecided({ dryRun, decisions, requests, columns, reached, rows }: Decided, withdrawn: boolean): string {
  const what = withdrawn ? 'withdrawal' : 'correction';
  const counted = `${countWords(decisions)} ${decisions === 1 ? what : `${what}s`}`;
  const where = reached ? 'in the new database' : 'asked for';
  const [first] = requests;
  const lines = [
    ...inColumns(columns.map(({ table, column, decisions: of }) => [`  ${countWords(of)}`, table, column])),
    dryRun ? `${counted} would be asked for; nothing was` : `${counted} ${decisions === 1 ? 'is' : 'are'} ${where}`,
    ...(!dryRun && !withdrawn && decisions === 1 && first !== undefined ? [`it goes again by: changeover held withdraw ${first}.1`] : []),
    ...rows.map(rowWords),
  ];
  return `${lines.join('\n')}\n`;
}

function rowWords({ target, key, held }: DecidedRow): string {
  const words = key.map((value) => shellWord(value ?? '')).join(' ');
  if (held === null) return `${target} ${words}: nothing holds it`;
  const of = held.column === null ? '' : ` (${held.column})`;
  return `${target} ${words}: still ${held.state}: ${visible(held.reason)}${of}`;
}

/** `values`: whether what is held and read is shown. */
export function renderCorrections(corrections: readonly StandingCorrection[], more: boolean, values: boolean): string {
  if (corrections.length === 0) return 'nothing is corrected\n';
  const lines = inColumns([
    ['id', 'table', 'key', 'column', ...(values ? ['holds', 'reads'] : []), 'in force', 'since', 'why'],
    ...corrections.map(({ id, table, key, column, from, to, inForce, sinceMs, why }) => [
      ...[id, table, shellWord(key), column],
      ...(values ? [valueWords(from), valueWords(to)] : []),
      ...[inForce ? 'yes' : 'no', new Date(sinceMs).toISOString(), visible(why ?? '')],
    ]),
  ]);
  return `${[...lines, ...(more ? ['and more: --limit shows them, --table and --in-force choose'] : [])].join('\n')}\n`;
}

function valueWords(value: string | null): string {
  return value === null ? 'null' : `'${visible(value)}'`;
}
