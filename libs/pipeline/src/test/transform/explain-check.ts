import type { RecordRef, StateLook, TableSchema } from '@changeover/events';
import type { Mapping, Problem } from '@changeover/mapping';

import type { ExplainedRow, MergedPart } from '../../explain/explained-row.js';
import { RowExplanations } from '../../explain/row-explanations.js';
import { keyText } from '../naive-derivation.js';
import { CONVERTERS } from '../random-rules.js';
import { valuesText } from './definition.js';
import type { FollowedTarget } from './followed-target.js';
import { expectSame } from './same.js';
import type { View } from './told-rows.js';

type Explained = { readonly look: StateLook; readonly fetch: (ref: RecordRef) => Promise<TableSchema>; readonly view: View };

const sameKey = (a: readonly (string | null)[], b: readonly string[]): boolean => JSON.stringify(a) === JSON.stringify(b);

const NEVER = new AbortController().signal;

/** That what is said of every row of the source is what the target and the list of held rows hold, and all of it; and that all rows are counted just so. */
export async function expectExplained(mapping: Mapping, { look, fetch, view }: Explained, target: FollowedTarget): Promise<void> {
  await using explanations = await RowExplanations.of(look, { migration: 'm', mapping, converters: CONVERTERS, fetch });
  const standing = new Map<string, string[]>();
  const told: string[] = [];
  const merged = new Set<string>();
  const note = (one: ExplainedRow, sourceKey: string): void => {
    const { outcome, columns } = one;
    if (outcome === 'written' || outcome === 'kept' || outcome === 'passed') {
      const values = valuesText(Object.fromEntries(columns.map(({ column, written }) => [column, written ?? null])));
      standing.set(one.target, [...(standing.get(one.target) ?? []), values]);
    }
    if (outcome === 'held' || outcome === 'kept' || outcome === 'waiting') {
      const state = outcome === 'waiting' ? outcome : 'held';
      told.push(JSON.stringify([one.target, sourceKey, state, outcome === 'kept']));
    }
  };
  for (const [name, { form, rows }] of view) {
    const keys = form.columns.filter(({ key }) => key).map((column) => column.name);
    if (keys.length === 0 || !explanations.sources.has(name)) continue;
    for (const row of rows.values()) {
      const key = keys.map((column) => row[column] as string);
      for (const one of explanations.ofSource(name, key).rows) {
        const { outcome, driving } = one;
        expectSame([one.isConsistent, driving.key], [true, key]);
        note(one, `${one.rule === null ? '' : `${one.rule}:`}${keyText(key)}`);
        if (one.into !== null) {
          const sourceKey = `merged:${one.into.name}`;
          const [whole] = explanations.ofSource(name, [sourceKey]).rows as [ExplainedRow];
          const isPart = ({ source, rule }: MergedPart): boolean => rule === one.rule && source.table === name && sameKey(source.key, key);
          const { columns, parts, outcome: became } = whole;
          const place = (parts ?? []).findIndex(isPart);
          const from = columns.filter((column) => column.from?.includes(place)).map(({ column }) => column);
          // Of too many rows only some are named.
          const isNamed = place !== -1 || whole.columns.some(({ problem }) => problem?.startsWith('more than') === true);
          expectSame([whole.isConsistent, isNamed, one.into.outcome, one.into.columns], [true, true, became, from]);
          const id = `${one.target} ${sourceKey}`;
          if (!merged.has(id)) note(whole, sourceKey);
          merged.add(id);
          continue;
        }
        if (one.key === null || outcome === 'held' || outcome === 'filtered') continue;
        const again = explanations.ofTarget(one.target, one.key as readonly string[]);
        expectSame(
          again.filter((other) => other.driving.table === name && other.rule === one.rule).map((other) => other.driving.key),
          [key],
        );
      }
    }
  }
  const notWritten = target.held.filter(({ state }) => state !== 'noted');
  const heldRows = notWritten.map(({ target: table, source_key, state, kept }) => JSON.stringify([table, source_key, state, kept === 't']));
  expectSame(told.sort(), heldRows.sort());
  for (const table of explanations.targets.keys())
    expectSame({ table, rows: (standing.get(table) ?? []).sort() }, { table, rows: [...target.rows(table).values()].sort() });
  const counted = new Map<string, number>();
  let counts = { kept: 0, held: 0, waiting: 0, noted: 0 };
  const rules: Record<string, number> = {};
  for await (const { target: table, candidates, written, merged: others, lost, filtered, ...one } of explanations.counts(
    () => undefined,
    NEVER,
  )) {
    expectSame([candidates, lost], [written + others + one.kept + one.held + one.waiting + filtered, 0]);
    counts = {
      ...{ kept: counts.kept + one.kept, held: counts.held + one.held },
      ...{ waiting: counts.waiting + one.waiting, noted: counts.noted + one.noted },
    };
    for (const [rule, { noted, held }] of Object.entries(one.rules)) rules[rule] = (rules[rule] ?? 0) + noted + held;
    counted.set(table, (counted.get(table) ?? 0) + written + one.kept);
  }
  for (const [table, rows] of counted) expectSame({ table, rows }, { table, rows: target.rows(table).size });
  const held = (which: (row: FollowedTarget['held'][number]) => boolean): number => target.held.filter(which).length;
  expectSame(counts, {
    kept: held(({ kept }) => kept === 't'),
    held: held(({ state, kept }) => state === 'held' && kept !== 't'),
    waiting: held(({ state }) => state === 'waiting'),
    noted: held(({ state }) => state === 'noted'),
  });
  const said = target.held.flatMap(({ problems }) => JSON.parse(problems as string) as readonly Problem[]);
  const named: Record<string, number> = {};
  for (const { rule } of said) if (rule !== undefined) named[rule] = (named[rule] ?? 0) + 1;
  expectSame(rules, named);
}
