import { describeRebuild } from './rebuild.js';

describeRebuild('kafka', { swaps: 2, whole: false, kills: 'all' });
