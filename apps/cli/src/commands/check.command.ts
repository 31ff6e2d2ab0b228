import { ChangeoverError, SystemClock } from '@changeover/core';
import type { CliSettings } from '@changeover/shell';

import { Command, Option } from '../command.js';
import { COMMAND_WORDS } from '../command-words.js';
import { hasErrors, renderFindings, summary, type Finding } from '../check/finding.js';
import { runCheck } from '../check/run-check.js';
import { watchTrial } from '../check/watch-trial.js';
import { ProgressLine } from '../status/progress-line.js';
import { lookIntoOwnServices } from '../services/own-services.js';
import { CliCommand, INTERRUPTED, toJson, type ReadOptionsOf } from './cli-command.js';

type CheckOptions = ReadOptionsOf & {
  readonly data?: boolean;
  readonly determinism?: boolean;
  readonly values?: boolean;
  readonly json?: boolean;
};

@Command(COMMAND_WORDS.check)
export class CheckCommand extends CliCommand {
  @Option({
    flags: '--data',
    description:
      'also read the whole source, derive all rows and say what would become of them: written, left out, held and why, values that the target would refuse, unique values that several rows want, columns that go nowhere. About as long as the first copy takes',
  })
  parseData(): boolean {
    return true;
  }

  @Option({
    flags: '--determinism',
    description:
      'also derive a sample (the first 2,000 rows of each mapped table) in two processes with other time zone, locale, clock and random numbers, and name what does not come out the same',
  })
  parseDeterminism(): boolean {
    return true;
  }

  @Option({
    flags: '--values',
    description: 'with --determinism: tell the values that differ as well: personal data, so mind where it goes',
  })
  parseValues(): boolean {
    return true;
  }

  @Option({ flags: '--json', description: 'print the findings as JSON' })
  parseJson(): boolean {
    return true;
  }

  override async run(_args: string[], options: CheckOptions): Promise<void> {
    if (options.values === true && options.determinism !== true)
      throw new ChangeoverError('BAD_SETTINGS', '--values says which values differ with --determinism, and nothing without it');
    const { settings: given, file, folder } = await this.readSettings(options);
    await using services = await lookIntoOwnServices(given, folder);
    const checked = await this.#check(services.settings, options);
    if (checked === null) return;
    const findings = [{ part: 'settings', severity: 'ok', check: 'settings', message: file } as const, ...checked];
    const failed = hasErrors(findings);
    this.terminal.out(options.json === true ? toJson({ ok: !failed, findings }) : `${renderFindings(findings)}\n${summary(findings)}`);
    if (failed) process.exitCode = 1;
  }

  /** Null: it was told to stop. */
  async #check(
    settings: CliSettings,
    { data = false, determinism = false, values = false }: CheckOptions,
  ): Promise<readonly Finding[] | null> {
    const { signal } = this.session;
    const say = (line: string): void => this.terminal.err(`${line}\n`);
    const clock = new SystemClock();
    const line = new ProgressLine(this.terminal, clock);
    const watched = { signal, ...watchTrial(line, clock) };
    try {
      return await runCheck(settings, { say, ...(determinism && { determinism: { values, signal } }), ...(data && { data: watched }) });
    } catch (error) {
      if (!signal.aborted) throw error;
      this.terminal.err('changeover: interrupted: not everything was checked\n');
      process.exitCode = INTERRUPTED;
      return null;
    } finally {
      line.clear();
    }
  }
}
