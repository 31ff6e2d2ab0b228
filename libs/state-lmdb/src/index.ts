export { LmdbStateDraft } from './lmdb-state-draft.js';
export { LmdbStateStore, type LostState } from './lmdb-state-store.js';
export { emptyStoredState, storedStateBytes } from './stored-state.js';
export { lookAtStoredState } from './state-look.js';
