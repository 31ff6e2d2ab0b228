import { describeCheckpoints } from './checkpoints.js';

describeCheckpoints('kafka', { checkpoints: 4, whole: false, kills: 'all' });
