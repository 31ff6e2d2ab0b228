declare const position: unique symbol;

/**
 * A place in a source's commit order: for PostgreSQL the *end* LSN of a commit. It sorts as text; only its own
 * source takes it apart. Never an event's own LSN (they interleave between transactions), a clock or a log offset.
 */
export type Position = string & { readonly [position]: true };

/** Before everything: what an empty stream follows. Sorts first. */
export const NO_POSITION = '' as Position;
