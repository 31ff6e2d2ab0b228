import { ChangeoverError, noCrash, type Clock, type IdSource } from '@changeover/core';
import { openControl } from '@changeover/control-postgres';
import { parseRows, type BarrierReached, type Decision, type HeldRow } from '@changeover/events';
import { CorrectableRows, type CorrectableRow } from '@changeover/pipeline';
import { createHeldRowList, createTarget, type AllSettings } from '@changeover/shell';

import { waitForBarrier } from '../barrier/wait-for-barrier.js';
import { withRemembered } from '../state/state-here.js';
import type { WantedCorrection } from './correction-lines.js';

/** Decisions of a request, which becomes one record, and their bytes; one decision may have as many. */
const [MOST_DECISIONS, MOST_BYTES] = [500, 256 * 1024];
/** Rows of the source of which is told what came of them: what is made of each is asked for by itself. */
const MOST_TOLD = 20;
/** What neither a database nor JSON in one takes as text. */
const NO_TEXT = '\0';

type Context = { readonly clock: Clock; readonly ids: IdSource; readonly signal: AbortSignal };

/** Where transform runs, as what the source holds is told by what it remembers. STATE_NOT_HERE as `explain`. */
export async function withCorrectableRows<Answer>(
  settings: AllSettings,
  clock: Clock,
  work: (rows: CorrectableRows) => Promise<Answer> | Answer,
): Promise<Answer> {
  return withRemembered(settings, clock, async ({ look, opening }) => {
    await using rows = await CorrectableRows.of(look, opening);
    return await work(rows);
  });
}

/** A decision, and what it is of. */
export type Deciding = { readonly row: DecidedAbout; readonly decision: Decision };

/** What a row of the source is called, and what is made of it, as the list of held rows has it. */
export type DecidedAbout = Pick<CorrectableRow, 'key' | 'made'>;

/** What `wanted` comes to: the row that it is of, and the decision. CORRECTION_IMPOSSIBLE, CORRECTION_TOO_LARGE or BAD_SETTINGS where it comes to none. Never tells a value. */
export function correctionOf(rows: CorrectableRows, { table, key, column, from, to, why }: WantedCorrection): Deciding {
  const row = rows.row(table, key);
  const holds = row.holds(column);
  const decision = { what: 'correct' as const, table, key: row.key, column, from: from === undefined ? holds : from, to, why };
  if (decision.from === to) throw new ChangeoverError('BAD_SETTINGS', `what is to be read of ${column} is what it holds`);
  return { row, decision: checked(decision, [from, to, why]) };
}

/** `texts`: what somebody has typed of it. */
export function checked(decision: Decision, texts: readonly (string | null | undefined)[]): Decision {
  const { table, column } = decision;
  if (texts.some((text) => text != null && (text.includes(NO_TEXT) || !text.isWellFormed())))
    throw new ChangeoverError('BAD_SETTINGS', `a text for ${column} has a character that no database takes`);
  const bytes = sizeOf(decision);
  if (bytes > MOST_BYTES)
    throw new ChangeoverError(
      'CORRECTION_TOO_LARGE',
      `what is decided about ${column} has ${String(bytes)} bytes; ${String(MOST_BYTES)} are the most`,
      {
        facts: { table, bytes },
      },
    );
  return decision;
}

/** Null: it cannot be corrected now, or is gone. */
export function rowIfThere(rows: CorrectableRows, table: string, key: readonly string[]): CorrectableRow | null {
  try {
    return rows.row(table, key);
  } catch (error) {
    if (error instanceof ChangeoverError && error.code === 'CORRECTION_IMPOSSIBLE') return null;
    throw error;
  }
}

export async function* decisionsOf(all: AsyncIterable<Deciding>): AsyncGenerator<Decision> {
  for await (const { decision } of all) yield decision;
}

/** Asks for decisions as they come, in as few requests as they fit into; gives how many. */
export async function submitDecisions(
  settings: AllSettings,
  { ids, clock, signal }: Context,
  decisions: AsyncIterable<Decision> | Iterable<Decision>,
): Promise<{ readonly decisions: number; readonly requests: readonly string[] }> {
  await using control = await openControl({ url: settings.control.url, clock });
  const requests: string[] = [];
  let count = 0;
  for await (const some of inRequests(decisions)) {
    signal.throwIfAborted();
    const id = ids.uuid();
    await control.requests.submit({ migration: settings.migration, id, kind: 'correct', payload: { decisions: some } });
    requests.push(id);
    count += some.length;
  }
  return { decisions: count, requests };
}

/** As many of them together as a request may hold. */
export async function* inRequests(decisions: AsyncIterable<Decision> | Iterable<Decision>): AsyncGenerator<readonly Decision[]> {
  let [some, bytes]: [Decision[], number] = [[], 0];
  for await (const decision of decisions) {
    const size = sizeOf(decision);
    if (some.length === MOST_DECISIONS || (some.length > 0 && bytes + size > MOST_BYTES)) {
      yield some;
      [some, bytes] = [[], 0];
    }
    some.push(decision);
    bytes += size;
  }
  if (some.length > 0) yield some;
}

/** Null: it is not there in time, or nobody waits any more. */
export async function untilAtTarget(settings: AllSettings, { clock, ids, signal }: Context): Promise<BarrierReached | null> {
  const { migration, control, limits } = settings;
  const token = ids.uuid();
  {
    await using open = await openControl({ url: control.url, clock });
    await open.requests.submit({ migration, id: token, kind: 'barrier', payload: {} });
  }
  const target = createTarget(settings.target, { migration, limits, clock, crashPoint: noCrash });
  return waitForBarrier(target, token, { clock, signal }).finally(() => target.stop());
}

/** What became of a row of the source at one table of the target. */
export type DecidedRow = {
  readonly target: string;
  readonly key: readonly (string | null)[];
  /** Why it is not there as it is now; null: it is neither held, nor waits, nor is refused. */
  readonly held: Pick<HeldRow, 'state' | 'reason' | 'column'> | null;
};

export async function outcomesOf(
  { migration, target, limits }: AllSettings,
  clock: Clock,
  rows: readonly DecidedAbout[],
): Promise<readonly DecidedRow[]> {
  const list = createHeldRowList(target, { migration, limits, clock });
  const told: DecidedRow[] = [];
  for (const { target: table, key } of rows.flatMap(({ made }) => made)) {
    const [found] = (await list.find(table, { key })).filter(({ state }) => state !== 'refused');
    told.push({
      target: table,
      key,
      held: found === undefined ? null : { state: found.state, reason: found.reason, column: found.column },
    });
  }
  return told;
}

/** Counts decisions by table and column, and keeps the first rows, of which {@link outcomesOf} may tell. */
export class DecisionSummary {
  readonly rows: DecidedAbout[] = [];
  /** Decisions about other rows than these. */
  more = 0;
  readonly #columns = new Map<string, { readonly table: string; readonly column: string; decisions: number }>();

  /** `row`: null where nothing can be told of it. */
  add({ table, column, ...decision }: Decision, row: DecidedAbout | null): void {
    // What is accepted is of a column of the target.
    const of = 'target' in decision ? (decision.target ?? table) : table;
    const counted = this.#columns.get(`${of}\n${column}`) ?? { table: of, column, decisions: 0 };
    this.#columns.set(`${of}\n${column}`, counted);
    counted.decisions++;
    if (row === null) {
      this.more++;
      return;
    }
    if (this.rows.some(({ key, made }) => key === row.key && made[0]?.target === row.made[0]?.target)) return;
    if (this.rows.length < MOST_TOLD) this.rows.push(row);
    else this.more++;
  }

  get told(): Pick<DecisionSummary, 'columns' | 'rows' | 'more'> {
    return { columns: this.columns, rows: this.rows, more: this.more };
  }

  get columns(): readonly { readonly table: string; readonly column: string; readonly decisions: number }[] {
    return [...this.#columns.values()];
  }
}

/** The columns of a key that is COPY text, as a decision has it. */
export function rowOfKey(key: string): readonly string[] {
  const [row = []] = parseRows(Buffer.from(`${key}\n`));
  return row.map((value) => value ?? '');
}

function sizeOf(decision: Decision): number {
  return Buffer.byteLength(JSON.stringify(decision));
}
