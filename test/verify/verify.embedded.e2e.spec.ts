import { describeVerification } from './verify.js';

describeVerification('embedded', {
  rounds: 20,
  corruptions: 100,
  kills: 'all',
  ends: [
    ['verify.read', 'verify.derived', 'verify.compared:1', 'verify.compared:2'],
    ['verify.compared:1'],
    ['verify.compared:3', 'verify.placed'],
  ],
});
