import { ChangeoverError, SystemClock } from '@changeover/core';
import { SETTLE_MS, type HeldFilter, type HeldState } from '@changeover/events';
import { createHeldRowList, withoutPassword } from '@changeover/shell';

import { Command, Option } from '../command.js';
import { saying } from '../check/saying.js';
import { renderListing } from '../held/held-view.js';
import { csvOf } from '../held/held-csv.js';
import { listedRows } from '../held/listed-rows.js';
import { readListing, readTables } from '../held/read-listing.js';
import { HELD_STATES, qualified } from '../held/words.js';
import { CliCommand, toJson, type ReadOptionsOf } from './cli-command.js';

type HeldListOptions = ReadOptionsOf & {
  readonly table?: string;
  readonly reason?: string;
  readonly state?: HeldState;
  readonly settled?: boolean;
  readonly limit?: number;
  readonly csv?: boolean;
  readonly json?: boolean;
};

const USUAL_LIMIT = 50;
/** They are put together in memory. */
const MOST_ROWS = 100_000;

@Command({
  name: 'list',
  description: 'Count the rows that are held, wait or are refused, by table, state and reason, and list them with their keys.',
})
export class HeldListCommand extends CliCommand {
  @Option({ flags: '-t, --table <table>', description: 'only rows of this table of the target' })
  parseTable(table: string): string {
    return qualified(table);
  }

  @Option({ flags: '-r, --reason <reason>', description: 'only rows whose first reason it is, as the list has it' })
  parseReason(reason: string): string {
    return reason;
  }

  @Option({
    flags: '-s, --state <state>',
    description:
      'only rows that are held, waiting or refused; or noted: those that are written, but not as they came, or although a rule warns',
  })
  parseState(state: string): HeldState {
    const known = HELD_STATES.find((one) => one === state);
    if (known !== undefined) return known;
    throw new ChangeoverError('BAD_SETTINGS', `--state is one of ${HELD_STATES.join(', ')}`);
  }

  @Option({ flags: '--settled', description: 'only rows that what the source committed within five seconds did not settle' })
  parseSettled(): boolean {
    return true;
  }

  @Option({ flags: '-n, --limit <rows>', description: `list so many (default: ${String(USUAL_LIMIT)})` })
  parseLimit(rows: string): number {
    const parsed = Number(rows);
    if (Number.isInteger(parsed) && parsed > 0 && parsed <= MOST_ROWS) return parsed;
    throw new ChangeoverError('BAD_SETTINGS', `--limit is not a number of rows from 1 to ${String(MOST_ROWS)}`);
  }

  @Option({ flags: '--csv', description: 'instead of that, all rows that match as comma-separated values, with a line of names' })
  parseCsv(): boolean {
    return true;
  }

  @Option({ flags: '--json', description: 'print JSON' })
  parseJson(): boolean {
    return true;
  }

  override async run(_args: string[], options: HeldListOptions): Promise<void> {
    const { settings } = await this.readSettings(options);
    const { migration, limits, target } = settings;
    const { table, reason, state, settled = false, limit = USUAL_LIMIT, csv = false, json = false } = options;
    const filter: HeldFilter = {
      ...(table !== undefined && { table }),
      ...(reason !== undefined && { reason }),
      ...(state !== undefined && { state }),
      ...(settled && { settledMs: SETTLE_MS }),
    };
    const clock = new SystemClock();
    if (csv) {
      if (json || options.limit !== undefined)
        throw new ChangeoverError('BAD_SETTINGS', '--csv lists all rows: without --json and --limit');
      const { signal } = this.session;
      for await (const lines of csvOf(listedRows(settings, filter, { clock, signal }))) this.terminal.out(lines);
      return;
    }
    const list = createHeldRowList(target, { migration, limits, clock });
    const say = (line: string): void => {
      this.terminal.err(`${line}\n`);
    };
    const listing = await saying(`target: waiting for ${withoutPassword(target.url)}`, { clock, say }, () =>
      readListing(list, filter, limit),
    );
    if (json) {
      this.terminal.out(toJson({ migration, ...listing }));
      return;
    }
    const others = listing.groups.length === 0 && Object.keys(filter).length > 0 ? await readTables(list) : [];
    this.terminal.out(`${renderListing(listing, others).join('\n')}\n`);
  }
}
