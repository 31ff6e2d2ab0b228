/** Below this many, new names are put into their places one by one; above, it is cheaper to sort them in. */
const FEW = 32;

/** Members of one set that were added (true) or removed (false) and are not in LMDB yet. */
export class SetChanges {
  readonly #changes = new Map<string, boolean>();
  /** In their order; sorted only when somebody asks, and then only what is new. */
  #ordered: string[] = [];
  #unordered: string[] = [];

  get(member: string): boolean | undefined {
    return this.#changes.get(member);
  }

  set(member: string, present: boolean): void {
    if (!this.#changes.has(member)) this.#unordered.push(member);
    this.#changes.set(member, present);
  }

  /** All changed members in their order. */
  ordered(): readonly string[] {
    if (this.#unordered.length > FEW) {
      // The sort sees two runs, one of them ordered, and merges them.
      this.#ordered = this.#ordered.concat(this.#unordered).sort(byText);
    } else {
      for (const member of this.#unordered) this.#ordered.splice(firstBehind(this.#ordered, member), 0, member);
    }
    this.#unordered = [];
    return this.#ordered;
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
