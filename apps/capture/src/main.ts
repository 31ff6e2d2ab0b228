import { runRoleProcess } from '@changeover/shell';

import { startCapture } from './start-capture.js';

await runRoleProcess('capture', startCapture);
