export { KafkaMessageStore } from './kafka-message-store.js';
export { type KafkaLogSettings } from './settings.js';
