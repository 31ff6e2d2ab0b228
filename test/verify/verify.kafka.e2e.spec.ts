import { describeVerification } from './verify.js';

describeVerification('kafka', { rounds: 40, corruptions: 13 });
