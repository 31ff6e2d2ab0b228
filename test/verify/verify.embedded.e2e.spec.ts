import { describeVerification } from './verify.js';

describeVerification('embedded', { rounds: 20, corruptions: 100, kills: true });
