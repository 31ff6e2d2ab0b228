import { ChangeoverError } from './errors.js';

/** Ends a switch over a union: a member nobody handles does not compile. */
export function unreachable(value: never): never {
  throw new ChangeoverError('INTERNAL', `unhandled case ${JSON.stringify(value)}`);
}

/** A condition that only a bug of ours can break. */
export function invariant(condition: unknown, what: string): asserts condition {
  if (!condition) throw new ChangeoverError('INTERNAL', what);
}
