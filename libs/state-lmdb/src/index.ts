export { LmdbStateStore, type LostState } from './lmdb-state-store.js';
export { emptyStoredState, storedStateBytes } from './stored-state.js';
