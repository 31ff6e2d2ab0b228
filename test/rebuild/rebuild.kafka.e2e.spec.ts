import { describeRebuild } from './rebuild.js';

describeRebuild('kafka', { swaps: 2, whole: false, kills: ['rebuild.caught-up', 'rebuild.in-swap', 'rebuild.swapped'] });
