import { runRoleProcess } from '@changeover/shell';

import { startTransform } from './start-transform.js';

await runRoleProcess('transform', startTransform);
