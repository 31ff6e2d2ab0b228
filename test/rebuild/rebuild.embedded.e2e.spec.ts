import { describeRebuild } from './rebuild.js';

describeRebuild('embedded', { swaps: 4, kills: true });
