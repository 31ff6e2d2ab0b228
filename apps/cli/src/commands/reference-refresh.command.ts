import { ChangeoverError, RandomIdSource, SystemClock } from '@changeover/core';

import { Command, Option } from '../command.js';
import { untilAtTarget } from '../held/decide.js';
import { requireFollowing } from '../held/require-following.js';
import { refreshedOf, renderRefreshed } from '../reference/reference-view.js';
import { refreshReferences } from '../reference/refresh.js';
import { findOwnServices } from '../services/own-services.js';
import { ProgressLine } from '../status/progress-line.js';
import { CliCommand, INTERRUPTED, parseSeconds, toJson, untilTimeout, type ReadOptionsOf } from './cli-command.js';

type RefreshOptions = ReadOptionsOf & {
  readonly dryRun?: boolean;
  readonly values?: boolean;
  readonly wait?: boolean;
  readonly timeout?: number;
  readonly json?: boolean;
};

@Command({
  name: 'refresh',
  description:
    'Read what the mapping looks up in the new database, and record what has changed there: rows that have looked it up are made again. Without it a mapping that looks something up makes no rows.',
})
export class ReferenceRefreshCommand extends CliCommand {
  @Option({ flags: '--dry-run', description: 'only say what has changed' })
  parseDryRun(): boolean {
    return true;
  }

  @Option({ flags: '--values', description: 'WITH THEIR VALUES: the rows that are new, changed or gone' })
  parseValues(): boolean {
    return true;
  }

  @Option({ flags: '--wait', description: 'wait until the new database has the rows that come of it, and of what was asked for before' })
  parseWait(): boolean {
    return true;
  }

  @Option({
    flags: '--timeout <seconds>',
    description: 'with --wait: give up waiting after so long (default: never); what was asked for stands',
  })
  parseTimeout(seconds: string): number {
    return parseSeconds(seconds);
  }

  @Option({ flags: '--json', description: 'print JSON' })
  parseJson(): boolean {
    return true;
  }

  override async run(_args: string[], options: RefreshOptions): Promise<void> {
    const { dryRun = false, values = false, wait = false, timeout, json = false, ...read } = options;
    if (timeout !== undefined && !wait) throw new ChangeoverError('BAD_SETTINGS', '--timeout goes with --wait');
    const { settings: given, folder } = await this.readSettings(read);
    const settings = await findOwnServices(given, folder);
    const clock = new SystemClock();
    const { signal } = this.session;
    const context = { clock, ids: new RandomIdSource(), signal };
    const line = new ProgressLine(this.terminal, clock);
    let asked = false;
    try {
      if (wait && !dryRun) await requireFollowing(settings, clock);
      const refreshed = await refreshReferences(settings, { ...context, dryRun });
      asked = refreshed.requests.length > 0;
      // Also where nothing has changed: what was asked for before may be on its way.
      const reached = wait && !dryRun;
      if (reached) {
        line.show('waiting until the new database has what comes of it');
        const until = untilTimeout(signal, timeout);
        const there = await untilAtTarget(settings, { ...context, signal: until });
        signal.throwIfAborted();
        if (there === null) throw new ChangeoverError('TIMED_OUT', 'what was asked for stands, and is not in the target yet');
      }
      line.clear();
      const told = { migration: settings.migration, dryRun, reached, ...refreshedOf(refreshed, values) };
      this.terminal.out(json ? toJson(told) : renderRefreshed(told));
    } catch (error) {
      line.clear();
      if (!signal.aborted) throw error;
      this.terminal.err(`changeover: interrupted: ${asked ? 'what was asked for stands' : 'run it again, it goes on where it was'}\n`);
      process.exitCode = INTERRUPTED;
    }
  }
}
