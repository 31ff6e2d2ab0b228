import { scanLine, type Line, type StateEntry, type StateView, type TableSchema } from '@changeover/events';

import { boundedKey, stateKey } from '../derive/state-keys.js';

const TAB = Buffer.from('\t');
const LF = Buffer.from('\n');

/** A row as one side has it and as the other does, whole lines without their ends; null: that side does not have it. */
export type RowPair = { readonly before: Buffer | null; readonly after: Buffer | null };

/** Rows of a target table by their keys, in the state: more than fit into memory can be held against each other. */
export class KeyedRows {
  /** Rows that came under a key that another one had: the last one stands. */
  shared = 0;
  rows = 0;
  readonly #state: StateView;
  readonly #prefix: Buffer;
  readonly #keys: readonly number[];
  readonly #starts: Int32Array;

  /** `number`: names them in the state. */
  constructor(state: StateView, number: number, { columns }: TableSchema) {
    this.#state = state;
    this.#prefix = stateKey('rows', number, '');
    // By name, as the other side may have the same columns in another order.
    const named = columns.flatMap(({ key, name }, place) => (key ? [{ name, place }] : []));
    this.#keys = named.sort((a, b) => (a.name < b.name ? -1 : 1)).map(({ place }) => place);
    this.#starts = new Int32Array(columns.length + 1);
  }

  put({ bytes, start, end }: Line): void {
    scanLine(bytes, start, this.#starts);
    const fields = this.#keys.map((column) => bytes.subarray(this.#starts[column], (this.#starts[column + 1] as number) - 1));
    const key = boundedKey(
      Buffer.concat([this.#prefix, ...fields.flatMap((field, index) => (index > 0 ? [TAB, field] : [field]))]),
      this.#prefix.length,
    );
    if (this.#state.get(key) === undefined) this.rows++;
    else this.shared++;
    this.#state.put(key, bytes.subarray(start, end));
  }

  /** In the order of their keys. */
  entries(): Iterable<StateEntry> {
    return this.#state.entries(this.#prefix, null);
  }

  /** Every row that either side has, in the order of the keys. */
  static *pairs(before: KeyedRows, after: KeyedRows): Generator<RowPair> {
    const [left, right] = [before.entries()[Symbol.iterator](), after.entries()[Symbol.iterator]()];
    try {
      let [one, other] = [left.next(), right.next()];
      while (one.done !== true || other.done !== true) {
        const order =
          one.done === true
            ? 1
            : other.done === true
              ? -1
              : Buffer.compare(one.value.key.subarray(before.#prefix.length), other.value.key.subarray(after.#prefix.length));
        yield {
          before: order <= 0 ? (one.value as StateEntry).value : null,
          after: order >= 0 ? (other.value as StateEntry).value : null,
        };
        if (order <= 0) one = left.next();
        if (order >= 0) other = right.next();
      }
    } finally {
      left.return?.();
      right.return?.();
    }
  }
}

/** A line with its end. */
export function whole(row: Buffer): Buffer {
  return Buffer.concat([row, LF]);
}
