import { Command, CommandGroup } from '../command.js';
import { COMMAND_WORDS } from '../command-words.js';
import { LogInspectCommand } from './log-inspect.command.js';
import { LogVerifyCommand } from './log-verify.command.js';

@Command({ ...COMMAND_WORDS.log, subCommands: [LogInspectCommand, LogVerifyCommand] })
export class LogCommand extends CommandGroup {}
