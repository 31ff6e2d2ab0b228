/** For each node the nodes that have to come after it. */
export type Edges = readonly (readonly number[])[];

/**
 * Strongly connected components in topological order; among what is free, the order of the nodes is kept.
 * Tarjan, "Depth-first search and linear graph algorithms" (1972), without recursion: a chain may be as long as a batch.
 */
export function components(edges: Edges): number[][] {
  const count = edges.length;
  const order = new Int32Array(count).fill(-1);
  const low = new Int32Array(count);
  const onStack = new Uint8Array(count);
  const stack: number[] = [];
  const found: number[][] = [];
  let clock = 0;
  // Components come out last first, so nodes go in last first.
  for (let root = count - 1; root >= 0; root--) {
    if (order[root] !== -1) continue;
    const path: { readonly node: number; next: number }[] = [];
    const enter = (node: number): void => {
      order[node] = low[node] = clock++;
      stack.push(node);
      onStack[node] = 1;
      path.push({ node, next: (edges[node] as readonly number[]).length });
    };
    enter(root);
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const { node } = top;
      if (top.next > 0) {
        top.next -= 1;
        const target = (edges[node] as readonly number[])[top.next] as number;
        if (order[target] === -1) enter(target);
        else if (onStack[target] === 1) low[node] = Math.min(low[node] as number, order[target] as number);
        continue;
      }
      path.pop();
      const parent = path.at(-1);
      if (parent !== undefined) low[parent.node] = Math.min(low[parent.node] as number, low[node] as number);
      if (low[node] !== order[node]) continue;
      const component = stack.splice(stack.lastIndexOf(node));
      for (const member of component) onStack[member] = 0;
      found.push(component.sort((a, b) => a - b));
    }
  }
  return found.reverse();
}

/**
 * Sorts nodes into as few runs of one group as a greedy choice gives, predecessors first; inside a run the order counts too.
 * Groups with a lower number are preferred. Edges must have no cycle; nodes of one are left out.
 */
export function runsInOrder(edges: Edges, groupOf: readonly number[]): { readonly group: number; readonly nodes: number[] }[] {
  const waitsFor = new Int32Array(edges.length);
  for (const targets of edges) for (const target of targets) waitsFor[target] = (waitsFor[target] as number) + 1;
  const ready = new Map<number, number[]>();
  const release = (node: number): void => {
    const group = groupOf[node] as number;
    const list = ready.get(group);
    if (list === undefined) ready.set(group, [node]);
    else list.push(node);
  };
  edges.forEach((_, node) => {
    if (waitsFor[node] === 0) release(node);
  });
  const runs: { group: number; nodes: number[] }[] = [];
  while (ready.size > 0) {
    const group = Math.min(...ready.keys());
    const nodes = ready.get(group) as number[];
    // Grows while it is walked: what becomes ready in the same group joins the run.
    for (const node of nodes) {
      for (const target of edges[node] as readonly number[]) {
        waitsFor[target] = (waitsFor[target] as number) - 1;
        if (waitsFor[target] === 0) release(target);
      }
    }
    ready.delete(group);
    runs.push({ group, nodes });
  }
  return runs;
}
