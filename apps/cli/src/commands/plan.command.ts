import { resolve } from 'node:path';

import { asChangeoverError, ChangeoverError, RandomIdSource, SystemClock, type Clock } from '@changeover/core';
import type { Mapping } from '@changeover/mapping';
import { changesNothing } from '@changeover/pipeline';
import { loadMapping, type AllSettings } from '@changeover/shell';

import { Command, Option } from '../command.js';
import { COMMAND_WORDS } from '../command-words.js';
import { failed, hasErrors, renderFindings, type Finding } from '../check/finding.js';
import { targetMisfits } from '../check/run-check.js';
import { watchTrial } from '../check/watch-trial.js';
import { qualified } from '../held/words.js';
import { PlanProgress, renderPlan } from '../plan/plan-view.js';
import { runPlan } from '../plan/run-plan.js';
import { runSample } from '../plan/run-sample.js';
import { renderSample } from '../plan/sample-view.js';
import { isOwnSchema } from '../rebuild/rebuild-place.js';
import { findOwnServices } from '../services/own-services.js';
import { ProgressLine } from '../status/progress-line.js';
import { CliCommand, INTERRUPTED, parseSeed, parseShare, toJson, type ReadOptionsOf } from './cli-command.js';

type PlanOptions = ReadOptionsOf & {
  readonly table?: readonly string[];
  readonly limit?: number;
  readonly values?: boolean;
  readonly sample?: number;
  readonly seed?: number;
  readonly into?: string;
  readonly replace?: boolean;
  readonly json?: boolean;
};

/** The same rows each time, unless somebody wants others. */
const USUAL_SEED = 1;

const USUAL_LIMIT = 5;
const MOST_LIMIT = 100_000;

@Command(COMMAND_WORDS.plan)
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

  @Option({
    flags: '--sample <percent>',
    description:
      'read the source in one snapshot, derive all rows, and write so many of them (chosen by a hash of their keys) into tables of their own, with what would become of all; needs --into, and neither a log nor transform',
  })
  parseSample(percent: string): number {
    return parseShare(percent);
  }

  @Option({ flags: '--seed <number>', description: `with --sample: which rows are chosen (default: ${String(USUAL_SEED)})` })
  parseSeed(seed: string): number {
    return parseSeed(seed);
  }

  @Option({ flags: '--into <schema>', description: 'with --sample: the schema of the target that is made for it' })
  parseInto(schema: string): string {
    if (isOwnSchema(schema)) return schema;
    throw new ChangeoverError(
      'BAD_SETTINGS',
      '--into is not the name of a schema for a sample: a letter, then at most 30 of a-z, 0-9 and _; none that PostgreSQL or Changeover uses',
    );
  }

  @Option({ flags: '--replace', description: 'with --sample: write an earlier sample in that schema again' })
  parseReplace(): boolean {
    return true;
  }

  @Option({ flags: '--json', description: 'print JSON' })
  parseJson(): boolean {
    return true;
  }

  override async run([file]: string[], { table, limit, values = false, json = false, ...options }: PlanOptions): Promise<void> {
    const { sample, seed, into, replace } = options;
    if (sample !== undefined) {
      if (table !== undefined || limit !== undefined || values)
        throw new ChangeoverError(
          'BAD_SETTINGS',
          '--sample is of all tables, to be looked at there: --table, --limit and --values do not go with it',
        );
      if (into === undefined) throw new ChangeoverError('BAD_SETTINGS', '--into is missing: the schema that is made for the sample');
      await this.#sample(file, { ...options, sample, into, json });
      return;
    }
    if (seed !== undefined || into !== undefined || replace === true)
      throw new ChangeoverError('BAD_SETTINGS', '--seed, --into and --replace say which --sample, and go with it');
    const { settings: given, folder } = await this.readSettings(options);
    const settings = await findOwnServices(given, folder);
    const clock = new SystemClock();
    const { signal } = this.session;
    const shown = new ProgressLine(this.terminal, clock);
    const progress = new PlanProgress();
    try {
      const proposed = await loadMapping(file === undefined ? settings.mapping : resolve(file));
      const findings = await targetFindings(settings, proposed, clock);
      const plan = await runPlan(settings, {
        proposed,
        ...(table && { only: new Set(table) }),
        ...{ clock, ids: new RandomIdSource(), signal, named: limit ?? USUAL_LIMIT, values },
        onStep: (step) => {
          shown.show(progress.line(step, clock.monotonic()));
        },
      });
      shown.clear();
      const equal = changesNothing(plan);
      const misfits = findings.length === 0 ? '' : `\`changeover check\` would say of this mapping:\n${renderFindings(findings)}`;
      this.terminal.out(json ? toJson({ changesNothing: equal, findings, ...plan }) : `${renderPlan(plan)}${misfits}`);
      if (!equal || hasErrors(findings)) process.exitCode = 1;
    } catch (error) {
      shown.clear();
      if (!signal.aborted) throw error;
      this.terminal.err('changeover: interrupted: nothing was found out\n');
      process.exitCode = INTERRUPTED;
    }
  }

  async #sample(file: string | undefined, options: PlanOptions & { readonly sample: number; readonly into: string }): Promise<void> {
    const { sample, seed = USUAL_SEED, into, replace = false, json = false } = options;
    const { settings } = await this.readSettings(options);
    const { signal } = this.session;
    const clock = new SystemClock();
    const line = new ProgressLine(this.terminal, clock);
    try {
      const outcome = await runSample(settings, {
        ...(file !== undefined && { file: resolve(file) }),
        ...{ share: sample, seed, schema: into, replace, signal },
        ...watchTrial(line, clock),
      });
      line.clear();
      this.terminal.out(json ? toJson(outcome) : renderSample(outcome));
    } catch (error) {
      line.clear();
      if (!signal.aborted) throw error;
      this.terminal.err(`changeover: interrupted: what stands in the schema ${into} is not whole; --replace writes it again\n`);
      process.exitCode = INTERRUPTED;
    }
  }
}

/** As `check` says it. A plan itself needs neither database, so one that does not answer is told of, too: what it would have said is not known. */
async function targetFindings(settings: AllSettings, mapping: Mapping, clock: Clock): Promise<readonly Finding[]> {
  try {
    return await targetMisfits(settings, mapping, clock);
  } catch (error) {
    return failed('source', asChangeoverError(error));
  }
}
