import { describeCheckpoints } from './checkpoints.js';

describeCheckpoints('embedded', { checkpoints: 8, whole: true, kills: 'all' });
