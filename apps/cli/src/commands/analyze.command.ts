import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';

import { ChangeoverError, SystemClock } from '@changeover/core';
import type { CliSettings } from '@changeover/shell';

import { Command, Option } from '../command.js';
import { COMMAND_WORDS } from '../command-words.js';
import { renderAnalysisPage } from '../analyze/analyze-page.js';
import { analysisOutput, progressLine, renderAnalysis } from '../analyze/analyze-view.js';
import { renderMapping } from '../analyze/render-mapping.js';
import { runAnalyze, type AnalyzeContext, type AnalyzeReport } from '../analyze/run-analyze.js';
import { expectNotBegun } from '../analyze/expect-not-begun.js';
import { isMappingOfScaffold } from '../init/scaffold.js';
import { qualified } from '../held/words.js';
import { ProgressLine } from '../status/progress-line.js';
import { expectWritable, writing } from '../writing.js';
import { CliCommand, INTERRUPTED, toJson, type ReadOptionsOf } from './cli-command.js';

type AnalyzeOptions = ReadOptionsOf & {
  readonly table?: readonly string[];
  readonly sample?: number;
  readonly sourceOnly?: boolean;
  readonly values?: boolean;
  readonly html?: string;
  readonly propose?: string;
  readonly force?: boolean;
  readonly json?: boolean;
};

const USUAL_SAMPLE = 1_000_000;
const MOST_SAMPLE = 100_000_000;

@Command(COMMAND_WORDS.analyze)
export class AnalyzeCommand extends CliCommand {
  @Option({ flags: '-t, --table <table>', description: 'only this table of the source (may be given again)' })
  parseTable(table: string, before: readonly string[] = []): readonly string[] {
    return [...before, qualified(table)];
  }

  @Option({
    flags: '--sample <rows>',
    description: `read so many rows of a table at most, the first by its key (default: ${String(USUAL_SAMPLE)}); of larger ones it says so`,
  })
  parseSample(rows: string): number {
    const parsed = Number(rows);
    if (Number.isInteger(parsed) && parsed > 0 && parsed <= MOST_SAMPLE) return parsed;
    throw new ChangeoverError('BAD_SETTINGS', `--sample is not a number of rows from 1 to ${String(MOST_SAMPLE)}`);
  }

  @Option({ flags: '--source-only', description: 'do not look at the target; nothing is proposed' })
  parseSourceOnly(): boolean {
    return true;
  }

  @Option({ flags: '--values', description: 'tell values as well, in --json and --html: personal data, so mind where it goes' })
  parseValues(): boolean {
    return true;
  }

  @Option({ flags: '--html <file>', description: 'write the report as one page that needs nothing else, too' })
  parseHtml(file: string): string {
    return file;
  }

  @Option({
    flags: '--propose <file>',
    description: 'write a first mapping to this file, each line with its reason; it compiles against the types of `changeover introspect`',
  })
  parsePropose(file: string): string {
    return file;
  }

  @Option({ flags: '--force', description: 'with --propose: write over a file that is there, whatever is in it' })
  parseForce(): boolean {
    return true;
  }

  @Option({ flags: '--json', description: 'print JSON' })
  parseJson(): boolean {
    return true;
  }

  override async run(_args: string[], options: AnalyzeOptions): Promise<void> {
    const {
      table,
      sample = USUAL_SAMPLE,
      sourceOnly = false,
      values = false,
      html,
      propose,
      force = false,
      json = false,
      ...read
    } = options;
    if (propose !== undefined && sourceOnly)
      throw new ChangeoverError('BAD_SETTINGS', '--propose needs the target, which --source-only leaves out');
    if (values && html === undefined && !json)
      throw new ChangeoverError('BAD_SETTINGS', '--values goes with --json or --html: nothing else tells values');
    if (force && propose === undefined) throw new ChangeoverError('BAD_SETTINGS', '--force goes with --propose');
    // Before anything is read: an analysis can take minutes.
    if (propose !== undefined && !force) await isReplaceable(propose);
    for (const file of [html, propose]) if (file !== undefined) await expectWritable(file);
    const { settings, folder } = await this.readSettings(read);
    if (propose !== undefined && !force && existsSync(propose)) await expectNotBegun(settings, { folder, file: propose });
    const report = await this.#watched(settings, { ...(table && { only: new Set(table) }), mostRows: sample, sourceOnly });
    if (report === null) return;
    const { proposal } = report;
    if (html !== undefined)
      await writing(html, () => writeFile(html, renderAnalysisPage(settings.migration, report, values), { mode: 0o600 }));
    if (propose !== undefined && proposal !== null) {
      // Again: somebody may have begun to write it meanwhile.
      const flag = force || (await isReplaceable(propose)) ? 'w' : 'wx';
      await writing(propose, () => writeFile(propose, renderMapping(proposal), { flag }));
    }
    this.terminal.out(json ? toJson(analysisOutput(report, values)) : renderAnalysis(report));
    if (propose !== undefined)
      this.terminal.err(`wrote ${propose}; its types: \`changeover introspect --out types.ts\` beside it; then \`changeover check\`\n`);
  }

  /** Null: it was told to stop. */
  async #watched(settings: CliSettings, given: Pick<AnalyzeContext, 'only' | 'mostRows' | 'sourceOnly'>): Promise<AnalyzeReport | null> {
    const clock = new SystemClock();
    const shown = new ProgressLine(this.terminal, clock);
    const { signal } = this.session;
    try {
      return await runAnalyze(settings, { ...given, clock, signal, onStep: (step) => shown.show(progressLine(step)) });
    } catch (error) {
      if (!signal.aborted) throw error;
      this.terminal.err('changeover: interrupted: nothing was found out\n');
      process.exitCode = INTERRUPTED;
      return null;
    } finally {
      shown.clear();
    }
  }
}

/** Whether it is there, with nothing of anybody's in it. FILE_EXISTS where there may be something. */
async function isReplaceable(file: string): Promise<boolean> {
  if (!existsSync(file)) return false;
  if (await isMappingOfScaffold(file)) return true;
  throw new ChangeoverError('FILE_EXISTS', `${file} exists, and is not as \`changeover init\` wrote it; --force writes over it`, {
    facts: { file },
  });
}
