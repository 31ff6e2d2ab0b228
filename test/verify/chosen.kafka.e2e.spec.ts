import { describeChosen } from './chosen.js';

describeChosen('kafka', { whole: false, looks: 1 });
