import { describeCheckpoints } from './checkpoints.js';

describeCheckpoints('kafka', { checkpoints: 5, kills: false });
