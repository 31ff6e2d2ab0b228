import { ChangeoverError, countWords, RandomIdSource, SystemClock } from '@changeover/core';
import type { RefusedFilter } from '@changeover/events';

import { Command, Option } from '../command.js';
import { requireFollowing } from '../held/require-following.js';
import { refusedNow, renderRetried, retry, type Retried } from '../held/retry.js';
import { qualified } from '../held/words.js';
import { findOwnServices } from '../services/own-services.js';
import { ProgressLine } from '../status/progress-line.js';
import { CliCommand, INTERRUPTED, parseSeconds, toJson, untilTimeout, type ReadOptionsOf } from './cli-command.js';

type RetryOptions = ReadOptionsOf & {
  readonly all?: boolean;
  readonly reason?: string;
  readonly dryRun?: boolean;
  readonly timeout?: number;
  readonly json?: boolean;
};

@Command({
  name: 'retry',
  arguments: '[table] [key...]',
  argsDescription: {
    table: 'the table of the target; without a key all of its rows',
    key: 'the key as `held list --state refused` shows it, a word for each of its columns; behind -- where it begins with a dash',
  },
  description:
    'Have load try rows again that the target refuses, because somebody has mended what refuses them there. Waits for it, and says how many got in. To ask twice does no harm.',
})
export class HeldRetryCommand extends CliCommand {
  @Option({ flags: '--all', description: 'instead of a table: all refused rows' })
  parseAll(): boolean {
    return true;
  }

  @Option({ flags: '-r, --reason <reason>', description: 'only rows whose reason it is, as the list has it' })
  parseReason(reason: string): string {
    return reason;
  }

  @Option({ flags: '--dry-run', description: 'count them, and ask for nothing' })
  parseDryRun(): boolean {
    return true;
  }

  @Option({ flags: '--timeout <seconds>', description: 'give up waiting after so long (default: never); what was asked for stands' })
  parseTimeout(seconds: string): number {
    return parseSeconds(seconds);
  }

  @Option({ flags: '--json', description: 'print JSON' })
  parseJson(): boolean {
    return true;
  }

  override async run([table, ...key]: string[], options: RetryOptions): Promise<void> {
    const { all = false, reason, dryRun = false, timeout, json = false, ...read } = options;
    if ((table === undefined) !== all) throw new ChangeoverError('BAD_SETTINGS', 'held retry takes a table, or --all');
    const filter: RefusedFilter = {
      ...(table !== undefined && { table: qualified(table) }),
      ...(key.length > 0 && { key }),
      ...(reason !== undefined && { reason }),
    };
    const { settings: given, folder } = await this.readSettings(read);
    const settings = await findOwnServices(given, folder);
    const clock = new SystemClock();
    const show = (retried: Retried): void => {
      this.terminal.out(json ? toJson(retried) : renderRetried(retried));
    };
    if (dryRun) {
      show(await refusedNow(settings, clock, filter));
      return;
    }
    await requireFollowing(settings, clock);
    const line = new ProgressLine(this.terminal, clock);
    const { signal } = this.session;
    const until = untilTimeout(signal, timeout);
    line.show('waiting until load has tried them');
    const onLook = ({ due }: { readonly due: number }, asked: number): void => {
      line.show(`${countWords(asked - due)} of ${countWords(asked)} rows were tried`);
    };
    const retried = await retry(settings, { clock, ids: new RandomIdSource(), signal: until }, { filter, onLook }).finally(() => {
      line.clear();
    });
    if (retried !== null) {
      show(retried);
      return;
    }
    if (!signal.aborted)
      throw new ChangeoverError('TIMED_OUT', 'what was asked for stands, and load has not tried all of it yet', {
        facts: { migration: settings.migration },
      });
    this.terminal.err('changeover: interrupted: what was asked for stands, and is tried with the next barrier\n');
    process.exitCode = INTERRUPTED;
  }
}
