import { Command } from 'nest-commander';

import { MoveCommand, type MoveCommandOptions } from './move-command.js';

@Command({
  name: 'forward',
  description: 'Take the target from the checkpoint where it is parked to where load had come, in one transaction, and let load go on.',
})
export class ForwardCommand extends MoveCommand {
  override async run(_args: string[], options: MoveCommandOptions): Promise<void> {
    await this.move(null, options);
  }
}
