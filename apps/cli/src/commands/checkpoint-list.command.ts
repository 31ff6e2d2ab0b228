import { SystemClock } from '@changeover/core';

import { Command, Option } from '../command.js';
import { withCheckpoints } from '../checkpoint/checkpoint-context.js';
import { renderList } from '../checkpoint/checkpoint-view.js';
import { findOwnServices } from '../services/own-services.js';
import { CliCommand, toJson, type ReadOptionsOf } from './cli-command.js';

@Command({ name: 'list', description: 'List the checkpoints in the order of the stream, and say where the target is.' })
export class CheckpointListCommand extends CliCommand {
  @Option({ flags: '--json', description: 'print JSON' })
  parseJson(): boolean {
    return true;
  }

  override async run(_args: string[], { json = false, ...options }: ReadOptionsOf & { readonly json?: boolean }): Promise<void> {
    const { settings: given, folder } = await this.readSettings(options);
    const settings = await findOwnServices(given, folder);
    const [list, where] = await withCheckpoints(settings, { clock: new SystemClock() }, async (checkpoints) => {
      return [await checkpoints.list(), await checkpoints.whereabouts()] as const;
    });
    this.terminal.out(json ? toJson({ checkpoints: list, target: where }) : renderList(list, where));
  }
}
