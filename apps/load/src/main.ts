import { runRoleProcess } from '@changeover/shell/role';

import { startLoad } from './start-load.js';

await runRoleProcess('load', startLoad);
