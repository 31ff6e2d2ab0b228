import { runRoleProcess } from '@changeover/shell/role';

import { startCapture } from './start-capture.js';

await runRoleProcess('capture', startCapture);
