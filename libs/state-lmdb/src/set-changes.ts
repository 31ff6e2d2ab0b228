/** Below this many, new names are put into their places one by one; above, it is cheaper to sort them in. */
const FEW = 32;

const NONE: readonly string[] = [];

/** Members of one set that were added (true) or removed (false) and are not in LMDB yet. */
export class SetChanges {
  /** The only one, as long as there is no map: most sets have one change, and a map takes ten times its bytes. */
  #only: string | null = null;
  #isPresent = false;
  #changes: Map<string, boolean> | null = null;
  /** In their order; sorted only when somebody asks, and then only what is new. */
  #ordered: string[] | null = null;
  #unordered: string[] | null = null;

  get(member: string): boolean | undefined {
    if (this.#changes !== null) return this.#changes.get(member);
    return member === this.#only ? this.#isPresent : undefined;
  }

  set(member: string, present: boolean): void {
    if (this.#changes === null) {
      if (this.#only === null || this.#only === member) {
        this.#only = member;
        this.#isPresent = present;
        return;
      }
      this.#changes = new Map([[this.#only, this.#isPresent]]);
      this.#unordered = [this.#only];
    }
    if (!this.#changes.has(member)) (this.#unordered ??= []).push(member);
    this.#changes.set(member, present);
  }

  /** All changed members in their order. */
  ordered(): readonly string[] {
    if (this.#changes === null) return this.#only === null ? NONE : [this.#only];
    const unordered = this.#unordered;
    const ordered = (this.#ordered ??= []);
    if (unordered === null) return ordered;
    this.#unordered = null;
    // The sort sees two runs, one of them ordered, and merges them.
    if (unordered.length > FEW) return (this.#ordered = ordered.concat(unordered).sort(byText));
    for (const member of unordered) ordered.splice(firstBehind(ordered, member), 0, member);
    return ordered;
  }
}

/** The index of the first one behind `after`. */
export function firstBehind(ordered: readonly string[], after: string): number {
  let [low, high] = [0, ordered.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ordered[middle] as string) > after) high = middle;
    else low = middle + 1;
  }
  return low;
}

function byText(a: string, b: string): number {
  return a < b ? -1 : 1;
}
