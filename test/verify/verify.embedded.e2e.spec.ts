import { describeVerification } from './verify.js';

describeVerification('embedded', { rounds: 60, corruptions: 100 });
