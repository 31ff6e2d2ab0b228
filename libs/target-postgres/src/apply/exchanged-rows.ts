import type { Connection } from '../connection.js';
import { isPartial, mergeLines, type Line } from '../net/line.js';
import { fingerprint, keyOf, keyValues, lineFrom, readStanding } from './row-values.js';
import type { TargetOp } from './target-op.js';

/**
 * Rows that only exchange their keys among themselves (1→2, 2→3, 3→1) exchange their contents instead: no key is ever missing or double, and no
 * foreign key has to move. What such a row leaves unchanged is read from the target first, because it is now in another row. The other ops are
 * left alone; `seq` is the last record of the batch.
 */
export async function exchangeContents(connection: Connection, ops: readonly TargetOp[], seq: number): Promise<readonly TargetOp[]> {
  const circles = findCircles(ops);
  if (circles.size === 0) return ops;
  const exchanged: TargetOp[] = [];
  for (const op of ops) exchanged.push(circles.has(op) ? await inPlace(connection, op, seq) : op);
  return exchanged;
}

function findCircles(ops: readonly TargetOp[]): ReadonlySet<TargetOp> {
  const moved = new Map<string, TargetOp>();
  for (const op of ops) {
    const { origin, originKey, key, kind } = op.row;
    if (kind === 'update' && origin !== null && originKey !== key) moved.set(nameOf(op, origin), op);
  }
  const circles = new Set<TargetOp>();
  const seen = new Set<TargetOp>();
  for (const first of moved.values()) {
    const path: TargetOp[] = [];
    let next: TargetOp | undefined = first;
    while (next !== undefined && !seen.has(next)) {
      seen.add(next);
      path.push(next);
      next = moved.get(nameOf(next, next.row.line as Line));
    }
    if (next === first) for (const op of path) circles.add(op);
  }
  return circles;
}

async function inPlace(connection: Connection, op: TargetOp, seq: number): Promise<TargetOp> {
  const { plan, row } = op;
  const told = row.line as Line;
  const line = isPartial(told, plan.columns.length) ? mergeLines(await standingLine(connection, op), told, plan.columns.length) : told;
  return { ...op, row: { ...row, seq, origin: line, originKey: keyOf(plan, line), line } };
}

async function standingLine(connection: Connection, op: TargetOp): Promise<Line> {
  const values = (await readStanding(connection, op)) ?? {};
  // An identity that always generates takes no value in an update: it stays with its key.
  const fixed = new Set(op.plan.target.columns.filter(({ identity }) => identity === 'a').map(({ name }) => name));
  return lineFrom(op.plan, Object.fromEntries(Object.entries(values).filter(([name]) => !fixed.has(name))), false);
}

/** The table and the key in a line. */
function nameOf({ plan }: TargetOp, line: Line): string {
  return `${plan.id}\u0000${fingerprint(keyValues(plan, line))}`;
}
