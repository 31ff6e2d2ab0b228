import { asChangeoverError } from '@changeover/core';
import { tableName, type DescribedTable, type TableSchema } from '@changeover/events';
import {
  referencesRead,
  ruleSchema,
  ruleProblems,
  sourceTable,
  tableUse,
  type Expression,
  type Mapping,
  type TableRule,
} from '@changeover/mapping';
import { createTargetCatalogue, loadMapping, mappingTypeErrors, type AdapterContext, type CliSettings } from '@changeover/shell';

import { recordedSoFar } from '../reference/recorded-so-far.js';
import { requireActiveMapping } from './active-mapping.js';
import { failed, type Finding } from './finding.js';
import { referenceFindings, referenceTables, unrecordedFindings } from './reference-findings.js';
import { ruleFindings } from './rule-findings.js';
import { wayBackFindings } from './way-back.js';

/** What the target's tables are to take, as far as the mapping could be read. */
export type CheckedMapping = { readonly findings: readonly Finding[]; readonly tables: readonly TableSchema[] };

/** The mapping as such, and against every table of both ends: all problems, not only the first. */
export async function checkMapping(
  settings: CliSettings,
  { sources, context }: { readonly sources: readonly TableSchema[]; readonly context: AdapterContext },
): Promise<CheckedMapping> {
  const { mapping: file } = settings;
  let mapping: Mapping;
  try {
    mapping = await loadMapping(file);
  } catch (error) {
    return { findings: failed('mapping', asChangeoverError(error)), tables: [] };
  }
  const typed = await mappingTypeErrors(file);
  const active = await activeFindings(mapping, settings);
  const { findings, ignored } = passedTables(mapping, sources);
  const known = new Set(sources.map(tableName));
  // Without the source's tables there is nothing to hold names against.
  const unknown = sources.length === 0 ? [] : Object.keys(mapping.tables).filter((name) => !known.has(name));
  const described = mapping.rules.length === 0 ? null : await targetTables(settings, context);
  const ofSource = sources.map((source) => [tableName(source), sourceTable(source.columns)] as const);
  const read = new Map([...ofSource, ...referenceTables(mapping, described)]);
  const misfits = sources.length === 0 ? [] : ruleProblems(mapping, { tables: read });
  const problems = [
    ...(typed ?? []).map((problem) => wrong('types', problem)),
    ...active,
    ...findings,
    ...unknown.map((name) => wrong('table', `the mapping has a rule for ${name}, which the source does not give`)),
    ...misfits.map((problem) => wrong('rule', problem)),
    ...(described === null ? [] : ruleFindings(mapping.rules, { sources, targets: described })),
    ...(described === null ? [] : referenceFindings(mapping, described)),
    ...(await recordFindings(mapping, settings)),
  ];
  // Of a source that could not be looked at nothing good can be said.
  const good =
    sources.length === 0 || problems.some(({ severity }) => severity === 'error')
      ? []
      : [ok(summaryOf(file, mapping, sources.length)), ...wayBackFindings(mapping.rules, read)];
  const note =
    ignored.length === 0
      ? []
      : [ok(`nothing is made of these tables of the source, which source.exclude can leave out: ${ignored.join(', ')}`)];
  return { findings: [...problems, ...good, ...note], tables: writtenTables(mapping, sources) };
}

/** What the target's tables are to take of a mapping, whatever is wrong with it. */
export function writtenTables(mapping: Mapping, sources: readonly TableSchema[]): readonly TableSchema[] {
  return [...passedTables(mapping, sources).tables, ...mapping.rules.map((rule) => typedAsRead(rule, sources))];
}

async function activeFindings(mapping: Mapping, { migration, control }: CliSettings): Promise<readonly Finding[]> {
  try {
    if (control.url !== undefined) await requireActiveMapping(mapping, { migration, controlUrl: control.url });
  } catch (cause) {
    const error = asChangeoverError(cause);
    // That the control database does not answer is told of that one.
    if (error.code === 'MAPPING_NOT_ACTIVE') return failed('mapping', error);
  }
  return [];
}

/** Of what the mapping looks up and is not recorded; a control database that does not answer is told of by itself. */
async function recordFindings(mapping: Mapping, { migration, control: { url } }: CliSettings): Promise<readonly Finding[]> {
  if (referencesRead(mapping).size === 0) return [];
  try {
    return unrecordedFindings(mapping, url === undefined ? new Map() : await recordedSoFar(url, migration));
  } catch {
    return [];
  }
}

/** The forms of the tables that pass through, and the names of those of which nothing is made. */
function passedTables(mapping: Mapping, sources: readonly TableSchema[]): CheckedMapping & { readonly ignored: readonly string[] } {
  const findings: Finding[] = [];
  const tables: TableSchema[] = [];
  const ignored: string[] = [];
  for (const source of sources) {
    try {
      const { passed, read } = tableUse(mapping, source);
      if (passed !== null) tables.push(passed);
      else if (!read) ignored.push(tableName(source));
    } catch (error) {
      findings.push(...failed('mapping', asChangeoverError(error)));
    }
  }
  return { findings, tables, ignored };
}

/** Null where it cannot be asked: its own check says why. */
async function targetTables({ target }: CliSettings, context: AdapterContext): Promise<readonly DescribedTable[] | null> {
  try {
    return await createTargetCatalogue(target, context).tables();
  } catch {
    return null;
  }
}

/** The rule's table, with the types of columns that are read as they are; of which types what is converted is only the target can say. */
function typedAsRead(rule: TableRule, sources: readonly TableSchema[]): TableSchema {
  const schema = ruleSchema(rule);
  // What is made of many rows has no column of the source.
  const joins = (rule.joins ?? []).filter(({ all }) => all === undefined);
  const tables = new Map([['', rule.source], ...joins.map(({ as, table }) => [as, table] as const)]);
  const typeOf = (expression: Expression | undefined): string => {
    if (expression === undefined || !('column' in expression)) return '';
    const source = sources.find((one) => tableName(one) === tables.get(expression.of ?? ''));
    return source?.columns.find(({ name }) => name === expression.column)?.type ?? '';
  };
  return { ...schema, columns: schema.columns.map((column) => ({ ...column, type: typeOf(rule.columns[column.name]) })) };
}

function summaryOf(file: string | undefined, { tables, rules }: Mapping, sources: number): string {
  if (file === undefined) return 'every table and column keeps its name';
  const named = Object.keys(tables).length;
  if (rules.length === 0) return `${file}: rules for ${String(named)} of ${String(sources)} tables`;
  const made = new Set(rules.map(({ target }) => target)).size;
  return `${file}: rules for ${String(made)} tables of the target, and ${String(named)} tables pass through`;
}

function wrong(check: string, message: string): Finding {
  return { part: 'mapping', severity: 'error', check, message };
}

function ok(message: string): Finding {
  return { part: 'mapping', severity: 'ok', check: 'mapping', message };
}
