import type { Line } from '@changeover/events';

import type { TablePlan } from '../sql/table-plan.js';
import type { NameOf } from './key-names.js';
import type { TargetOp } from './target-op.js';

/**
 * Which row of the target an op is to write, where that is not the row it came from: the one that a line names, a `new` one,
 * or `nothing` (a delete whose row another op has taken over).
 */
export type Slot = { readonly row: Line; readonly of: TablePlan } | 'new' | 'nothing';

/**
 * Slots of the ops that have to change theirs. The ops of one table are seen as contents that move between keys.
 *
 * - Rows that only exchange their keys among themselves (1→2, 2→3, 3→1) stay, and their contents move: no key is ever missing or double.
 * - Where the target's own cascades start from the table, every key that is there before and after keeps its row. PostgreSQL runs cascades when the
 *   statement ends, by the key that was freed, and does not look whether it belongs to another row by then: it would take that one's children. So
 *   1→2, 2→3 becomes: 2 gets the content of 1, and row 1 moves to 3 with the content of 2.
 */
export function slotsOf(ops: readonly TargetOp[], nameOf: NameOf): ReadonlyMap<TargetOp, Slot> {
  const byTable = new Map<string, TargetOp[]>();
  for (const op of ops) {
    if (op.plan.addressing !== 'key') continue;
    const list = byTable.get(op.plan.id);
    if (list === undefined) byTable.set(op.plan.id, [op]);
    else list.push(op);
  }
  const slots = new Map<TargetOp, Slot>();
  for (const some of byTable.values()) {
    const cascades = some[0]?.plan.target.referencedBy.some((reference) => reference.cascades) ?? false;
    if (cascades) keepKeys(some, slots, nameOf);
    else exchangeOnly(some, slots, nameOf);
  }
  return slots;
}

function exchangeOnly(ops: readonly TargetOp[], slots: Map<TargetOp, Slot>, nameOf: NameOf): void {
  const moved = new Map<string, TargetOp>();
  for (const op of ops) {
    const { origin, originKey, key, kind } = op.row;
    if (kind === 'update' && origin !== null && originKey !== key) moved.set(nameOf(op.plan, origin), op);
  }
  const seen = new Set<TargetOp>();
  for (const first of moved.values()) {
    const path: TargetOp[] = [];
    let next: TargetOp | undefined = first;
    while (next !== undefined && !seen.has(next)) {
      seen.add(next);
      path.push(next);
      next = moved.get(nameOf(next.plan, next.row.line as Line));
    }
    if (next !== first) continue;
    path.forEach((op, at) => {
      const leaving = path[at + 1] ?? first;
      slots.set(op, { row: leaving.row.origin as Line, of: leaving.plan });
    });
  }
}

function keepKeys(ops: readonly TargetOp[], slots: Map<TargetOp, Slot>, nameOf: NameOf): void {
  const leaving = new Map<string, TargetOp>();
  const coming = new Map<string, TargetOp>();
  for (const op of ops) {
    if (op.row.origin !== null) leaving.set(nameOf(op.plan, op.row.origin), op);
    if (op.row.line !== null) coming.set(nameOf(op.plan, op.row.line), op);
  }
  for (const op of ops) {
    const { origin, line } = op.row;
    const holder = line === null ? undefined : leaving.get(nameOf(op.plan, line));
    if (holder === op) continue;
    if (line !== null && holder !== undefined) {
      slots.set(op, { row: holder.row.origin as Line, of: holder.plan });
      continue;
    }
    if (origin === null) continue;
    // The row it came from goes to who comes there; what it gets is the row that is left over at the other end of that chain.
    let taker = coming.get(nameOf(op.plan, origin));
    if (taker === undefined) continue;
    for (let left = taker.row.origin; ; left = taker.row.origin) {
      if (left === null) {
        slots.set(op, line === null ? 'nothing' : 'new');
        break;
      }
      const next = coming.get(nameOf(taker.plan, left));
      if (next === undefined) {
        slots.set(op, { row: left, of: taker.plan });
        break;
      }
      taker = next;
    }
  }
}
