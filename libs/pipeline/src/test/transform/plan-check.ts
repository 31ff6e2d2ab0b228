import { RandomIdSource } from '@changeover/core';
import { decodeJsonBody, SequencedLog, type RecordRef, type TableSchema } from '@changeover/events';
import { InMemoryMessageStore, InMemoryStateStore, StateStorage, type MemoryStorage } from '@changeover/testing';

import { changesNothing, planMapping, type MappingPlan } from '../../plan/plan-mapping.js';
import { mergedNumber, ruleAt, type KeptVersion, type Outcome } from '../naive-derivation.js';
import { CONVERTERS } from '../random-rules.js';
import { CHANGES } from './changes-script.js';
import { Definition, valuesText, type NamedRow } from './definition.js';
import type { MigrationCensus } from './migration-census.js';
import type { Migration } from './random-migration.js';
import { expectSame } from './same.js';
import { lookAt } from './state-check.js';
import type { WritesCheck } from './writes-check.js';

const NEVER = new AbortController().signal;

type Planned = {
  readonly changes: MemoryStorage;
  readonly state: StateStorage;
  readonly check: WritesCheck;
  readonly census: MigrationCensus;
};

/** That the plan of another mapping says of each row what the definition does, and that the same mapping changes nothing. */
export async function expectPlanned(migration: Migration, { changes, state, check, census }: Planned): Promise<void> {
  const { mapping, other } = migration;
  const { place, target, numbers } = check;
  const log = new SequencedLog(new InMemoryMessageStore(changes), new RandomIdSource());
  const fetch = async (ref: RecordRef): Promise<TableSchema> => decodeJsonBody('schema', await log.fetch(CHANGES, ref)).table;
  const plan = (proposed: Migration['mapping']): Promise<MappingPlan> =>
    planMapping(
      {
        migration: 'm',
        active: mapping,
        proposed,
        converters: CONVERTERS,
        look: lookAt(state),
        fetch,
        state: new InMemoryStateStore(new StateStorage()),
        maxStateBytes: 1000,
        named: Infinity,
        values: true,
        onStep: () => undefined,
      },
      NEVER,
    );
  expectSame(changesNothing(await plan(mapping)), true);

  const planned = await plan(other);
  const definition = new Definition({ ...migration, mapping: other }, numbers.numbering);
  const kept = keptOver(migration, new Definition(migration, numbers.numbering), definition, check.expected.outcomes);
  const { missing } = numbers;
  const expected = definition.at(place, kept);
  // Which numbers others would have nobody knows yet.
  if (numbers.missing > missing) return;
  census.saw(
    'plan with a kept version',
    [...expected.held.values()].some((said) => said.kept),
  );
  const tables = [...new Set([...target.tables, ...expected.tables.keys()])].filter((name) =>
    planned.tables.some((one) => one.table === name),
  );
  expectSame(
    planned.tables.map(({ table }) => table).filter((name) => !tables.includes(name) && rowsIn(planned, name) > 0),
    [],
  );
  for (const name of tables) {
    const one = planned.tables.find(({ table }) => table === name) as MappingPlan['tables'][number];
    const [was, is] = [target.rows(name), expected.tables.get(name) ?? new Map<string, string>()];
    const rekeyed = one.state === 'rekeyed';
    const comes = [...is].filter(([key]) => rekeyed || !was.has(key));
    const goes = [...was].filter(([key]) => rekeyed || !is.has(key));
    const left = (text: string): string => valuesText(without(text, one.leftColumns));
    const changed = [...is].filter(([key, text]) => !rekeyed && was.has(key) && left(was.get(key) as string) !== text);
    const told = (what: 'comes' | 'goes'): readonly string[] =>
      one.rows
        .filter((row) => row.what === what)
        .map(({ values }) => valuesText((what === 'comes' ? values?.after : values?.before) as NamedRow))
        .sort();
    expectSame(
      { name, before: one.before, after: one.after, counts: [one.comes, one.goes, one.changes], comes: told('comes'), goes: told('goes') },
      {
        name,
        before: was.size,
        after: is.size,
        counts: [comes.length, goes.length, changed.length],
        comes: comes.map(([, text]) => text).sort(),
        goes: goes.map(([, text]) => text).sort(),
      },
    );
    census.saw('plan that changes rows', changed.length > 0);
    const said = [...expected.held].filter(([id]) => id.startsWith(`${name} `)).map(([, row]) => row);
    const of = (rows: readonly { readonly state: string | null | undefined; readonly kept: boolean }[]): unknown => ({
      held: rows.filter((row) => row.state === 'held' && !row.kept).length,
      kept: rows.filter((row) => row.kept).length,
      waiting: rows.filter((row) => row.state === 'waiting').length,
      noted: rows.filter((row) => row.state === 'noted').length,
    });
    const heldNow = target.held.filter((row) => row['target'] === name).map((row) => ({ state: row['state'], kept: row['kept'] === 't' }));
    expectSame({ name, held: one.held }, { name, held: { before: of(heldNow), after: of(said) } });
  }
}

function rowsIn({ tables }: MappingPlan, name: string): number {
  return tables.filter(({ table }) => table === name).reduce((sum, { before, after }) => sum + before + after, 0);
}

/** What stands now of rows whose rules make the same of them: by rule of the other mapping, and key. */
export function keptOver(
  { mapping, other }: Pick<Migration, 'mapping' | 'other'>,
  ours: Definition,
  theirs: Definition,
  outcomes: ReadonlyMap<string, Outcome>,
): ReadonlyMap<string, KeptVersion> {
  const shape = (rule: Migration['mapping']['rules'][number] | undefined): string =>
    JSON.stringify([rule?.source, columnsOf(rule?.columns ?? {}), rule?.key, rule?.unique ?? [], rule?.requires ?? []]);
  /** What has the key of another row means that one. */
  const columnsOf = (columns: Migration['mapping']['rules'][number]['columns']): unknown =>
    Object.entries(columns).map(([name, value]) => [name, 'keyOf' in value ? value : null]);
  const same = (rule: number): number => {
    const one = ruleAt(ours.rules, rule);
    const merged = mergedNumber(theirs.rules, one.target);
    if (one.name === 'merged') return theirs.rules.some(({ target, merge }) => target === one.target && merge !== null) ? merged : -1;
    return theirs.rules.findIndex((two) => two.target === one.target && two.name === one.name);
  };
  /** All that make a row have to be of the same shape: of a merged row those that its rows may come from. */
  const shapes = (rules: Migration['mapping']['rules'], definition: Definition, number: number): string => {
    const { target, name } = ruleAt(definition.rules, number);
    return rules
      .filter((rule) => rule.target === target && (name === 'merged' || (rule.name ?? null) === name))
      .map(shape)
      .join();
  };
  const kept = new Map<string, KeptVersion>();
  for (const [id, { version, parents }] of outcomes) {
    const number = Number(id.slice(0, id.indexOf(' ')));
    const to = same(number);
    if (version === null || to === -1 || !ruleAt(theirs.rules, to).keepsLast) continue;
    const [was, is] = [shapes(mapping.rules, ours, number), shapes(other.rules, theirs, to)];
    if (was === '' || was !== is) continue;
    const named = parents.map(({ rule, key }) => ({ rule: same(rule), key }));
    if (named.every(({ rule }) => rule !== -1))
      kept.set(`${String(to)} ${id.slice(id.indexOf(' ') + 1)}`, { values: version, parents: named });
  }
  return kept;
}

function without(text: string, columns: readonly string[]): NamedRow {
  return Object.fromEntries((JSON.parse(text) as [string, string][]).filter(([name]) => !columns.includes(name)));
}
