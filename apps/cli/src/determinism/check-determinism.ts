import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { asChangeoverError, countWords, type Clock } from '@changeover/core';
import { countLines, type TableSchema } from '@changeover/events';
import { tableUse, type Mapping } from '@changeover/mapping';
import { loadMapping, type AdapterContext, type CliSettings } from '@changeover/shell';

import { failed, type Finding } from '../check/finding.js';
import { referenceRows } from '../reference/read-references.js';
import { withSourceSnapshot } from '../source-snapshot.js';
import { keyWords, valueWords } from '../verify/verify-view.js';
import { compareDerived, placeOf, type Disagreement } from './compare-derived.js';
import { deriveIn, type DerivationTask, type Derived, type TableRows } from './derive-in.js';
import { takeSample } from './source-sample.js';
import { changedIn, INFLUENCES, OTHER, USUAL, type Influence, type Surroundings } from './surroundings.js';

/** Enough for every branch of a mapping that its data reach often; seconds to derive, and about ten times as much memory. */
const SAMPLE = { rows: 2_000, bytes: 16 * 1024 * 1024 };

export type DeterminismCheck = {
  /** The captured tables. */
  readonly tables: readonly TableSchema[];
  readonly context: AdapterContext;
  /** Whether values that differ are told as well. */
  readonly values: boolean;
  readonly signal: AbortSignal;
};

/** What came out differently, and what of its surroundings that depends on; none: on something else that differs from run to run. */
export type CausedDisagreement = Disagreement & { readonly causes: readonly Influence[] };

/**
 * Derives a sample of the source's rows twice, in two processes that differ in all that a row must not depend on: time zone, locale, clock and random numbers.
 * What does not come out the same would differ from one run of Changeover to the next, and be taken for damage or, worse, not be noticed.
 */
export async function checkDeterminism(settings: CliSettings, check: DeterminismCheck): Promise<readonly Finding[]> {
  const { context, signal, values } = check;
  try {
    const sample = await sampleOf(settings, check);
    const rows = sample.reduce((sum, one) => sum + countLines(Buffer.from(one.rows)), 0);
    if (rows === 0) return [{ part: 'mapping', severity: 'warning', check: 'determinism', message: 'there is no row to be derived twice' }];
    const folder = await mkdtemp(join(tmpdir(), 'changeover-twice-'));
    try {
      const { migration, mapping, limits } = settings;
      const task = { migration, mapping, sample, maxStateBytes: limits.stateBytes };
      const found = await deriveTwice(task, { folder, clock: context.clock, signal });
      if (found.length > 0) return found.map((one) => finding(one, values));
    } finally {
      // A process of the state may still be ending in there.
      await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    }
    const message = `derived twice, with other time zone, locale, clock and random numbers: ${countWords(rows)} rows of ${countWords(sample.length)} tables, the same each time`;
    return [{ part: 'mapping', severity: 'ok', check: 'determinism', message }];
  } catch (error) {
    signal.throwIfAborted();
    return failed('mapping', asChangeoverError(error));
  }
}

/** `folder`: for what nobody needs later; it need not be there yet, and its owner takes it away. */
type Place = { readonly folder: string; readonly clock: Clock; readonly signal: AbortSignal };

/** What differs between two processes; and if something does, which of their differences alone makes it differ. */
export async function deriveTwice(task: Omit<DerivationTask, 'folder'>, place: Place): Promise<readonly CausedDisagreement[]> {
  let runs = 0;
  const failed = new AbortController();
  const signal = AbortSignal.any([place.signal, failed.signal]);
  const derive = (surroundings: Surroundings): Promise<Derived> =>
    deriveIn(surroundings, { ...task, folder: join(place.folder, String(runs++)) }, { ...place, signal });
  const both = [derive(USUAL), derive(OTHER)] as const;
  const [usual, other] = await Promise.all(both).catch(async (error: unknown) => {
    failed.abort(error);
    await Promise.allSettled(both);
    throw error;
  });
  const found = compareDerived(usual, other);
  if (found.length === 0) return [];
  const again = new Set(compareDerived(usual, await derive(USUAL)).map(placeOf));
  const causes = new Map<Influence, ReadonlySet<string>>();
  for (const influence of INFLUENCES)
    causes.set(influence, new Set(compareDerived(usual, await derive(changedIn(influence))).map(placeOf)));
  return found.map((one) => {
    const id = placeOf(one);
    // What differs in the same surroundings differs in others as well: that says nothing about them.
    return { ...one, causes: again.has(id) ? [] : INFLUENCES.filter((influence) => causes.get(influence)?.has(id)) };
  });
}

async function sampleOf(settings: CliSettings, { tables, context, signal }: DeterminismCheck): Promise<readonly TableRows[]> {
  const mapping = await loadMapping(settings.mapping);
  const read = tables.filter((table) => isDerived(mapping, table));
  const references = await referenceRows(settings, context, mapping);
  const sample = await withSourceSnapshot(settings, context, { tables: read, signal }, (snapshot) => takeSample(snapshot, read, SAMPLE));
  return [...sample, ...references];
}

/** Of a table without a key nothing is derived: its rows go as they come. */
function isDerived(mapping: Mapping, table: TableSchema): boolean {
  const { passed, read } = tableUse(mapping, table);
  return table.columns.some(({ key }) => key) && (passed !== null || read);
}

const WORDS = {
  timeZone: 'the time zone',
  locale: 'the locale',
  clock: 'the clock',
  seed: 'Math.random',
} as const satisfies Record<Influence, string>;

function finding({ causes, values, ...told }: CausedDisagreement, withValues: boolean): Finding {
  const { table, column, rows, key } = told;
  const cause = causes.length === 0 ? 'something that differs from run to run' : causes.map((influence) => WORDS[influence]).join(' and ');
  const facts = { part: 'mapping', severity: 'error', check: 'NOT_DETERMINISTIC' } as const;
  const disagreement = { ...told, causes, ...(withValues && { values }) };
  if (table === null)
    return { ...facts, message: `the file gives another mapping each time it is loaded: that depends on ${cause}`, disagreement };
  const what = column === null ? `whether ${table} has a row` : `${table}.${column}`;
  const where = `${rows === 1 ? 'one row' : `${countWords(rows)} rows, the first`} is ${keyWords(key)}`;
  const shown = withValues && column !== null ? `: ${values.map(valueWords).join(' or ')}` : '';
  return { ...facts, message: `${what} depends on ${cause}: ${where}${shown}`, disagreement };
}
