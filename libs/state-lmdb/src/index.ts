export { LmdbStateStore, type LostState } from './lmdb-state-store.js';
