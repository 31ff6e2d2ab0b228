import { Command } from '../command.js';
import { COMMAND_WORDS } from '../command-words.js';
import { MoveCommand, type MoveCommandOptions } from './move-command.js';

@Command(COMMAND_WORDS.forward)
export class ForwardCommand extends MoveCommand {
  override async run(_args: string[], options: MoveCommandOptions): Promise<void> {
    await this.move(null, options);
  }
}
