import { ChangeoverError, countWords, RandomIdSource, SystemClock } from '@changeover/core';
import type { MoveOptions } from '@changeover/events';
import type { Moved } from '@changeover/pipeline';

import { Option } from '../command.js';
import { runMove } from '../checkpoint/checkpoint-context.js';
import { renderMoved } from '../checkpoint/checkpoint-view.js';
import { ProgressLine } from '../status/progress-line.js';
import { findOwnServices } from '../services/own-services.js';
import { CliCommand, INTERRUPTED, toJson, type ReadOptionsOf } from './cli-command.js';

export type MoveCommandOptions = ReadOptionsOf & {
  readonly dryRun?: boolean;
  readonly changedRows?: MoveOptions['changedRows'];
  readonly json?: boolean;
};

/** A command that takes the target to another place of the stream. */
export abstract class MoveCommand extends CliCommand {
  @Option({ flags: '--dry-run', description: 'do all of it, and roll it back: nothing is changed' })
  parseDryRun(): boolean {
    return true;
  }

  @Option({
    flags: '--changed-rows <what>',
    description: 'rows that somebody else has changed at the target meanwhile: refuse (default), keep them as they are, or overwrite them',
  })
  parseChangedRows(what: string): MoveOptions['changedRows'] {
    if (what === 'refuse' || what === 'keep' || what === 'overwrite') return what;
    throw new ChangeoverError('BAD_SETTINGS', '--changed-rows is refuse, keep or overwrite');
  }

  @Option({ flags: '--json', description: 'print JSON' })
  parseJson(): boolean {
    return true;
  }

  /** `to`: a checkpoint; null: where load had come. */
  protected async move(to: string | null, options: MoveCommandOptions): Promise<void> {
    const { dryRun = false, changedRows = 'refuse', json = false, ...read } = options;
    const { settings: given, folder } = await this.readSettings(read);
    const settings = await findOwnServices(given, folder);
    const clock = new SystemClock();
    const line = new ProgressLine(this.terminal, clock);
    let moved: Moved;
    try {
      moved = await runMove(settings, {
        ...{ to, dryRun, changedRows, clock, ids: new RandomIdSource(), signal: this.session.signal },
        onRead: ({ records, of }) => {
          line.show(`reading what lies between: ${countWords(records)} of ${countWords(of)} records`);
        },
      });
    } catch (error) {
      line.clear();
      if (!this.session.signal.aborted) throw error;
      this.terminal.err('changeover: interrupted: nothing was changed\n');
      process.exitCode = INTERRUPTED;
      return;
    }
    line.clear();
    this.terminal.out(json ? toJson({ dryRun, ...moved }) : renderMoved(moved, dryRun));
  }
}
