import { describeVerification } from './verify.js';

describeVerification('kafka', { rounds: 20, corruptions: 13 });
