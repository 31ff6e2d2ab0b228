import { randomKillTests } from './random-kills.js';

randomKillTests('embedded');
