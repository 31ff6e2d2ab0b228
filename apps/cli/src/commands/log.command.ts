import { Command } from 'nest-commander';

import { CommandGroup } from './cli-command.js';
import { LogInspectCommand } from './log-inspect.command.js';
import { LogVerifyCommand } from './log-verify.command.js';

@Command({
  name: 'log',
  description: 'Look into the event log, and check that it is as it was written. Changes nothing.',
  subCommands: [LogInspectCommand, LogVerifyCommand],
})
export class LogCommand extends CommandGroup {}
