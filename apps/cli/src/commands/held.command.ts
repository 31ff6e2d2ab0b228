import { Command } from 'nest-commander';

import { CommandGroup } from './cli-command.js';
import { HeldListCommand } from './held-list.command.js';
import { HeldShowCommand } from './held-show.command.js';

@Command({
  name: 'held',
  description: 'See the rows that are held, wait or are refused, and what to do about them. Changes nothing.',
  subCommands: [HeldListCommand, HeldShowCommand],
})
export class HeldCommand extends CommandGroup {}
