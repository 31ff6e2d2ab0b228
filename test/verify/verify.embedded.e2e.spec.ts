import { describeVerification } from './verify.js';

describeVerification('embedded', { rounds: 200, corruptions: 100 });
