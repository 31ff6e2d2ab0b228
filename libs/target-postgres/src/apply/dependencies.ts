import type { TargetTable } from '../catalogue/target-table.js';
import type { Claims } from './claims.js';
import { components } from './graph.js';
import { parentsFirst } from './table-order.js';
import type { TargetOp } from './target-op.js';

/** An op with what it claims, in the order in which ops of a batch are tried. */
export type ClaimingOp = { readonly op: TargetOp; readonly claims: Claims };

/** Inserts parents first, updates, deletes children first. */
export function usualOrder(ops: readonly TargetOp[], tables: ReadonlyMap<string, TargetTable>): TargetOp[] {
  const ranks = parentsFirst([...new Set(ops.map((op) => op.plan.id))], tables);
  const rank = ({ plan, row }: TargetOp): number => {
    const table = ranks.get(plan.id) as number;
    return row.kind === 'insert' ? table : row.kind === 'update' ? ranks.size + table : 3 * ranks.size - table;
  };
  return ops
    .map((op) => ({ op, at: rank(op) }))
    .sort((a, b) => a.at - b.at)
    .map(({ op }) => op);
}

/**
 * Cuts ops into units: ops that can only be applied together (rows that require each other, values that go round in a circle, a new parent that takes over
 * the value of an old one whose child moves over) are one unit, and units come in an order in which each can be applied after those before it.
 */
export function units(ops: readonly ClaimingOp[]): ClaimingOp[][] {
  const edges: number[][] = ops.map(() => []);
  const before = (first: number, second: number): void => {
    if (first !== second) (edges[first] as number[]).push(second);
  };
  const takers = index(ops, (claims) => claims.takes.map(({ value }) => value));
  const freers = index(ops, (claims) => claims.frees.map(({ value }) => value));
  ops.forEach(({ claims }, at) => {
    for (const { unique, value } of claims.takes) if (!unique.deferrable) for (const freer of freers.get(value) ?? []) before(freer, at);
    for (const { value } of claims.requires) for (const provider of takers.get(value) ?? []) before(provider, at);
    for (const { value } of claims.releases) for (const remover of freers.get(value) ?? []) before(at, remover);
  });
  return components(edges).map((component) => component.map((at) => ops[at] as ClaimingOp));
}

/** Who has to run before whom inside one statement: unique values are checked row by row, foreign keys at its end. */
export function freeingEdges(ops: readonly ClaimingOp[], aside: ReadonlySet<string>): number[][] {
  const edges: number[][] = ops.map(() => []);
  const freers = index(ops, (claims) => claims.frees.map(({ value }) => value));
  ops.forEach(({ claims }, taker) => {
    for (const { unique, value } of claims.takes) {
      if (unique.deferrable || aside.has(value)) continue;
      for (const freer of freers.get(value) ?? []) if (freer !== taker) (edges[freer] as number[]).push(taker);
    }
  });
  return edges;
}

function index(ops: readonly ClaimingOp[], keys: (claims: Claims) => readonly string[]): ReadonlyMap<string, readonly number[]> {
  const found = new Map<string, number[]>();
  ops.forEach(({ claims }, at) => {
    for (const key of keys(claims)) {
      const list = found.get(key);
      if (list === undefined) found.set(key, [at]);
      else list.push(at);
    }
  });
  return found;
}
