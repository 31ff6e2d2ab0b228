import fc from 'fast-check';

import { components, runsInOrder } from './graph.js';

describe('components', () => {
  it('keeps the order of what is free, and puts predecessors first', () => {
    expect(components([[], [], []])).toEqual([[0], [1], [2]]);
    expect(components([[], [0], []])).toEqual([[1], [0], [2]]);
    expect(components([[1], [2], [0], [1]])).toEqual([[3], [0, 1, 2]]);
  });

  it('bears a chain as long as a batch', () => {
    const count = 200_000;
    const chain = Array.from({ length: count }, (_, node) => (node === 0 ? [] : [node - 1]));
    const found = components(chain);
    expect(found).toHaveLength(count);
    expect(found[0]).toEqual([count - 1]);
  });

  it('finds the circles of any graph, in order', () => {
    const graph = fc
      .integer({ min: 1, max: 8 })
      .chain((count) => fc.array(fc.uniqueArray(fc.nat(count - 1), { maxLength: 3 }), { minLength: count, maxLength: count }));
    fc.assert(
      fc.property(graph, (edges) => {
        const reaches = (from: number): Set<number> => {
          const seen = new Set<number>();
          const pending = [...(edges[from] ?? [])];
          for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
            if (seen.has(next)) continue;
            seen.add(next);
            pending.push(...(edges[next] ?? []));
          }
          return seen;
        };
        const found = components(edges);
        expect(found.flat().sort((a, b) => a - b)).toEqual(edges.map((_, node) => node));
        const place = new Map(found.flatMap((component, at) => component.map((node) => [node, at] as const)));
        edges.forEach((targets, node) => {
          for (const target of targets) expect(place.get(node)).toBeLessThanOrEqual(place.get(target) as number);
          for (const other of reaches(node)) if (reaches(other).has(node)) expect(place.get(other)).toBe(place.get(node));
        });
        for (const component of found) {
          if (component.length > 1) for (const node of component) expect([...reaches(node)]).toEqual(expect.arrayContaining(component));
        }
      }),
    );
  });
});

describe('runs in order', () => {
  it('puts a whole chain of one group into one run', () => {
    expect(runsInOrder([[], [0], [1], [2]], [7, 7, 7, 7])).toEqual([{ group: 7, nodes: [3, 2, 1, 0] }]);
  });

  it('changes group only where it must', () => {
    // 0 and 2 of group 1, 1 of group 2; 0 before 1 before 2.
    expect(runsInOrder([[1], [2], [], []], [1, 2, 1, 2])).toEqual([
      { group: 1, nodes: [0] },
      { group: 2, nodes: [3, 1] },
      { group: 1, nodes: [2] },
    ]);
  });
});
