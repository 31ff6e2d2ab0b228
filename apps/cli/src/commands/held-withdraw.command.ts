import { ChangeoverError, SystemClock } from '@changeover/core';
import type { Decision } from '@changeover/events';

import { Command } from '../command.js';
import { DecisionSummary, rowIfThere, rowOfKey, withCorrectableRows } from '../held/decide.js';
import { DecideCommand, type DecideOptions } from './decide-command.js';

@Command({
  name: 'withdraw',
  arguments: '<id...>',
  argsDescription: { id: 'of a correction, or of what is accepted, as `held corrections` lists it; may be several' },
  description:
    'Take back what was corrected or accepted: what the old database holds is read again, and the rule holds the row. Waits until the new database has what comes of it. Where transform runs.',
})
export class HeldWithdrawCommand extends DecideCommand {
  override async run(ids: string[], options: DecideOptions): Promise<void> {
    const work: Parameters<DecideCommand['decide']>[1] = (settings, ask) =>
      withCorrectableRows(settings, new SystemClock(), (rows) => {
        const wanted = new Set(ids);
        const decisions: Decision[] = [];
        const summary = new DecisionSummary();
        for (const { id, table, key, column, from, target, rule } of rows) {
          if (!wanted.delete(id)) continue;
          const accepted = target !== null && rule !== null;
          const decision: Decision = { what: 'withdraw', id, table, key, column, from, ...(accepted && { target, rule }) };
          decisions.push(decision);
          summary.add(decision, accepted ? { key, made: [{ target, key: rowOfKey(key) }] } : rowIfThere(rows, table, rowOfKey(key)));
        }
        const [unknown] = wanted;
        if (unknown !== undefined)
          throw new ChangeoverError('CORRECTION_UNKNOWN', `nothing corrected or accepted has the id ${unknown}`, {
            facts: { migration: settings.migration },
          });
        return ask({ ...summary.told, decisions });
      });
    await this.decide(options, work, 'withdrawal');
  }
}
