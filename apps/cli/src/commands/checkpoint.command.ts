import { Command } from 'nest-commander';

import { CheckpointCreateCommand } from './checkpoint-create.command.js';
import { CheckpointDeleteCommand } from './checkpoint-delete.command.js';
import { CheckpointListCommand } from './checkpoint-list.command.js';
import { CheckpointShowCommand } from './checkpoint-show.command.js';
import { CommandGroup } from './cli-command.js';

@Command({
  name: 'checkpoint',
  description: 'Name a place of the stream to which the target can be taken back, and see which there are.',
  subCommands: [CheckpointCreateCommand, CheckpointListCommand, CheckpointShowCommand, CheckpointDeleteCommand],
})
export class CheckpointCommand extends CommandGroup {}
