import { describeChosen } from './chosen.js';

describeChosen('embedded', { whole: true, looks: 2 });
