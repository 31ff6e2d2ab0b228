import {
  ALLOCATED_COLUMNS,
  ALLOCATED_TABLE,
  CORRECTION_COLUMNS,
  formatRows,
  HELD_NOW_COLUMNS,
  parseRows,
  REFERENCE_COLUMNS,
  type Line,
  type TableSchema,
} from '@changeover/events';
import { isReference, type Mapping } from '@changeover/mapping';
import { InMemoryStateStore, StateStorage } from '@changeover/testing';

import { SnapshotDerivation, type DerivedSoFar } from '../../transform/snapshot-derivation.js';
import { CONVERTERS } from '../random-rules.js';
import { valuesText, type NamedRow } from './definition.js';
import type { FollowedTarget } from './followed-target.js';
import type { MigrationCensus } from './migration-census.js';
import { expectSame } from './same.js';
import { ThreadsInProcess } from './threads-in-process.js';
import type { ToldNumbers } from './told-numbers.js';
import { nameOf, type View } from './told-rows.js';

/** What `writes` has said. */
type Told = { readonly target: FollowedTarget; readonly numbers: ToldNumbers };

/** Commits of a process before it ends: one may be of nothing new. */
const COMMITS = 2;
const PIECE_ROWS = 3;
const ROUND_ROWS = 2;
const NEVER = new AbortController().signal;

class BrokenOff extends Error {}

class WatchedStore extends InMemoryStateStore {
  readonly #spilled: () => void;

  constructor(storage: StateStorage, spilled: () => void) {
    super(storage);
    this.#spilled = spilled;
  }

  override async spill(): Promise<void> {
    this.#spilled();
    await super.spill();
  }
}

const SINCE: readonly string[] = ['since_seq', 'since_ms'];

/** That whoever knows only what the source holds in the end, and which versions are kept, comes to what the target holds. */
export async function expectFromSnapshot(mapping: Mapping, view: View, told: Told, census: MigrationCensus): Promise<void> {
  await expectDerived(mapping, view, told, null);
  await expectDerived(mapping, view, told, census);
}

/**
 * `ofBrokenOff`: ranges are derived in threads, with few rows in a round, and the process ends again and again; each time another one goes on with what was
 * committed. Null: it does not.
 */
async function expectDerived(mapping: Mapping, view: View, { target, numbers }: Told, ofBrokenOff: MigrationCensus | null): Promise<void> {
  const storage = new StateStorage();
  let commits = 0;
  /** Where it has ended between rounds: at each place once, as it would else never come further. */
  const ended = new Set<string>();
  const open = (): InMemoryStateStore =>
    new WatchedStore(storage, () => {
      const at = String(storage.place);
      if (ofBrokenOff === null || ended.has(at)) return;
      ended.add(at);
      ofBrokenOff.saw('snapshot whose derivation ended between rounds');
      throw new BrokenOff();
    });
  let state = open();
  const over = (from?: DerivedSoFar): SnapshotDerivation =>
    new SnapshotDerivation({
      migration: 'm',
      mapping,
      converters: CONVERTERS,
      tables: [...view.values()].map(({ form }) => form),
      state,
      maxStateBytes: 1000,
      ...(ofBrokenOff !== null && {
        from,
        placeOf: (derived) => {
          if (commits++ === COMMITS) throw new BrokenOff();
          return Buffer.from(JSON.stringify(derived));
        },
        startThreads: (setup) =>
          new ThreadsInProcess(
            () => state,
            setup,
            CONVERTERS,
            () => undefined,
          ),
        threadedRows: 1,
        pieceRows: PIECE_ROWS,
        roundRows: ROUND_ROWS,
      }),
    });
  const goneOn = (): SnapshotDerivation => {
    state = open();
    commits = 0;
    return over(JSON.parse(String(storage.place)) as DerivedSoFar);
  };
  let derivation = over();
  for (const source of derivation.sources) if (!isReference(nameOf(source))) await derivation.fill(source, rowsOf(view, source));
  await derivation.refer(formatRows(target.references.map((row) => REFERENCE_COLUMNS.map((name) => row[name] ?? null))));
  await derivation.correct(formatRows(target.corrections.map((row) => CORRECTION_COLUMNS.map((name) => row[name] ?? null))));
  await derivation.number(numbers.rows);
  const kept = target.held.flatMap(({ target: table, source_key, kept_version }) =>
    kept_version == null ? [] : [{ target: table as string, sourceKey: source_key as string, text: kept_version }],
  );
  if (ofBrokenOff !== null) {
    await derivation.tell(kept);
    await derivation.mark();
    do derivation = goneOn();
    while (await isBroken(derivation));
    derivation = goneOn();
  } else await derivation.derive(kept, NEVER);
  expectSame(sorted(linesOf(derivation.numbers(), ALLOCATED_TABLE)), sorted(parseRows(numbers.rows).map((row) => numbered(row))));
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

/** Whether it ended before its time. */
async function isBroken(derivation: SnapshotDerivation): Promise<boolean> {
  try {
    await derivation.derive(derivation.told(), NEVER);
    await derivation.mark();
    return false;
  } catch (error) {
    if (error instanceof BrokenOff) return true;
    throw error;
  }
}

function rowsOf(view: View, source: TableSchema): Buffer {
  const rows = [...(view.get(nameOf(source))?.rows.values() ?? [])];
  return formatRows(rows.map((row) => source.columns.map(({ name }) => row[name] ?? null)));
}

function numbered(row: readonly (string | null | undefined)[]): string {
  return valuesText(Object.fromEntries(ALLOCATED_COLUMNS.map((name, place) => [name, row[place] ?? null])));
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
