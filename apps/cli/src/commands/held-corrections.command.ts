import { ChangeoverError, SystemClock } from '@changeover/core';
import type { StandingCorrection } from '@changeover/pipeline';

import { Command, Option } from '../command.js';
import { renderCorrections } from '../held/corrections-view.js';
import { withCorrectableRows } from '../held/decide.js';
import { qualified } from '../held/words.js';
import { findOwnServices } from '../services/own-services.js';
import { CliCommand, toJson, type ReadOptionsOf } from './cli-command.js';

type CorrectionsOptions = ReadOptionsOf & {
  readonly table?: string;
  readonly inForce?: boolean;
  readonly values?: boolean;
  readonly limit?: number;
  readonly json?: boolean;
};

const USUAL_LIMIT = 50;
/** They are put together in memory. */
const MOST_ROWS = 100_000;

@Command({
  name: 'corrections',
  description:
    'List what is corrected and accepted, and whether it is in force: whether the old database holds now what it was decided for. Where transform runs. Changes nothing.',
})
export class HeldCorrectionsCommand extends CliCommand {
  @Option({ flags: '-t, --table <table>', description: 'only those of rows of this table of the old database' })
  parseTable(table: string): string {
    return qualified(table);
  }

  @Option({ flags: '--in-force', description: 'only those that are in force' })
  parseInForce(): boolean {
    return true;
  }

  @Option({ flags: '--values', description: 'WITH THEIR VALUES: what is held, what is read, and what is accepted' })
  parseValues(): boolean {
    return true;
  }

  @Option({ flags: '-n, --limit <corrections>', description: `list so many (default: ${String(USUAL_LIMIT)})` })
  parseLimit(rows: string): number {
    const parsed = Number(rows);
    if (Number.isInteger(parsed) && parsed > 0 && parsed <= MOST_ROWS) return parsed;
    throw new ChangeoverError('BAD_SETTINGS', `--limit is not a number of corrections from 1 to ${String(MOST_ROWS)}`);
  }

  @Option({ flags: '--json', description: 'print JSON' })
  parseJson(): boolean {
    return true;
  }

  override async run(_args: string[], options: CorrectionsOptions): Promise<void> {
    const { table, inForce = false, values = false, limit = USUAL_LIMIT, json = false, ...read } = options;
    const { settings: given, folder } = await this.readSettings(read);
    const settings = await findOwnServices(given, folder);
    const listed: StandingCorrection[] = [];
    let more = 0;
    await withCorrectableRows(settings, new SystemClock(), (rows) => {
      for (const one of rows) {
        if ((table !== undefined && one.table !== table) || (inForce && !one.inForce)) continue;
        if (listed.length < limit) listed.push(one);
        else more++;
      }
    });
    if (!json) {
      this.terminal.out(renderCorrections(listed, more, values));
      return;
    }
    const corrections = listed.map(({ from, to, ...facts }) => (values ? { ...facts, from, to } : facts));
    this.terminal.out(toJson({ migration: settings.migration, corrections, more }));
  }
}
