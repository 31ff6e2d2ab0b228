/** Entries of each commit that an owner makes by `commitOn`, and members of its set. */
export const NUMBERED_ENTRIES = 2000;
