import { ChangeoverError, countWords, RandomIdSource, SystemClock } from '@changeover/core';
import type { Decision } from '@changeover/events';
import type { AllSettings } from '@changeover/shell';

import { Option } from '../command.js';
import { renderDecided, type Decided, type DecisionWord } from '../held/corrections-view.js';
import { outcomesOf, submitDecisions, untilAtTarget, type DecidedAbout } from '../held/decide.js';
import { requireFollowing } from '../held/require-following.js';
import { findOwnServices } from '../services/own-services.js';
import { ProgressLine } from '../status/progress-line.js';
import { CliCommand, INTERRUPTED, parseSeconds, toJson, untilTimeout, type ReadOptionsOf } from './cli-command.js';

export type DecideOptions = ReadOptionsOf & {
  readonly dryRun?: boolean;
  /** Commander's word for `--no-wait`. */
  readonly wait?: boolean;
  readonly timeout?: number;
  /** Of commands that find rows by what they have in common. */
  readonly yes?: boolean;
  readonly json?: boolean;
};

/** What a command has found out before it asks for anything. */
type Prepared = {
  readonly decisions: Iterable<Decision> | AsyncIterable<Decision>;
  readonly columns: Decided['columns'];
  /** The first rows that they are of. */
  readonly rows: readonly DecidedAbout[];
  /** Decisions about other rows. */
  readonly more: number;
  /** They were found by what they have in common, so more than one has to be said to be meant. */
  readonly found?: boolean;
};

type Asked = Pick<Prepared, 'columns' | 'rows' | 'more'> & Pick<Decided, 'decisions' | 'requests'>;

/** Finds out what is to be decided, and asks for it. */
export type AskForDecisions = (settings: AllSettings, ask: (prepared: Prepared) => Promise<Asked>, line: ProgressLine) => Promise<Asked>;

/** A command that asks for decisions about rows of the source. */
export abstract class DecideCommand extends CliCommand {
  @Option({ flags: '--dry-run', description: 'look at all of it, and ask for nothing' })
  parseDryRun(): boolean {
    return true;
  }

  @Option({ flags: '--no-wait', description: 'do not wait until the target has it' })
  parseWait(): boolean {
    return false;
  }

  @Option({ flags: '--timeout <seconds>', description: 'give up waiting after so long (default: never); what was asked for stands' })
  parseTimeout(seconds: string): number {
    return parseSeconds(seconds);
  }

  @Option({ flags: '--json', description: 'print JSON' })
  parseJson(): boolean {
    return true;
  }

  protected async decide(options: DecideOptions, work: AskForDecisions, what: DecisionWord): Promise<void> {
    const { dryRun = false, wait = true, timeout, yes = false, json = false, ...read } = options;
    const { settings: given, folder } = await this.readSettings(read);
    const settings = await findOwnServices(given, folder);
    const clock = new SystemClock();
    const line = new ProgressLine(this.terminal, clock);
    const { signal } = this.session;
    const context = { clock, ids: new RandomIdSource(), signal };
    let asked = false;
    const ask = async ({ decisions, found = false, ...summary }: Prepared): Promise<Asked> => {
      const count = summary.columns.reduce((sum, column) => sum + column.decisions, 0);
      if (dryRun || count === 0) return { ...summary, decisions: count, requests: [] };
      if (found && count > 1 && !yes) throw severalMeant(count, what);
      asked = true;
      return { ...summary, ...(await submitDecisions(settings, context, decisions)) };
    };
    try {
      if (wait && !dryRun) await requireFollowing(settings, clock, ' (--no-wait asks, for when it goes on)');
      const { rows, ...told } = await work(settings, ask, line);
      const reached = asked && wait;
      if (reached) {
        line.show('waiting until the new database has it');
        await this.#wait(settings, context, timeout);
      }
      const sample = dryRun ? { sample: rows.flatMap(({ made }) => made) } : {};
      const decided = { migration: settings.migration, dryRun, ...told, reached, ...sample };
      const outcomes = reached ? await outcomesOf(settings, clock, rows) : [];
      line.clear();
      this.terminal.out(json ? toJson({ ...decided, rows: outcomes }) : renderDecided({ ...decided, rows: outcomes }, what));
    } catch (error) {
      line.clear();
      if (!signal.aborted) throw error;
      const stands = asked ? 'what was asked for stands: changeover held corrections lists it' : 'nothing was asked for';
      this.terminal.err(`changeover: interrupted: ${stands}\n`);
      process.exitCode = INTERRUPTED;
    }
  }

  async #wait(settings: AllSettings, context: Parameters<typeof untilAtTarget>[1], timeout: number | undefined): Promise<void> {
    const { signal } = context;
    const until = untilTimeout(signal, timeout);
    const reached = await untilAtTarget(settings, { ...context, signal: until });
    signal.throwIfAborted();
    if (reached !== null) return;
    throw new ChangeoverError('TIMED_OUT', 'what was asked for stands, and is not in the target yet', {
      facts: { migration: settings.migration },
    });
  }
}

function severalMeant(count: number, what: DecisionWord): ChangeoverError {
  return new ChangeoverError(
    'BAD_SETTINGS',
    `that is ${countWords(count)} ${what}s: --dry-run shows how many and the first of them, --yes asks for them`,
  );
}
