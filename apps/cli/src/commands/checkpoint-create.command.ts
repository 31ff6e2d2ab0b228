import { ChangeoverError, RandomIdSource, SystemClock } from '@changeover/core';
import { deleteOlder, nameAfter } from '@changeover/verification';

import { Command, Option } from '../command.js';
import { runCreate, withCheckpoints } from '../checkpoint/checkpoint-context.js';
import { renderCheckpoint, stepLine } from '../checkpoint/checkpoint-view.js';
import { ProgressLine } from '../status/progress-line.js';
import { findOwnServices } from '../services/own-services.js';
import { CliCommand, INTERRUPTED, parseSeconds, toJson, type ReadOptionsOf } from './cli-command.js';

type CreateOptions = ReadOptionsOf & {
  readonly read?: boolean;
  readonly timeout?: number;
  readonly keep?: number;
  readonly json?: boolean;
};

const NAME = /^[\w][\w.:-]{0,99}$/;
const USUAL_PATIENCE_S = 60;

@Command({
  name: 'create',
  arguments: '[name]',
  description:
    'Make a checkpoint of what the target holds now, while people go on. Without a name it is called after the time. Nobody is held up, but for a moment with --read.',
})
export class CheckpointCreateCommand extends CliCommand {
  @Option({ flags: '--read', description: 'read the target as well, and make none if it does not hold what was written to it' })
  parseRead(): boolean {
    return true;
  }

  @Option({
    flags: '--timeout <seconds>',
    description: `give up when the barrier has not come to the target for so long (default: ${String(USUAL_PATIENCE_S)})`,
  })
  parseTimeout(seconds: string): number {
    return parseSeconds(seconds);
  }

  @Option({
    flags: '--keep <n>',
    description: 'of the checkpoints that are called after the time, delete all but the last n',
  })
  parseKeep(count: string): number {
    const parsed = Number(count);
    if (Number.isInteger(parsed) && parsed > 0) return parsed;
    throw new ChangeoverError('BAD_SETTINGS', '--keep is not a number of checkpoints');
  }

  @Option({ flags: '--json', description: 'print JSON' })
  parseJson(): boolean {
    return true;
  }

  override async run(
    args: string[],
    { read = false, timeout = USUAL_PATIENCE_S, keep, json = false, ...options }: CreateOptions,
  ): Promise<void> {
    const clock = new SystemClock();
    const name = args[0] ?? nameAfter(clock.now());
    if (!NAME.test(name))
      throw new ChangeoverError('BAD_SETTINGS', 'a checkpoint’s name has up to 100 letters, digits, underscores, dots, colons and dashes');
    const { settings: given, folder } = await this.readSettings(options);
    const settings = await findOwnServices(given, folder);
    const line = new ProgressLine(this.terminal, clock);
    try {
      const checkpoint = await runCreate(settings, {
        ...{ name, read, clock, ids: new RandomIdSource() },
        patienceMs: timeout * 1000,
        signal: this.session.signal,
        onStep: (step) => {
          line.show(stepLine(step));
        },
      });
      line.clear();
      this.terminal.out(json ? toJson(checkpoint) : renderCheckpoint(checkpoint));
      if (keep === undefined) return;
      const deleted = await withCheckpoints(settings, { clock }, (checkpoints) => deleteOlder(checkpoints, keep));
      for (const one of deleted) this.terminal.err(`checkpoint ${one} is deleted\n`);
    } catch (error) {
      line.clear();
      if (!this.session.signal.aborted) throw error;
      this.terminal.err('changeover: interrupted: no checkpoint was made\n');
      process.exitCode = INTERRUPTED;
    }
  }
}
