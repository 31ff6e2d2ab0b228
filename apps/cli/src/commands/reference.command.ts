import { Command } from 'nest-commander';

import { CommandGroup } from './cli-command.js';
import { ReferenceListCommand } from './reference-list.command.js';
import { ReferenceRefreshCommand } from './reference-refresh.command.js';

@Command({
  name: 'reference',
  description: 'Record rows of the new database that the mapping looks up, and see what is recorded.',
  subCommands: [ReferenceRefreshCommand, ReferenceListCommand],
})
export class ReferenceCommand extends CommandGroup {}
