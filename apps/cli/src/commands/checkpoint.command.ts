import { Command, CommandGroup } from '../command.js';
import { COMMAND_WORDS } from '../command-words.js';
import { CheckpointCreateCommand } from './checkpoint-create.command.js';
import { CheckpointDeleteCommand } from './checkpoint-delete.command.js';
import { CheckpointListCommand } from './checkpoint-list.command.js';
import { CheckpointShowCommand } from './checkpoint-show.command.js';

@Command({
  ...COMMAND_WORDS.checkpoint,
  subCommands: [CheckpointCreateCommand, CheckpointListCommand, CheckpointShowCommand, CheckpointDeleteCommand],
})
export class CheckpointCommand extends CommandGroup {}
