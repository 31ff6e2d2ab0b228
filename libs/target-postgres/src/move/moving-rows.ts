import type { Line } from '@changeover/events';

import type { KeyedLine, NameOf } from '../apply/key-names.js';
import { schemaOf } from '../apply/refused-rows.js';
import { keyOf, lineFrom, valuesOf } from '../apply/row-values.js';
import type { OpenRefusal, TargetOp } from '../apply/target-op.js';
import type { NetRow } from '../net/net-row.js';
import type { TablePlan } from '../sql/table-plan.js';
import type { TableBetween } from './net-between.js';

/** A refusal that stood open at one of the two places only. */
export type RefusalBetween = { readonly refusal: OpenRefusal; readonly stoodAt: 'from' | 'to' };

type PlanOf = (schema: TableBetween['schema']) => TablePlan;

/** A row on its way from how it stands at the one place to how it stood at the other; null: there is none. */
type MovingRow = {
  readonly plan: TablePlan;
  from: Line | null;
  to: Line | null;
  /** The keys that it has at the two places by the writes, whatever the target made of it; null: none. */
  readonly wantedFrom: string | null;
  readonly wantedTo: string | null;
};

/**
 * What has to be done to the rows of the target, so that they stand as they stood at the other place. The writes say what rows should be; where the target
 * refused one, at either place, what stood there instead is what `changeover.refused` says.
 */
export async function movingOps(
  tables: readonly TableBetween[],
  direction: 'back' | 'forth',
  refusals: readonly RefusalBetween[],
  { planOf, namesOf }: { readonly planOf: PlanOf; readonly namesOf: (lines: readonly KeyedLine[]) => Promise<NameOf> },
): Promise<TargetOp[]> {
  const rows = new MovingRows(planOf);
  for (const { schema, rows: net } of tables) for (const row of net) rows.add(planOf(schema), direction === 'back' ? turned(row) : row);
  for (const { refusal, stoodAt } of refusals) rows.lay(refusal, stoodAt);
  return rows.ops(await namesOf(rows.keys()));
}

/** The change that undoes it. */
export function turned({ kind, seq, origin, originKey, line, key }: NetRow): NetRow {
  const back = { insert: 'delete', update: 'update', delete: 'insert' } as const;
  return { kind: back[kind], seq, origin: line, originKey: key, line: origin, key: originKey };
}

class MovingRows {
  readonly #planOf: PlanOf;
  readonly #rows: MovingRow[] = [];
  readonly #byWanted = { from: new Map<string, MovingRow[]>(), to: new Map<string, MovingRow[]>() };

  constructor(planOf: PlanOf) {
    this.#planOf = planOf;
  }

  add(plan: TablePlan, { origin, line, originKey, key }: NetRow): void {
    const wanted = (side: Line | null, text: string | null): string | null => text ?? (side === null ? null : textOf(side));
    this.#put({ plan, from: origin, to: line, wantedFrom: wanted(origin, originKey), wantedTo: wanted(line, key) });
  }

  /** What the target has instead of a row that it refuses. */
  lay(refusal: OpenRefusal, stoodAt: 'from' | 'to'): void {
    const { stands, wanted } = refusal;
    // A delete that was refused: by the writes there is no such row.
    const row = wanted === null ? this.#putNone(refusal) : (this.#take(refusal, stoodAt) ?? this.#putWanted(refusal));
    row[stoodAt] = stands === null ? null : lineFrom(row.plan, stands, false);
  }

  keys(): readonly KeyedLine[] {
    return this.#rows.flatMap(({ plan, from, to }) =>
      plan.addressing === 'key' ? [from, to].flatMap((line) => (line === null ? [] : [{ plan, line }])) : [],
    );
  }

  ops(nameOf: NameOf): TargetOp[] {
    return joined(this.#rows, nameOf).flatMap(({ plan, from, to }): TargetOp[] => {
      if (from === null && to === null) return [];
      if (from !== null && to !== null && isSame(from, to)) return [];
      const kind = from === null ? 'insert' : to === null ? 'delete' : 'update';
      const keyed = plan.addressing === 'key';
      const key = (line: Line | null): string | null => (keyed && line !== null ? keyOf(plan, line) : null);
      return [{ plan, refusal: null, row: { kind, seq: 0, origin: from, originKey: key(from), line: to, key: key(to) } }];
    });
  }

  #put(row: MovingRow): MovingRow {
    this.#rows.push(row);
    for (const side of ['from', 'to'] as const) {
      const wanted = side === 'from' ? row.wantedFrom : row.wantedTo;
      if (wanted === null) continue;
      const name = `${row.plan.id}\u0000${wanted}`;
      const known = this.#byWanted[side].get(name);
      if (known === undefined) this.#byWanted[side].set(name, [row]);
      else known.push(row);
    }
    return row;
  }

  #take({ table, keyText }: OpenRefusal, side: 'from' | 'to'): MovingRow | undefined {
    return this.#byWanted[side].get(`${table}\u0000${keyText}`)?.pop();
  }

  #putNone(refusal: OpenRefusal): MovingRow {
    return this.#put({ plan: this.#planOf(schemaOf(refusal)), from: null, to: null, wantedFrom: null, wantedTo: null });
  }

  /** The writes say nothing of it between the two places: it was refused at the one, and got in, or the other way round. */
  #putWanted(refusal: OpenRefusal): MovingRow {
    const plan = this.#planOf(schemaOf({ ...refusal, stands: refusal.stands === null ? null : refusal.wanted }));
    const line = lineFrom(plan, refusal.wanted ?? {}, refusal.stands === null);
    return this.#put({ plan, from: line, to: line, wantedFrom: refusal.keyText, wantedTo: refusal.keyText });
  }
}

/** A row that goes and one that comes under its key are one that changes: else the target's own cascades would take what hangs on it. */
function joined(rows: readonly MovingRow[], nameOf: NameOf): readonly MovingRow[] {
  const going = new Map<string, MovingRow>();
  for (const row of rows)
    if (row.plan.addressing === 'key' && row.from !== null && row.to === null) going.set(nameOf(row.plan, row.from), row);
  const gone = new Set<MovingRow>();
  const result: MovingRow[] = [];
  for (const row of rows) {
    const taken = row.plan.addressing === 'key' && row.from === null && row.to !== null ? going.get(nameOf(row.plan, row.to)) : undefined;
    if (taken === undefined || taken.from === null) {
      result.push(row);
      continue;
    }
    gone.add(taken);
    result.push({ ...row, from: taken.plan === row.plan ? taken.from : lineFrom(row.plan, valuesOf(taken.plan, taken.from), false) });
  }
  return result.filter((row) => !gone.has(row));
}

function textOf({ bytes, start, end }: Line): string {
  return bytes.toString('latin1', start, end);
}

function isSame(a: Line, b: Line): boolean {
  return a.bytes.compare(b.bytes, b.start, b.end, a.start, a.end) === 0;
}
