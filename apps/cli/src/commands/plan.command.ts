import { resolve } from 'node:path';

import { ChangeoverError, RandomIdSource, SystemClock } from '@changeover/core';
import { changesNothing } from '@changeover/pipeline';
import { Command, Option } from 'nest-commander';

import { qualified } from '../held/words.js';
import { PlanProgress, renderPlan } from '../plan/plan-view.js';
import { runPlan } from '../plan/run-plan.js';
import { findOwnServices } from '../services/own-services.js';
import { ProgressLine } from '../status/progress-line.js';
import { CliCommand, INTERRUPTED, toJson, type ReadOptionsOf } from './cli-command.js';

type PlanOptions = ReadOptionsOf & {
  readonly table?: readonly string[];
  readonly limit?: number;
  readonly values?: boolean;
  readonly json?: boolean;
};

const USUAL_LIMIT = 5;
const MOST_LIMIT = 100_000;

@Command({
  name: 'plan',
  arguments: '[mapping]',
  argsDescription: { mapping: 'the file of the mapping (default: that of the settings)' },
  description:
    'Tell what another mapping would change of the rows that are written: how many come, go and change in which columns, which are held, and some of them by key; where transform runs. Changes nothing. Exits 1 if something would change.',
})
export class PlanCommand extends CliCommand {
  @Option({ flags: '-t, --table <table>', description: 'only this table of the new database (may be given again)' })
  parseTable(table: string, before: readonly string[] = []): readonly string[] {
    return [...before, qualified(table)];
  }

  @Option({
    flags: '-n, --limit <rows>',
    description: `name so many rows of a table that come, that go and that change (default: ${String(USUAL_LIMIT)})`,
  })
  parseLimit(rows: string): number {
    const parsed = Number(rows);
    if (Number.isInteger(parsed) && parsed >= 0 && parsed <= MOST_LIMIT) return parsed;
    throw new ChangeoverError('BAD_SETTINGS', `--limit is not a number of rows from 0 to ${String(MOST_LIMIT)}`);
  }

  @Option({ flags: '--values', description: 'tell their values as well: personal data, so mind where it goes' })
  parseValues(): boolean {
    return true;
  }

  @Option({ flags: '--json', description: 'print JSON' })
  parseJson(): boolean {
    return true;
  }

  override async run(
    [file]: string[],
    { table, limit = USUAL_LIMIT, values = false, json = false, ...options }: PlanOptions,
  ): Promise<void> {
    const { settings: given, folder } = await this.readSettings(options);
    const settings = await findOwnServices(given, folder);
    const clock = new SystemClock();
    const { signal } = this.session;
    const shown = new ProgressLine(this.terminal, clock);
    const progress = new PlanProgress();
    try {
      const plan = await runPlan(settings, {
        ...(file !== undefined && { file: resolve(file) }),
        ...(table && { only: new Set(table) }),
        ...{ clock, ids: new RandomIdSource(), signal, named: limit, values },
        onStep: (step) => {
          shown.show(progress.line(step, clock.monotonic()));
        },
      });
      shown.clear();
      const equal = changesNothing(plan);
      this.terminal.out(json ? toJson({ changesNothing: equal, ...plan }) : renderPlan(plan));
      if (!equal) process.exitCode = 1;
    } catch (error) {
      shown.clear();
      if (!signal.aborted) throw error;
      this.terminal.err('changeover: interrupted: nothing was found out\n');
      process.exitCode = INTERRUPTED;
    }
  }
}
