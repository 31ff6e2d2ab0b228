/** Entries of each commit that an owner makes by `commitOn`, and members of its set. */
export const NUMBERED_ENTRIES = 2000;

/** The same for `spillOn`: so many that a spill takes several transactions. */
export const SPILLED_ENTRIES = 8000;
