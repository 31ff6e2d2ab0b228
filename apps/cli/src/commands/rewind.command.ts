import { ChangeoverError } from '@changeover/core';

import { Command, Option } from '../command.js';
import { COMMAND_WORDS } from '../command-words.js';
import { MoveCommand, type MoveCommandOptions } from './move-command.js';

@Command(COMMAND_WORDS.rewind)
export class RewindCommand extends MoveCommand {
  @Option({ flags: '--to <checkpoint>', description: 'the name of the checkpoint' })
  parseTo(name: string): string {
    return name;
  }

  override async run(_args: string[], { to, ...options }: MoveCommandOptions & { readonly to?: string }): Promise<void> {
    if (to === undefined) throw new ChangeoverError('BAD_SETTINGS', '--to is missing: name a checkpoint (changeover checkpoint list)');
    await this.move(to, options);
  }
}
