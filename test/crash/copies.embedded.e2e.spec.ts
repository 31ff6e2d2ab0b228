import { copyTests } from './copies.js';

copyTests('embedded');
