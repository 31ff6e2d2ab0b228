import { describeVerification } from './verify.js';

describeVerification('embedded', { rounds: 40, corruptions: 100, kills: true });
