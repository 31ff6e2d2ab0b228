import { ChangeoverError, countWords, type Clock, type IdSource } from '@changeover/core';
import type { HeldState, RefusedFilter, RetriedRows } from '@changeover/events';
import { createHeldRowList, createRefusedRetries, type AllSettings } from '@changeover/shell';

import { inColumns } from '../status/columns.js';
import { untilAtTarget } from './decide.js';
import { visible } from './words.js';

/** What `held retry` has to say. */
export type Retried = RetriedRows & {
  readonly migration: string;
  /** Refused rows that are meant. */
  readonly asked: number;
  /** Nothing was asked for. */
  readonly dryRun: boolean;
};

/** Tables and reasons that are told. */
const MOST_GROUPS = 100;

type Context = { readonly clock: Clock; readonly ids: IdSource; readonly signal: AbortSignal };

/** What is refused, by table and reason, without asking for anything. */
export async function refusedNow(settings: AllSettings, clock: Clock, filter: RefusedFilter): Promise<Retried> {
  const { migration, target, limits } = settings;
  const { table, reason, key } = filter;
  const list = createHeldRowList(target, { migration, limits, clock });
  if (table !== undefined && key !== undefined) {
    const refused = (await list.find(table, { key })).filter(
      (row) => row.state === 'refused' && (reason === undefined || row.reason === reason),
    );
    return { migration, dryRun: true, asked: refused.length, due: 0, released: 0, refused: refused.map((row) => ({ ...row, rows: 1 })) };
  }
  const which = { state: 'refused' as const, ...(table !== undefined && { table }), ...(reason !== undefined && { reason }) };
  const [{ refused: asked }, refused] = await Promise.all([list.totals(which), list.groups(which, MOST_GROUPS)]);
  return { migration, dryRun: true, asked, due: 0, released: 0, refused };
}

/** Has load try them again, and waits for it; null: `signal` came first, and what was asked for stands. NOT_REFUSED where there are none. */
export async function retry(
  settings: AllSettings,
  context: Context,
  { filter, onLook }: { readonly filter: RefusedFilter; readonly onLook: (outcome: RetriedRows, asked: number) => void },
): Promise<Retried | null> {
  const { migration, target, limits } = settings;
  const { clock, ids, signal } = context;
  const retries = createRefusedRetries(target, { migration, limits, clock });
  const id = ids.uuid();
  const asked = await retries.ask(id, filter);
  if (asked === 0) throw await notRefused(settings, clock, filter);
  for (;;) {
    if ((await untilAtTarget(settings, context)) === null || signal.aborted) return null;
    const outcome = await retries.outcome(id);
    onLook(outcome, asked);
    if (outcome.due === 0) return { migration, dryRun: false, asked, ...outcome };
  }
}

const DERIVED: Readonly<Record<Exclude<HeldState, 'refused'>, string>> = {
  held: 'a rule of the mapping holds it, so it is derived again with each change: correct it, or `changeover held accept`',
  waiting: 'it waits for a row that it needs, and comes by itself with that',
  noted: 'it is there; something is only noted of it',
};

async function notRefused(
  { migration, target, limits }: AllSettings,
  clock: Clock,
  { table, key }: RefusedFilter,
): Promise<ChangeoverError> {
  const facts = { migration, ...(table !== undefined && { table }) };
  if (table === undefined || key === undefined)
    return new ChangeoverError('NOT_REFUSED', 'the new database refuses no such row', { facts });
  const [found] = await createHeldRowList(target, { migration, limits, clock }).find(table, { key });
  const why = found === undefined || found.state === 'refused' ? '' : `: ${DERIVED[found.state]}`;
  return new ChangeoverError('NOT_REFUSED', `the new database does not refuse this row of ${table}${why}`, { facts });
}

export function renderRetried({ asked, dryRun, due, released, refused }: Retried): string {
  const still = refused.reduce((sum, { rows }) => sum + rows, 0);
  // Whoever asks last is told what becomes of a row. Beside so many groups as are told there may be others.
  const [others, more] =
    dryRun || refused.length >= MOST_GROUPS ? [0, asked - due - released - still] : [asked - due - released - still, 0];
  const rows = (count: number): string => `${countWords(count)} ${count === 1 ? 'row' : 'rows'}`;
  const groups = [
    ...inColumns(refused.map(({ table, reason, rows: of }) => [`  ${countWords(of)}`, table, visible(reason)])),
    ...(more > 0 ? [`  and ${countWords(more)} more, for other reasons${dryRun ? '' : ' or asked for by somebody else since'}`] : []),
  ];
  const lines = dryRun
    ? [`${rows(asked)} would be tried again; nothing was asked for`, ...groups]
    : [
        `${rows(asked)} tried again: ${countWords(released)} refused no more, ${countWords(still)} refused still`,
        ...(others > 0 ? [`${rows(others)} were asked for by somebody else since, who is told what becomes of them`] : []),
        ...groups,
      ];
  return `${lines.join('\n')}\n`;
}
