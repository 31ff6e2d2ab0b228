import { runProcess } from '@changeover/shell';

import { runCli } from './run-cli.js';

await runProcess((signal) => runCli(process.argv, signal));
