import { CORRECTION_COLUMNS, formatRows, HELD_NOW_COLUMNS, parseRows, type Line, type TableSchema } from '@changeover/events';
import type { Mapping } from '@changeover/mapping';
import { InMemoryStateStore, StateStorage } from '@changeover/testing';

import { SnapshotDerivation } from '../../transform/snapshot-derivation.js';
import { CONVERTERS } from '../random-rules.js';
import { valuesText, type NamedRow } from './definition.js';
import type { FollowedTarget } from './followed-target.js';
import { expectSame } from './same.js';
import { ThreadsInProcess } from './threads-in-process.js';
import { nameOf, type View } from './told-rows.js';

const SINCE: readonly string[] = ['since_seq', 'since_ms'];

/** That whoever knows only what the source holds in the end, and which versions are kept, comes to what the target holds. */
export async function expectFromSnapshot(mapping: Mapping, view: View, target: FollowedTarget): Promise<void> {
  for (const threaded of [false, true]) await expectDerived(mapping, view, target, threaded);
}

async function expectDerived(mapping: Mapping, view: View, target: FollowedTarget, threaded: boolean): Promise<void> {
  const state = new InMemoryStateStore(new StateStorage());
  const derivation = new SnapshotDerivation({
    migration: 'm',
    mapping,
    converters: CONVERTERS,
    tables: [...view.values()].map(({ form }) => form),
    state,
    maxStateBytes: 1000,
    ...(threaded && {
      startThreads: (setup) =>
        new ThreadsInProcess(
          () => state,
          setup,
          CONVERTERS,
          () => undefined,
        ),
      threadedRows: 1,
    }),
  });
  for (const source of derivation.sources) await derivation.fill(source, rowsOf(view, source));
  await derivation.correct(formatRows(target.corrections.map((row) => CORRECTION_COLUMNS.map((name) => row[name] ?? null))));
  const kept = target.held.flatMap(({ target: table, source_key, kept_version }) =>
    kept_version == null ? [] : [{ target: table as string, sourceKey: source_key as string, text: kept_version }],
  );
  await derivation.derive(kept, new AbortController().signal);
  for (const table of derivation.targets)
    expectSame(
      { table: nameOf(table), rows: sorted(linesOf(derivation.rows(table), table)) },
      { table: nameOf(table), rows: sorted(target.rows(nameOf(table)).values()) },
    );
  const without = (row: NamedRow): string => valuesText(Object.fromEntries(Object.entries(row).filter(([name]) => !SINCE.includes(name))));
  expectSame(
    sorted([...derivation.held()].map((line) => valuesText(named(line, HELD_NOW_COLUMNS)))),
    sorted(target.held.map((row) => without(row))),
  );
}

function rowsOf(view: View, source: TableSchema): Buffer {
  const rows = [...(view.get(nameOf(source))?.rows.values() ?? [])];
  return formatRows(rows.map((row) => source.columns.map(({ name }) => row[name] ?? null)));
}

function linesOf(lines: Iterable<Line>, { columns }: TableSchema): readonly string[] {
  const names = columns.map(({ name }) => name);
  return Array.from(lines, (line) => valuesText(named(line, names)));
}

function named({ bytes, start, end }: Line, names: readonly string[]): NamedRow {
  const [values] = parseRows(bytes.subarray(start, end + 1));
  return Object.fromEntries(names.map((name, place) => [name, values?.[place] ?? null]));
}

function sorted(texts: Iterable<string>): readonly string[] {
  return [...texts].sort();
}
