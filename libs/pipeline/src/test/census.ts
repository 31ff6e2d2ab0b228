/** How many histories had each of what is easily got wrong; one that none had makes the run worthless. */
export class Census<What extends string> {
  readonly #seen: ReadonlyMap<What, Set<number>>;
  #history = 0;

  constructor(whats: readonly What[]) {
    this.#seen = new Map(whats.map((what) => [what, new Set()]));
  }

  next(): void {
    this.#history++;
  }

  saw(what: What, condition = true): void {
    if (condition) this.#seen.get(what)?.add(this.#history);
  }

  counts(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#seen].map(([what, histories]) => [what, histories.size]));
  }

  /** Tells what there was, and fails where there was none. */
  expectAll(run: { readonly seed: number; readonly numRuns: number }): void {
    const counts = this.counts();
    console.log(
      `seed ${String(run.seed)} (SEED=${String(run.seed)} repeats it); of ${String(run.numRuns)} histories had: ${JSON.stringify(counts)}`,
    );
    expect(Object.entries(counts).filter(([, count]) => count === 0)).toEqual([]);
  }
}

/** SEED of the environment, else `otherwise`, else another one each time. */
export function seedOfRun(otherwise?: number): number {
  return Number(process.env['SEED'] ?? otherwise ?? Date.now() % 2 ** 31);
}
