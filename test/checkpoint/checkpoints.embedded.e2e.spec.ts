import { describeCheckpoints } from './checkpoints.js';

describeCheckpoints('embedded', { checkpoints: 12, kills: true });
