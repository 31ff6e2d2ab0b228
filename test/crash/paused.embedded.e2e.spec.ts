import { pausedTests } from './paused.js';

pausedTests('embedded');
