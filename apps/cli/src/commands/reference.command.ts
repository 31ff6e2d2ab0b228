import { Command, CommandGroup } from '../command.js';
import { COMMAND_WORDS } from '../command-words.js';
import { ReferenceListCommand } from './reference-list.command.js';
import { ReferenceRefreshCommand } from './reference-refresh.command.js';

@Command({ ...COMMAND_WORDS.reference, subCommands: [ReferenceRefreshCommand, ReferenceListCommand] })
export class ReferenceCommand extends CommandGroup {}
