import { writeFile } from 'node:fs/promises';

import { ChangeoverError, RandomIdSource, SystemClock } from '@changeover/core';
import { isEqual, isEqualChosen, isEqualResumed, type Choice } from '@changeover/verification';

import { Command, Option } from '../command.js';
import { COMMAND_WORDS } from '../command-words.js';
import { qualified } from '../held/words.js';
import { findOwnServices } from '../services/own-services.js';
import { ProgressLine } from '../status/progress-line.js';
import { notEqual, notEqualChosen } from '../verify/not-equal.js';
import { runVerify, runVerifyChosen, runVerifyMirror, runVerifyResumed, type VerifyContext } from '../verify/run-verify.js';
import { renderChosenHtml, renderHtml, renderResumedHtml } from '../verify/verify-page.js';
import { renderChosen, renderMirror, renderReport, renderResumed, VerifyProgress } from '../verify/verify-view.js';
import { expectWritable, writing } from '../writing.js';
import { CliCommand, INTERRUPTED, parseSeconds, parseSeed, parseShare, toJson, type ReadOptionsOf } from './cli-command.js';

type VerifyOptions = ReadOptionsOf & {
  readonly table?: readonly string[];
  readonly limit?: number;
  readonly timeout?: number;
  readonly values?: boolean;
  readonly mirror?: boolean;
  readonly touched?: boolean;
  readonly sample?: number;
  readonly seed?: number;
  readonly resume?: boolean;
  readonly repair?: boolean;
  readonly deleteExtra?: boolean;
  readonly html?: string;
  readonly json?: boolean;
};

const USUAL_LIMIT = 1000;
const MOST_LIMIT = 100_000;
const USUAL_PATIENCE_S = 60;

@Command(COMMAND_WORDS.verify)
export class VerifyCommand extends CliCommand {
  @Option({
    flags: '-t, --table <table>',
    description: 'only this table of the target (may be given again); changeover.held is the list of held rows',
  })
  parseTable(table: string, before: readonly string[] = []): readonly string[] {
    return [...before, qualified(table)];
  }

  @Option({ flags: '-n, --limit <rows>', description: `name so many differences of a table (default: ${String(USUAL_LIMIT)})` })
  parseLimit(rows: string): number {
    const parsed = Number(rows);
    if (Number.isInteger(parsed) && parsed > 0 && parsed <= MOST_LIMIT) return parsed;
    throw new ChangeoverError('BAD_SETTINGS', `--limit is not a number of rows from 1 to ${String(MOST_LIMIT)}`);
  }

  @Option({
    flags: '--timeout <seconds>',
    description: `give up when both ends could not be taken at one place for so long (default: ${String(USUAL_PATIENCE_S)})`,
  })
  parseTimeout(seconds: string): number {
    return parseSeconds(seconds);
  }

  @Option({ flags: '--values', description: 'tell the values that differ as well: personal data, so mind where it goes' })
  parseValues(): boolean {
    return true;
  }

  @Option({
    flags: '--mirror',
    description:
      'compare what transform remembers of the source with the source instead, where transform runs; --table is one of the source',
  })
  parseMirror(): boolean {
    return true;
  }

  @Option({
    flags: '--touched',
    description:
      'compare only rows that were touched since the last verification that found everything equal, and what transform remembers of them, where transform runs',
  })
  parseTouched(): boolean {
    return true;
  }

  @Option({
    flags: '--sample <percent>',
    description:
      'compare only so many of the rows, chosen by a hash of their keys, and the numbers of all, where transform runs; --table is one of the source',
  })
  parseSample(percent: string): number {
    return parseShare(percent);
  }

  @Option({ flags: '--seed <number>', description: 'with --sample: choose the same rows as the sample that printed this number' })
  parseSeed(seed: string): number {
    return parseSeed(seed);
  }

  @Option({
    flags: '--resume',
    description:
      'go on with the last verification of everything, if it was killed or interrupted after it had read the source, where transform runs',
  })
  parseResume(): boolean {
    return true;
  }

  @Option({
    flags: '--repair',
    description: 'bring rows of the target in order that differ and that nothing has touched since, then compare everything once more',
  })
  parseRepair(): boolean {
    return true;
  }

  @Option({ flags: '--delete-extra', description: 'with --repair: also delete rows that should not be there' })
  parseDeleteExtra(): boolean {
    return true;
  }

  @Option({ flags: '--html <file>', description: 'write the report as one page that needs nothing else, too' })
  parseHtml(file: string): string {
    return file;
  }

  @Option({ flags: '--json', description: 'print JSON' })
  parseJson(): boolean {
    return true;
  }

  override async run(_args: string[], options: VerifyOptions): Promise<void> {
    const {
      table,
      limit = USUAL_LIMIT,
      timeout = USUAL_PATIENCE_S,
      json = false,
      values = false,
      repair = false,
      deleteExtra = false,
      mirror = false,
      touched = false,
      sample,
      seed,
      resume = false,
      html,
      ...read
    } = options;
    if ((touched || sample !== undefined) && (mirror || repair || (touched && sample !== undefined)))
      throw new ChangeoverError('BAD_SETTINGS', '--touched, --sample, --mirror and --repair are four different things: one at a time');
    if (touched && table !== undefined)
      throw new ChangeoverError(
        'BAD_SETTINGS',
        '--touched follows rows through all tables, and builds upon that the next time; --table does not go with it',
      );
    if (resume && (table !== undefined || repair || mirror || touched || sample !== undefined))
      throw new ChangeoverError(
        'BAD_SETTINGS',
        '--resume goes on with a verification of everything; --table, --touched, --sample, --mirror and --repair do not go with it',
      );
    if (seed !== undefined && sample === undefined)
      throw new ChangeoverError('BAD_SETTINGS', '--seed says which --sample, and goes with it');
    if (mirror && (repair || html !== undefined))
      throw new ChangeoverError('BAD_SETTINGS', '--mirror compares, and prints; --repair and --html do not go with it');
    if (deleteExtra && !repair) throw new ChangeoverError('BAD_SETTINGS', '--delete-extra says what --repair may do, and goes with it');
    const { settings: given, folder } = await this.readSettings(read);
    if (html !== undefined) await expectWritable(html);
    const settings = await findOwnServices(given, folder);
    const asked = {
      ...(table && { only: new Set(table) }),
      named: limit,
      values,
      patienceMs: timeout * 1000,
      ...(repair && { repair: { deleteExtra } }),
    };
    if (mirror) {
      const report = await this.#watched(asked, (context) => runVerifyMirror(settings, context));
      if (report === null) return;
      this.terminal.out(json ? toJson({ equal: isEqual(report), ...report }) : renderMirror(report));
      if (!isEqual(report))
        throw notEqual(report, 'of what transform remembers (`changeover state rebuild` fills that anew from the log) ');
      return;
    }
    if (resume) {
      const report = await this.#watched(asked, (context) => runVerifyResumed(settings, context));
      if (report === null) return;
      const equal = isEqualResumed(report);
      this.terminal.out(json ? toJson({ equal, ...report }) : renderResumed(report));
      if (html !== undefined) await writing(html, () => writeFile(html, renderResumedHtml(report), { mode: 0o600 }));
      if (!equal) throw isEqual(report) ? notEqualChosen(report.resumed.touched) : notEqual(report);
      return;
    }
    if (touched || sample !== undefined) {
      const choice: Choice =
        sample === undefined
          ? { kind: 'touched' }
          : { kind: 'sample', share: sample, seed: seed ?? parseInt(new RandomIdSource().uuid().slice(0, 8), 16) };
      const report = await this.#watched(asked, (context) => runVerifyChosen(settings, choice, context));
      if (report === null) return;
      const equal = isEqualChosen(report);
      this.terminal.out(json ? toJson({ equal, ...report }) : renderChosen(report));
      if (html !== undefined) await writing(html, () => writeFile(html, renderChosenHtml(report), { mode: 0o600 }));
      if (!equal) throw notEqualChosen(report);
      return;
    }
    const report = await this.#watched(asked, (context) => runVerify(settings, context));
    if (report === null) return;
    const equal = isEqual(report);
    this.terminal.out(json ? toJson({ equal, ...report }) : renderReport(report));
    if (html !== undefined) await writing(html, () => writeFile(html, renderHtml(report), { mode: 0o600 }));
    if (!equal) throw notEqual(report);
  }

  /** Null: it was told to stop. */
  async #watched<Report>(
    given: Pick<VerifyContext, 'only' | 'named' | 'values' | 'patienceMs' | 'repair'>,
    run: (context: VerifyContext) => Promise<Report>,
  ): Promise<Report | null> {
    const clock = new SystemClock();
    const shown = new ProgressLine(this.terminal, clock);
    const progress = new VerifyProgress();
    let isKept = false;
    const running = run({
      ...given,
      clock,
      ids: new RandomIdSource(),
      signal: this.session.signal,
      onSizes: (sizes) => {
        progress.expect(sizes);
      },
      onStep: (step) => {
        shown.show(progress.line(step, clock.monotonic()));
      },
      onKept: () => {
        isKept = true;
      },
    });
    try {
      return await running;
    } catch (error) {
      // Whatever it was in the middle of: who was told to stop must not look like one that found everything equal.
      if (!this.session.signal.aborted) throw error;
      const said = given.repair === undefined ? 'nothing was found out' : 'nothing was found out; rows may have been repaired';
      this.terminal.err(`changeover: interrupted: ${said}\n`);
      process.exitCode = INTERRUPTED;
      return null;
    } finally {
      shown.clear();
      if (isKept) this.terminal.err('changeover: it had read the source: `changeover verify --resume` goes on with the rest\n');
    }
  }
}
