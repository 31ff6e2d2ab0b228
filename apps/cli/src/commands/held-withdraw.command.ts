import { ChangeoverError, SystemClock } from '@changeover/core';
import type { Decision } from '@changeover/events';
import { SubCommand } from 'nest-commander';

import { FirstRows, rowIfThere, withCorrectableRows } from '../held/decide.js';
import { DecideCommand, type DecideOptions } from './decide-command.js';

@SubCommand({
  name: 'withdraw',
  arguments: '<id...>',
  argsDescription: { id: 'of a correction, as `held corrections` lists it; may be several' },
  description:
    'Take corrections back: what the old database holds is read again. Waits until the new database has what comes of it. Where transform runs.',
})
export class HeldWithdrawCommand extends DecideCommand {
  override async run(ids: string[], options: DecideOptions): Promise<void> {
    const work: Parameters<DecideCommand['decide']>[1] = (settings, ask) =>
      withCorrectableRows(settings, new SystemClock(), (rows) => {
        const wanted = new Set(ids);
        const decisions: Decision[] = [];
        const columns = new Map<string, { readonly table: string; readonly column: string; decisions: number }>();
        const first = new FirstRows();
        for (const { id, table, key, column, from } of rows) {
          if (!wanted.delete(id)) continue;
          decisions.push({ what: 'withdraw', id, table, key, column, from });
          const row = rowIfThere(rows, table, key);
          if (row !== null) first.add(row);
          const counted = columns.get(`${table}\n${column}`) ?? { table, column, decisions: 0 };
          columns.set(`${table}\n${column}`, counted);
          counted.decisions++;
        }
        const [unknown] = wanted;
        if (unknown !== undefined)
          throw new ChangeoverError('CORRECTION_UNKNOWN', `no correction ${unknown} stands`, { facts: { migration: settings.migration } });
        return ask({ columns: [...columns.values()], rows: first.rows, decisions });
      });
    await this.decide(options, work, true);
  }
}
