import { runRoleProcess } from '@changeover/shell/role';

import { startTransform } from './start-transform.js';

await runRoleProcess('transform', startTransform);
