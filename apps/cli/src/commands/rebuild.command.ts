import { ChangeoverError, countWords, RandomIdSource, SystemClock } from '@changeover/core';
import { aborted } from '@changeover/shell/process';
import type { TargetsComparison } from '@changeover/verification';

import { Command, Option } from '../command.js';
import { COMMAND_WORDS } from '../command-words.js';
import { parsePlace, type RebuildPlace } from '../rebuild/rebuild-place.js';
import { RebuildSession } from '../rebuild/rebuild-session.js';
import { differingRows, RebuildProgress, renderComparison, renderDigests, renderSwap } from '../rebuild/rebuild-view.js';
import { findOwnServices } from '../services/own-services.js';
import { ProgressLine } from '../status/progress-line.js';
import { CliCommand, INTERRUPTED, parseSeconds, toJson, type ReadOptionsOf } from './cli-command.js';

type CommonOptions = ReadOptionsOf & { readonly into?: RebuildPlace; readonly timeout?: number; readonly json?: boolean };
type RebuildOptions = CommonOptions & {
  readonly to?: string;
  readonly toRecord?: number;
  readonly follow?: boolean;
  readonly fireTriggers?: boolean;
};

const USUAL_PATIENCE_S = 60;

/** What the commands about a rebuild have in common. */
abstract class RebuildCommandBase extends CliCommand {
  @Option({
    flags: '--into <schema|url>',
    description: 'a schema of the target for the rebuilt tables, or the connection string of another database',
  })
  parseInto(into: string): RebuildPlace {
    return parsePlace(into);
  }

  @Option({
    flags: '--timeout <seconds>',
    description: `give up when both loads could not be taken at one place, or somebody hindered an exchange, for so long (default: ${String(USUAL_PATIENCE_S)})`,
  })
  parseTimeout(seconds: string): number {
    return parseSeconds(seconds);
  }

  @Option({ flags: '--json', description: 'print JSON' })
  parseJson(): boolean {
    return true;
  }

  /** Does `work` with the rebuild; whoever is told to stop meanwhile must not look as if all was done. */
  protected async withRebuild(options: CommonOptions, work: (session: RebuildSession) => Promise<void>, left: string): Promise<void> {
    const { into, timeout = USUAL_PATIENCE_S, ...read } = options;
    if (into === undefined)
      throw new ChangeoverError('BAD_SETTINGS', '--into is missing: the schema, or the other database, of the rebuild');
    const { settings: given, folder } = await this.readSettings(read);
    const settings = await findOwnServices(given, folder);
    const clock = new SystemClock();
    const { signal } = this.session;
    const progress = new RebuildProgress();
    const shown = new ProgressLine(this.terminal, clock);
    try {
      await using session = await RebuildSession.open(settings, into, {
        clock,
        ids: new RandomIdSource(),
        signal,
        onStep: (step) => {
          shown.show(progress.line(step, clock.monotonic()));
        },
        patienceMs: timeout * 1000,
      });
      await work(session);
    } catch (error) {
      if (!signal.aborted) throw error;
      this.terminal.err(`changeover: interrupted: ${left}\n`);
      process.exitCode = INTERRUPTED;
    } finally {
      shown.clear();
    }
  }

  protected say(value: object, words: string, json: boolean): void {
    this.terminal.out(json ? toJson(value) : words);
  }
}

function requireEqual({ equal, seq, tables }: TargetsComparison): void {
  if (equal) return;
  const wrong = tables.filter((table) => differingRows(table) > 0);
  const rows = wrong.reduce((sum, table) => sum + differingRows(table), 0);
  throw new ChangeoverError(
    'REBUILD_DIFFERS',
    `at least ${countWords(rows)} ${rows === 1 ? 'row differs' : 'rows differ'} at record ${String(seq)} of changes: ${wrong.map(({ table }) => table).join(', ')}`,
    { facts: { rows, tables: wrong.length } },
  );
}

@Command({
  name: 'compare',
  description: 'Compare the rebuilt tables with the live ones, both at one record of the stream. Exits 1 if they differ.',
})
export class RebuildCompareCommand extends RebuildCommandBase {
  override async run(_args: string[], options: CommonOptions): Promise<void> {
    const compare = async (session: RebuildSession): Promise<void> => {
      const report = await session.whileFollowing(() => session.compare(), 'welcome');
      this.say({ rebuild: session.id, ...report }, renderComparison(report), options.json === true);
      requireEqual(report);
    };
    await this.withRebuild(options, compare, 'nothing was found out');
  }
}

@Command({
  name: 'swap',
  description:
    'Compare, then exchange the rebuilt tables with the live ones while changes keep flowing. Once more is the way back. Where they differ nothing is exchanged, unless you say so.',
})
export class RebuildSwapCommand extends RebuildCommandBase {
  @Option({
    flags: '--although-different',
    description: 'exchange them also where they differ: what the log tells takes the place of damaged rows',
  })
  parseAlthoughDifferent(): boolean {
    return true;
  }

  override async run(_args: string[], options: CommonOptions & { readonly althoughDifferent?: boolean }): Promise<void> {
    const { althoughDifferent = false, ...common } = options;
    const swap = async (session: RebuildSession): Promise<void> => {
      await session.whileFollowing(async () => {
        const report = await session.compare();
        if (!report.equal && !althoughDifferent) {
          this.say({ rebuild: session.id, ...report }, renderComparison(report), options.json === true);
          requireEqual(report);
        }
        const swapped = await session.swap();
        this.say(
          { rebuild: session.id, comparison: report, ...swapped },
          renderComparison(report) + renderSwap(swapped),
          options.json === true,
        );
      }, 'welcome');
    };
    await this.withRebuild(common, swap, 'the tables are either exchanged or not; `changeover rebuild swap` once more goes on, or back');
  }
}

@Command({
  name: 'drop',
  description: 'Take the tables beside the live ones away, with their stream and their state. Never the live ones.',
})
export class RebuildDropCommand extends RebuildCommandBase {
  override async run(_args: string[], options: CommonOptions): Promise<void> {
    const drop = async (session: RebuildSession): Promise<void> => {
      await session.drop();
      this.say({ rebuild: session.id, dropped: true }, `${session.id} is gone\n`, options.json === true);
    };
    await this.withRebuild(options, drop, 'the same command goes on');
  }
}

@Command({ ...COMMAND_WORDS.rebuild, subCommands: [RebuildCompareCommand, RebuildSwapCommand, RebuildDropCommand] })
export class RebuildCommand extends RebuildCommandBase {
  @Option({ flags: '--to <checkpoint>', description: 'build them as they were at this checkpoint, and stop there' })
  parseTo(name: string): string {
    return name;
  }

  @Option({ flags: '--to-record <n>', description: 'build them as they were at this record of changes, and stop there' })
  parseToRecord(record: string): number {
    const parsed = Number(record);
    if (Number.isSafeInteger(parsed) && parsed > 0) return parsed;
    throw new ChangeoverError('BAD_SETTINGS', '--to-record is not the number of a record');
  }

  @Option({ flags: '--follow', description: 'keep them in step until Ctrl-C, so that an exchange finds them ready' })
  parseFollow(): boolean {
    return true;
  }

  @Option({ flags: '--fire-triggers', description: 'let the triggers of the tables fire for the rebuilt rows, too' })
  parseFireTriggers(): boolean {
    return true;
  }

  override async run(_args: string[], options: RebuildOptions): Promise<void> {
    const { to, toRecord, follow = false, fireTriggers = false, json = false } = options;
    const build = async (session: RebuildSession): Promise<void> => {
      const record = to === undefined ? toRecord : await session.recordOf(to);
      if (record !== undefined) await session.expectRecord(record);
      await session.make({ fireTriggers });
      if (record !== undefined) {
        const digests = await session.buildTo(record);
        this.say({ rebuild: session.id, ...digests }, renderDigests(digests), json);
        return;
      }
      await session.whileFollowing(async () => {
        const report = await session.compare();
        this.say({ rebuild: session.id, ...report }, renderComparison(report), json);
        requireEqual(report);
        if (!follow) return;
        this.terminal.err('following the log until Ctrl-C\n');
        await aborted(this.session.signal);
        throw this.session.signal.reason;
      }, 'refused');
    };
    await this.withRebuild(options, build, 'what was built stays, and the same command goes on from there');
  }
}
