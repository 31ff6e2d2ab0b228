import { describeVerification } from './verify.js';

describeVerification('kafka', { rounds: 10, corruptions: 13, kills: ['verify.taken'], ends: [['verify.derived', 'verify.compared:2']] });
