import { ChangeoverError } from '@changeover/core';
import { Command, Option } from 'nest-commander';

import { MoveCommand, type MoveCommandOptions } from './move-command.js';

@Command({
  name: 'rewind',
  description:
    'Take the target back to a checkpoint, or on to another one, in one transaction, and park load there. Costs what has changed since, not what the tables hold.',
})
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
