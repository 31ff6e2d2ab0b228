import { describeRebuild } from './rebuild.js';

describeRebuild('embedded', { swaps: 2, whole: true, kills: 'all' });
