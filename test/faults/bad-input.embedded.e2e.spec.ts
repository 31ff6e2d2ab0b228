import { badInputTests } from './bad-input.js';

badInputTests('embedded');
