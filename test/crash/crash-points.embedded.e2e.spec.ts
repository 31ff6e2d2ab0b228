import { crashPointTests } from './crash-points.js';

crashPointTests('embedded');
