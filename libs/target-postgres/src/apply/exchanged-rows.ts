import { isPartial, mergeLines, type Line } from '@changeover/events';

import type { Connection } from '../connection.js';
import type { NameOf } from './key-names.js';
import { keyOf, keyValues, lineFrom, readStanding } from './row-values.js';
import { slotsOf, type Slot } from './slots.js';
import type { TargetOp } from './target-op.js';

/**
 * The ops with each on the row that it is to write ({@link slotsOf}). What an op leaves unchanged is read first from the row it came from, because that
 * one gets another content. `idle` are those that have nothing left to do; `seq` is the last record of the batch.
 */
export async function exchangeContents(
  connection: Connection,
  ops: readonly TargetOp[],
  { seq, nameOf }: { readonly seq: number; readonly nameOf: NameOf },
): Promise<{ readonly ops: readonly TargetOp[]; readonly idle: readonly TargetOp[] }> {
  const slots = slotsOf(ops, nameOf);
  if (slots.size === 0) return { ops, idle: [] };
  const exchanged: TargetOp[] = [];
  const idle: TargetOp[] = [];
  for (const op of ops) {
    const slot = slots.get(op);
    if (slot === undefined) exchanged.push(op);
    else if (slot === 'nothing') idle.push(op);
    else exchanged.push(await moveTo(connection, op, slot, seq));
  }
  return { ops: exchanged, idle };
}

async function moveTo(connection: Connection, op: TargetOp, slot: Exclude<Slot, 'nothing'>, seq: number): Promise<TargetOp> {
  const { plan, row } = op;
  const line = row.line === null ? null : await completeLine(connection, op, row.line);
  if (slot === 'new') return { ...op, row: { ...row, kind: 'insert', seq, origin: null, originKey: null, line } };
  const kind = row.kind === 'insert' ? 'update' : row.kind;
  // In the form of this op's own rows: the slot may be named by another's.
  const origin = lineFrom(plan, keyValues(slot.of, slot.row), false);
  return { ...op, row: { ...row, kind, seq, origin, originKey: keyOf(plan, origin), line } };
}

async function completeLine(connection: Connection, op: TargetOp, told: Line): Promise<Line> {
  const columns = op.plan.columns.length;
  if (op.row.kind === 'insert' || !isPartial(told, columns)) return told;
  const values = (await readStanding(connection, op)) ?? {};
  // An identity that always generates takes no value in an update: it stays with its key.
  const fixed = new Set(op.plan.target.columns.filter(({ identity }) => identity === 'a').map(({ name }) => name));
  return mergeLines(
    lineFrom(op.plan, Object.fromEntries(Object.entries(values).filter(([name]) => !fixed.has(name))), false),
    told,
    columns,
  );
}
