import { ChangeoverError, SystemClock } from '@changeover/core';

import { Command } from '../command.js';
import { withCheckpoints } from '../checkpoint/checkpoint-context.js';
import { findOwnServices } from '../services/own-services.js';
import { CliCommand, type ReadOptionsOf } from './cli-command.js';

@Command({
  name: 'delete',
  arguments: '<name>',
  description: 'Forget a checkpoint. Nothing of the target changes; not while it is parked there.',
})
export class CheckpointDeleteCommand extends CliCommand {
  override async run([name = '']: string[], options: ReadOptionsOf): Promise<void> {
    const { settings: given, folder } = await this.readSettings(options);
    const settings = await findOwnServices(given, folder);
    await withCheckpoints(settings, { clock: new SystemClock() }, async (checkpoints) => {
      if ((await checkpoints.whereabouts())?.parked?.at === name)
        throw new ChangeoverError('TARGET_PARKED', `the target is parked at ${name}`, { facts: { name } });
      await checkpoints.delete(name);
    });
    this.terminal.out(`checkpoint ${name} is deleted\n`);
  }
}
