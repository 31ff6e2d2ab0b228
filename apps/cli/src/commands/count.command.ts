import { ChangeoverError, countWords, SystemClock } from '@changeover/core';
import type { RowCounts } from '@changeover/pipeline';
import { createHeldRowList } from '@changeover/shell';

import { Command, Option } from '../command.js';
import { COMMAND_WORDS } from '../command-words.js';
import { withExplanations } from '../explain/run-explain.js';
import { findOwnServices } from '../services/own-services.js';
import { inColumns } from '../status/columns.js';
import { ProgressLine } from '../status/progress-line.js';
import { CliCommand, INTERRUPTED, toJson, type ReadOptionsOf } from './cli-command.js';

type CountOptions = ReadOptionsOf & { readonly json?: boolean };

/** With how many of the target's rows it refuses at present, whatever they came from; null: another line of the same table says so. */
type Counted = RowCounts & { readonly refused: number | null };

@Command(COMMAND_WORDS.count)
export class CountCommand extends CliCommand {
  @Option({ flags: '--json', description: 'print JSON' })
  parseJson(): boolean {
    return true;
  }

  override async run(_args: string[], { json = false, ...options }: CountOptions): Promise<void> {
    const { settings: given, folder } = await this.readSettings(options);
    const settings = await findOwnServices(given, folder);
    const { migration, limits, target } = settings;
    const clock = new SystemClock();
    const { signal } = this.session;
    const line = new ProgressLine(this.terminal, clock);
    try {
      const { read, counts } = await withExplanations(settings, clock, async ({ explanations }) => {
        const told = (table: string, rows: number): void => {
          line.show(`counting ${table}: ${countWords(rows)} rows`);
        };
        const counted: RowCounts[] = [];
        for await (const one of explanations.counts(told, signal)) counted.push(one);
        return { read: explanations.read, counts: counted };
      });
      const list = createHeldRowList(target, { migration, limits, clock });
      const all: Counted[] = [];
      for (const one of counts) {
        const isFirst = !all.some(({ target: table }) => table === one.target);
        all.push({ ...one, refused: isFirst ? (await list.totals({ table: one.target })).refused : null });
      }
      line.clear();
      this.terminal.out(json ? toJson({ migration, seq: read.seq, tables: all }) : render(all, read.seq));
      const lost = all.reduce((sum, one) => sum + one.lost, 0);
      if (lost > 0)
        throw new ChangeoverError('NOT_EQUAL', `${countWords(lost)} rows of the old database are not accounted for`, {
          facts: { rows: lost },
        });
    } catch (error) {
      line.clear();
      if (!signal.aborted) throw error;
      this.terminal.err('changeover: interrupted: nothing was counted\n');
      process.exitCode = INTERRUPTED;
    }
  }
}

function render(counts: readonly Counted[], seq: number): string {
  const head = [
    'old table',
    'rows',
    'new table',
    'written',
    'of them noted',
    'merged',
    'held',
    'earlier stands',
    'waiting',
    'left out',
    'not accounted for',
    'refused',
  ];
  const cells = counts.map((one) => [
    one.source,
    countWords(one.candidates),
    one.target,
    ...[one.written, one.noted, one.merged, one.held, one.kept, one.waiting, one.filtered, one.lost].map(countWords),
    one.refused === null ? '' : countWords(one.refused),
  ]);
  return `${inColumns([head, ...cells]).join('\n')}\n\n${rulesText(counts)}as transform had them at record ${String(seq)} of changes; each row of an old table is in one of the columns from written to left out. Refused: of those written, what the new database does not take (\`held list --state refused\`).\n`;
}

/** A row that two rules speak of counts for both. */
function rulesText(counts: readonly Counted[]): string {
  const cells = counts.flatMap(({ target, rules }) =>
    Object.entries(rules).map(([rule, { noted, held }]) => [target, rule, countWords(noted), countWords(held)]),
  );
  return cells.length === 0 ? '' : `${inColumns([['new table', 'validation rule', 'noted', 'held'], ...cells]).join('\n')}\n\n`;
}
