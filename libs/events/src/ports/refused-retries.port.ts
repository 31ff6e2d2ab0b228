import type { HeldGroup } from './held-row-list.port.js';

/** Which refused rows; what is left out narrows nothing. */
export type RefusedFilter = {
  /** `schema.table` at the target. */
  readonly table?: string;
  /** The key there. */
  readonly key?: readonly string[];
  /** As the list has it. */
  readonly reason?: string;
};

/** What became of the rows that one request asked for. */
export type RetriedRows = {
  /** They are to be tried yet. */
  readonly due: number;
  /** They are refused no more: they got in, or are to be something else by now. */
  readonly released: number;
  /** They are refused still, the largest group first, at most a hundred. */
  readonly refused: readonly Pick<HeldGroup, 'table' | 'reason' | 'rows'>[];
};

/**
 * Has load try rows again that the target refuses, because somebody has changed what refuses them. What is asked for stands in the target, and load looks for it with each barrier that it brings, at
 * most a thousand rows at a time: so whoever asks submits a barrier behind it, and looks; while rows are due he submits another. A request that nobody follows is met with the next barrier of
 * anybody. To ask twice does no harm.
 */
export abstract class RefusedRetries {
  /** `id`: of this request; a row that another one has asked for is of this one from now on. Gives how many rows it asks for. */
  abstract ask(id: string, filter: RefusedFilter): Promise<number>;

  abstract outcome(id: string): Promise<RetriedRows>;
}
