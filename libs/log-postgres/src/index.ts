export { PostgresMessageStore } from './postgres-message-store.js';
export { type PostgresLogSettings } from './settings.js';
