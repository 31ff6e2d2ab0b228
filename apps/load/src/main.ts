import { runRoleProcess } from '@changeover/shell';

import { startLoad } from './start-load.js';

await runRoleProcess('load', startLoad);
