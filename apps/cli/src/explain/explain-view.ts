import { countWords } from '@changeover/core';
import type { Dependants, ExplainedRow, ReadValue, SourceRow } from '@changeover/pipeline';

import { shellWord, visible } from '../held/words.js';
import { inColumns } from '../status/columns.js';
import type { Event, Explanation } from './run-explain.js';

/** Of a value that is shown; all of it is in `--json`. */
const LONGEST = 60;

/** What becomes of a row and why, for people. Holds its values. */
export function renderExplanation(explanation: Explanation): readonly string[] {
  const { end, table, key, rows, dependants, events, mapping, read } = explanation;
  const records = new Map(events.map((event) => [event.seq, event]));
  const none =
    end === 'target'
      ? [
          `${table} ${keyWords(key)}: nothing makes this row; if it is there, somebody else wrote it (\`changeover verify\` names such rows)`,
        ]
      : [`${table} ${keyWords(key)}: the mapping makes nothing of this table by itself`];
  const isGone = end === 'source' && rows.every(({ outcome }) => outcome === 'absent');
  return [
    ...(rows.length === 0 ? none : rows.flatMap((row, index) => [...(index > 0 ? [''] : []), ...rowLines(row, records)])),
    ...(isGone && rows.length > 0 ? [`the old database had no such row at record ${String(read.seq)} of changes`] : []),
    ...dependants.flatMap(dependantLines),
    '',
    `as transform had it at record ${String(read.seq)} of changes, under mapping ${mapping.slice(0, 12)}`,
  ];
}

function rowLines(row: Explanation['rows'][number], records: ReadonlyMap<number, Event>): readonly string[] {
  const { target, rule, key, driving, into, parts, joins, where, columns, validations, unique, parents, isConsistent, refused } = row;
  const name = key === null ? `a row of ${target}` : `${target} ${keyWords(key)}`;
  return [
    `${name}${rule === null ? '' : ` by the rule ${rule}`}: ${outcomeWords(row)}`,
    ...inColumns([
      ...(parts === null
        ? [['  from', sourceWords(driving), recordWords(driving, records)]]
        : parts.map(({ rule: of, source }) => [`  from ${of}`, sourceWords(source), recordWords(source, records)])),
      ...joins.flatMap(({ as, table, lookedUp, found, more, made }) => {
        const by = lookedUp === null ? 'nothing was looked up: a value is null' : `no row with ${valuesWords(lookedUp)}`;
        if (found.length === 0) return [[`  ${as}`, `${table}: ${by}`, '']];
        const rows = found.map((row, index) => [index === 0 ? `  ${as}` : '', sourceWords(row), recordWords(row, records)]);
        return more && made !== null ? [...rows, ['', 'and more', '']] : rows;
      }),
    ]),
    ...(where === null ? [] : [`  where ${where.rule}: ${where.accepts ? 'yes' : 'no'} (${valuesWords(where.reads)})`]),
    ...inColumns(columns.map((column) => columnCells(column, parts))),
    ...(into === null
      ? []
      : [`  of the merged row come from this one: ${into.columns.length === 0 ? 'no columns' : into.columns.join(', ')}`]),
    ...(parts ?? []).flatMap(({ source, problems }) =>
      problems.map(({ reason, column }) => `  ! held because of ${sourceWords(source)}: ${column}: ${visible(reason)}`),
    ),
    ...validations.flatMap(({ rule: told, severity, problem, accepted }) => {
      if (problem === null) return [];
      const what = accepted ? 'accepted' : severity === 'fix' || severity === 'warn' ? 'noted' : '! held';
      return [`  ${what}: ${visible(told)} (${severity})`];
    }),
    ...unique.map(({ columns: names, otherwise, winner, isOurs }) => {
      const lost = otherwise === 'empty' ? 'so it goes without' : 'so it is held';
      return `  alone in ${names.join(', ')}: ${isOurs ? 'it has the first right to it' : `${sourceWords(winner)} has the better right, ${lost}`}`;
    }),
    ...parents.map(({ target: parent, source, isThere }) => {
      const missing =
        source.seq === null ? 'the old database has no such row' : `it is not there: changeover explain --source ${commandWords(source)}`;
      return `  needs the row of ${parent} from ${sourceWords(source)}: ${isThere ? 'it is there' : missing}`;
    }),
    ...refused.map(({ refused: told }) => `  the new database refuses it: ${visible(told?.message ?? '')}`),
    ...(isConsistent ? [] : ['  ! what transform remembers is not what the mapping makes of these rows: run `changeover verify`']),
  ];
}

function outcomeWords({ outcome, into, columns, parts, joins, refused }: Explanation['rows'][number]): string {
  switch (outcome) {
    case 'written':
      return refused.length === 0 ? 'it stands in the new database' : 'it should stand in the new database, which refuses it';
    case 'passed':
      return 'it goes over as it is';
    case 'kept':
      return `it is held (${problemWords(columns, parts)}); an earlier version stands in the new database`;
    case 'held':
      return `it is held (${problemWords(columns, parts)}); nothing of it is in the new database`;
    case 'waiting':
      return 'it waits for a row that it needs; nothing of it is in the new database';
    case 'filtered':
      return 'the rule leaves it out';
    case 'merged':
      return `it is part of the merged row ${into?.name ?? ''}, ${mergedWords(into?.outcome)}`;
    case 'absent':
      return joins.length === 0 ? 'the old database does not have its row' : 'it is not there';
  }
}

function mergedWords(outcome: ExplainedRow['outcome'] | undefined): string {
  switch (outcome) {
    case 'written':
      return 'which stands in the new database';
    case 'kept':
      return 'which is held; an earlier version stands in the new database';
    case 'waiting':
      return 'which waits for a row that it needs';
    default:
      return 'which is held; nothing of it is in the new database';
  }
}

function problemWords(columns: ExplainedRow['columns'], parts: ExplainedRow['parts']): string {
  const [bad] = (parts ?? []).filter(({ problems }) => problems.length > 0);
  if (bad !== undefined) return bad.problems.map(({ column, reason }) => `${column}: ${visible(reason)}`).join('; ');
  const problems = columns.flatMap(({ column, problem }) => (problem === null ? [] : [`${column}: ${visible(problem)}`]));
  return problems.length === 0 ? 'another row has the better right to a value' : problems.join('; ');
}

function columnCells(
  { column, rule, reads, value, problem, written, from }: ExplainedRow['columns'][number],
  parts: ExplainedRow['parts'],
): readonly string[] {
  const origin = (from ?? []).flatMap((place) => parts?.[place]?.source ?? []).map(sourceWords);
  const differs = written !== undefined && written !== value ? `  (${valueWords(written)} stands)` : '';
  return [
    `  ${column}`,
    `${problem === null ? valueWords(value) : `! ${visible(problem)}${value === null ? '' : `: ${valueWords(value)}`}`}${differs}`,
    `= ${short(rule)}${origin.length === 0 ? '' : `: ${origin.join(', ')}`}`,
    valuesWords(reads.filter(({ value: of }) => of !== value || reads.length > 1)),
  ];
}

function dependantLines({ target, as, rows, more }: Dependants): readonly string[] {
  const which = rows.map(sourceWords).join(', ');
  return [`looked up as ${as} by ${countWords(rows.length)}${more ? ' or more' : ''} of ${target}: ${which}${more ? ' …' : ''}`];
}

function sourceWords({ table, key }: SourceRow): string {
  return `${table} ${keyWords(key)}`;
}

function commandWords({ table, key }: SourceRow): string {
  return `${table} ${key.some((value) => value?.startsWith('-') === true) ? '-- ' : ''}${keyWords(key)}`;
}

/** How a row came to be as it is, by the kind of the record that says so. */
const HOW: ReadonlyMap<string, string> = new Map([
  ['snapshot-chunk', 'copied'],
  ['reference-data', 'recorded'],
]);

function recordWords({ seq, corrected }: SourceRow, records: ReadonlyMap<number, Event>): string {
  if (seq === null) return 'is not there';
  const event = records.get(seq);
  const when = event?.ts_ms == null ? '' : ` at ${new Date(event.ts_ms).toISOString()}`;
  const how = HOW.get(event?.kind ?? '') ?? 'changed last';
  const read = corrected.length === 0 ? '' : `; ${corrected.join(', ')} read as an operator corrected it`;
  return `${how} with record ${String(seq)} of changes${when}${read}`;
}

function keyWords(key: readonly (string | null)[]): string {
  return key.map((value) => shellWord(value ?? '')).join(' ');
}

function valuesWords(values: readonly ReadValue[]): string {
  return values.map(({ name, value }) => `${name} = ${valueWords(value)}`).join(', ');
}

function valueWords(value: string | null): string {
  return value === null ? 'null' : visible(JSON.stringify(short(value)));
}

function short(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}
