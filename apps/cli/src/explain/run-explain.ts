import { ChangeoverError, type Clock } from '@changeover/core';
import { listRecords, type HeldRow, type ReadPosition } from '@changeover/events';
import { mappingHash, type Mapping } from '@changeover/mapping';
import { RowExplanations, type Dependants, type ExplainedRow, type SourceRow } from '@changeover/pipeline';
import { createHeldRowList, type createLog, type AllSettings } from '@changeover/shell';

import { streamName } from '../log/open-log.js';
import { withRemembered } from '../state/state-here.js';

export type ExplainRequest = {
  /** `schema.table` of either end. */
  readonly table: string;
  readonly key: readonly string[];
  /** Of which end the table is, where both have one of this name; left out: of the target, if it makes rows of it. */
  readonly end?: 'source' | 'target';
  readonly clock: Clock;
  readonly signal: AbortSignal;
};

/** A record of `changes`, as far as it tells of rows. */
export type Event = {
  readonly seq: number;
  readonly kind: string;
  readonly position: string;
  /** Commit time in ms since the epoch; null: it has none. */
  readonly ts_ms: number | null;
};

export type Explanation = {
  readonly migration: string;
  readonly end: 'source' | 'target';
  readonly table: string;
  readonly key: readonly string[];
  /** The columns of the key. */
  readonly keyColumns: readonly string[];
  readonly mapping: string;
  /** The last record of `changes` that transform had read. */
  readonly read: ReadPosition;
  readonly rows: readonly (ExplainedRow & {
    /** What the target itself says of a version that it does not take. */
    readonly refused: readonly HeldRow[];
  })[];
  readonly dependants: readonly Dependants[];
  /** The records that changed the rows last. */
  readonly events: readonly Event[];
};

/** Asks where transform runs, as what it remembers is on that machine. */
export async function runExplain(settings: AllSettings, request: ExplainRequest): Promise<Explanation> {
  const { migration } = settings;
  const { table, key, clock, signal } = request;
  return withExplanations(settings, clock, async ({ explanations, mapping, log, store }) => {
    const stream = streamName(settings, 'changes');
    const { end, keyColumns } = placeOf(explanations, request);
    const found =
      end === 'source' ? explanations.ofSource(table, key) : { rows: explanations.ofTarget(table, key), dependants: [] as Dependants[] };
    const [rows, events] = await Promise.all([
      withRefused(settings, clock, found.rows),
      // What was read counts, and all of these records lie before it.
      eventsOf({ store, log, stream, known: explanations.read.at, signal }, recordsOf(found.rows)),
    ]);
    const { read } = explanations;
    return { migration, end, table, key, keyColumns, mapping: mappingHash(mapping), read, rows, dependants: found.dependants, events };
  });
}

type Opened = Awaited<ReturnType<typeof createLog>> & { readonly explanations: RowExplanations; readonly mapping: Mapping };

/** STATE_NOT_HERE where transform's state is on another machine. */
export async function withExplanations<Answer>(
  settings: AllSettings,
  clock: Clock,
  work: (opened: Opened) => Promise<Answer>,
): Promise<Answer> {
  return withRemembered(settings, clock, async ({ look, opening, ...open }) => {
    await using explanations = await RowExplanations.of(look, opening);
    return await work({ ...open, explanations, mapping: opening.mapping });
  });
}

function placeOf(
  { sources, targets }: RowExplanations,
  { table, key, end }: ExplainRequest,
): { readonly end: 'source' | 'target'; readonly keyColumns: readonly string[] } {
  const chosen = end ?? (targets.has(table) ? 'target' : 'source');
  const keyColumns = (chosen === 'source' ? sources : targets).get(table);
  if (keyColumns === undefined) {
    const known = [...new Set([...(end === 'source' ? [] : targets.keys()), ...(end === 'target' ? [] : sources.keys())])].sort();
    throw new ChangeoverError('BAD_SETTINGS', `nothing is made of or into a table ${table}; there are ${known.join(', ')}`);
  }
  // A key that is very long stands in the list of held rows as its hash.
  if (key.length !== keyColumns.length && !(chosen === 'source' && key[0]?.startsWith('sha256:') === true))
    throw new ChangeoverError('BAD_SETTINGS', `a row of ${table} is named by ${keyColumns.join(', ')}: a word for each`);
  return { end: chosen, keyColumns };
}

async function withRefused(
  { migration, limits, target }: AllSettings,
  clock: Clock,
  rows: readonly ExplainedRow[],
): Promise<Explanation['rows']> {
  const list = createHeldRowList(target, { migration, limits, clock });
  const told: Explanation['rows'][number][] = [];
  for (const row of rows) {
    const listed = row.key === null ? [] : await list.find(row.target, { key: row.key });
    told.push({ ...row, refused: listed.filter(({ state }) => state === 'refused') });
  }
  return told;
}

async function eventsOf(
  reading: Pick<Parameters<typeof listRecords>[0], 'store' | 'log' | 'stream' | 'known' | 'signal'>,
  records: readonly number[],
): Promise<readonly Event[]> {
  const eventOf = async (from: number): Promise<readonly Event[]> => {
    for await (const { header } of listRecords({ ...reading, from, follow: false, onFinding: () => undefined })) {
      const { seq, kind, pos, follows, ts_ms } = header;
      return seq === from ? [{ seq, kind, position: pos ?? follows, ts_ms: ts_ms ?? null }] : [];
    }
    return [];
  };
  return (await Promise.all(records.map(eventOf))).flat();
}

/** In their order, each once. */
function recordsOf(rows: readonly ExplainedRow[]): readonly number[] {
  const read = rows.flatMap(({ driving, joins }): SourceRow[] => [driving, ...joins.flatMap(({ found }) => found)]);
  return [...new Set(read.flatMap(({ seq }) => seq ?? []))].sort((a, b) => a - b);
}
