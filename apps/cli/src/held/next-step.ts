import { unreachable } from '@changeover/core';
import type { HeldRow } from '@changeover/events';
import { MERGED } from '@changeover/mapping';

import { shellWord } from './words.js';

/** What to do about the row, in one line. */
export function nextStep({ state, table, problems, source, refused, column, key }: HeldRow): string {
  switch (state) {
    case 'held':
      return `${heldStep(source ?? '', problems, key)}${acceptStep(table, problems, key)}`;
    case 'noted':
      return `Nothing has to be done; the note goes when what ${columnsOf(problems)} is made from (${source ?? ''} and what is joined to it) is corrected in the old database.`;
    case 'waiting':
      return `It comes by itself with the row of ${column ?? ''} that it needs; ${explainCommand(source, key)} says which one that is.`;
    case 'refused':
      return refusedStep(refused, `then: changeover held retry ${table}${key === null ? '' : ` ${keyWords(key)}`}`);
    default:
      unreachable(state);
  }
}

const TOO_MANY_TO_MERGE = /^more than \d+ to merge$/u;

function explainCommand(source: string | null, key: HeldRow['key']): string {
  return `changeover explain --source ${rowWords(source, key)}`;
}

function columnsOf(problems: HeldRow['problems']): string {
  return [...new Set(problems.map(({ column }) => column ?? ''))].join(', ');
}

function rowWords(source: string | null, key: HeldRow['key']): string {
  return `${source ?? ''} ${keyWords(key ?? [])}`;
}

function keyWords(key: readonly (string | null)[]): string {
  const words = key.map((value) => shellWord(value ?? ''));
  return `${key.some((value) => value?.startsWith('-') === true) ? '-- ' : ''}${words.join(' ')}`;
}

/** Where rules of validation are all that holds it. */
function acceptStep(table: string, problems: HeldRow['problems'], key: HeldRow['key']): string {
  const rules = problems.flatMap(({ rule }) => (rule === undefined ? [] : [rule]));
  // What holds a merged row is accepted of none of its rows.
  if (rules.length === 0 || rules.length < problems.length || key?.[0]?.startsWith(`${MERGED}:`) === true) return '';
  const named = rules.length === 1 ? '' : ' --rule <name>';
  return `; or take it as it is: changeover held accept${named} ${table} ${keyWords(key ?? [])}`;
}

function heldStep(source: string, problems: HeldRow['problems'], key: HeldRow['key']): string {
  const explain = explainCommand(source, key);
  const which = columnsOf(problems);
  const isAlways = (why: string): boolean => problems.every(({ reason }) => reason === why);
  if (isAlways('not unique'))
    return `Another row has the better right to this ${which}; ${explain} says which. Change it in one of the two in the old database; then this one comes by itself.`;
  if (isAlways('too many rows'))
    return `More is joined to this row of ${source} than ${which} may be made of (atMost in the mapping): with fewer rows in the old database it comes by itself.`;
  const isMerged = key?.[0]?.startsWith(`${MERGED}:`) === true;
  if (isMerged && problems.some(({ reason }) => TOO_MANY_TO_MERGE.test(reason)))
    return `More rows of the old database have the same merge key than are merged (atMost in the mapping); ${explain} names some of them. With fewer it comes by itself; a value that means nobody is best left out of \`by\` in the mapping.`;
  if (isMerged)
    return `This row is made of several of the old database; ${explain} names them, and because of which it is held. Correct that one there, or with changeover held correct; then it comes by itself.`;
  return `Correct in the old database what ${which} is made from (${source} and what is joined to it); the row comes by itself. Or have something else read: changeover held correct --column <column> --to <value> ${rowWords(source, key)}`;
}

/** `message` is one of our own words where the target gave no SQLSTATE. */
function refusedStep(refused: HeldRow['refused'], again: string): string {
  const { sqlstate, constraint, message } = refused ?? { sqlstate: null, constraint: null, message: '' };
  if (sqlstate === null && message === 'ROW_MISSING') return `The row to change is gone at the target: put it back there, ${again}.`;
  if (sqlstate === null && message === 'ROW_REFERENCED')
    return `Rows of the target stand on it (${constraint ?? ''}): it comes by itself when they have gone elsewhere.`;
  if (sqlstate === null && message === 'ROW_SKIPPED') return `A trigger of the target leaves the row out: correct the trigger, ${again}.`;
  const cause = constraint === null ? 'what refuses it at the target' : `${constraint} at the target`;
  return `Correct the row in the old database, and it is tried again; or correct ${cause}, ${again}.`;
}
