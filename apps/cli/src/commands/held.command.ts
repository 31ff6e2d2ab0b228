import { Command, CommandRunner } from 'nest-commander';

import { HeldListCommand } from './held-list.command.js';
import { HeldShowCommand } from './held-show.command.js';

/** Takes no options itself: the settings file that stood before `list` would not be the one that `list` reads. */
@Command({
  name: 'held',
  description: 'See the rows that are held, wait or are refused, and what to do about them. Changes nothing.',
  subCommands: [HeldListCommand, HeldShowCommand],
})
export class HeldCommand extends CommandRunner {
  override setCommand(command: Parameters<CommandRunner['setCommand']>[0]): this {
    command.exitOverride();
    return super.setCommand(command);
  }

  override run(): Promise<void> {
    return Promise.resolve(this.command.help({ error: true }));
  }
}
