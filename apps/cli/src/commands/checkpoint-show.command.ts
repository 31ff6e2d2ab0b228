import { SystemClock } from '@changeover/core';

import { Command, Option } from '../command.js';
import { withCheckpoints } from '../checkpoint/checkpoint-context.js';
import { renderCheckpoint } from '../checkpoint/checkpoint-view.js';
import { findOwnServices } from '../services/own-services.js';
import { CliCommand, toJson, type ReadOptionsOf } from './cli-command.js';

@Command({ name: 'show', arguments: '<name>', description: 'Show a checkpoint: its place, and what the target should hold there.' })
export class CheckpointShowCommand extends CliCommand {
  @Option({ flags: '--json', description: 'print JSON' })
  parseJson(): boolean {
    return true;
  }

  override async run([name = '']: string[], { json = false, ...options }: ReadOptionsOf & { readonly json?: boolean }): Promise<void> {
    const { settings: given, folder } = await this.readSettings(options);
    const settings = await findOwnServices(given, folder);
    const checkpoint = await withCheckpoints(settings, { clock: new SystemClock() }, (checkpoints) => checkpoints.find(name));
    this.terminal.out(json ? toJson(checkpoint) : renderCheckpoint(checkpoint));
  }
}
