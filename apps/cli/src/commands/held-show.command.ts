import { ChangeoverError, SystemClock } from '@changeover/core';
import type { HeldPlace } from '@changeover/events';
import { createHeldRowList } from '@changeover/shell';

import { Command, Option } from '../command.js';
import { renderRow } from '../held/held-view.js';
import { nextStep } from '../held/next-step.js';
import { qualified } from '../held/words.js';
import { CliCommand, toJson, type ReadOptionsOf } from './cli-command.js';

type HeldShowOptions = ReadOptionsOf & { readonly refusal?: string; readonly json?: boolean };

@Command({
  name: 'show',
  arguments: '<table> [key...]',
  argsDescription: {
    table: 'the table of the target',
    key: 'the key as `held list` shows it, a word for each of its columns; behind -- where it begins with a dash',
  },
  description: 'Show all about one row that is held, waits or is refused, what it should be, and what to do about it. Prints its values.',
})
export class HeldShowCommand extends CliCommand {
  @Option({ flags: '--refusal <number>', description: 'instead of a key: a refused row of a table that has none' })
  parseRefusal(number: string): string {
    return number;
  }

  @Option({ flags: '--json', description: 'print JSON' })
  parseJson(): boolean {
    return true;
  }

  override async run([name = '', ...key]: string[], { refusal, json = false, ...options }: HeldShowOptions): Promise<void> {
    const { settings } = await this.readSettings(options);
    const { migration, limits, target } = settings;
    const table = qualified(name);
    const list = createHeldRowList(target, { migration, limits, clock: new SystemClock() });
    const rows = await list.find(table, placeOf(key, refusal));
    if (rows.length === 0) {
      const by = refusal === undefined ? 'this key' : 'this number of a refusal';
      throw new ChangeoverError('NOT_HELD', `no row of ${table} with ${by} is held, waits or is refused`, { facts: { migration, table } });
    }
    if (json) this.terminal.out(toJson({ migration, rows: rows.map((row) => ({ ...row, next: nextStep(row) })) }));
    else this.terminal.out(rows.map((row) => `${renderRow(row).join('\n')}\n`).join('\n'));
  }
}

function placeOf(key: readonly string[], refusal: string | undefined): HeldPlace {
  if (key.length > 0 === (refusal !== undefined)) throw new ChangeoverError('BAD_SETTINGS', 'held show takes a key, or --refusal');
  return refusal === undefined ? { key } : { refusal };
}
