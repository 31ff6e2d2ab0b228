import { runProcess } from '@changeover/shell/process';

import { runCli } from './run-cli.js';

await runProcess((signal) => runCli(process.argv, signal));
