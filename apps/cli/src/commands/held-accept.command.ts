import { ChangeoverError, countWords, SystemClock } from '@changeover/core';

import { Command, Option } from '../command.js';
import { acceptanceIfHeld, acceptanceOf, requireRule } from '../held/accept.js';
import { decisionsOf, DecisionSummary, withCorrectableRows, type Deciding } from '../held/decide.js';
import { listedRows } from '../held/listed-rows.js';
import { qualified } from '../held/words.js';
import { DecideCommand, type DecideOptions } from './decide-command.js';

type AcceptOptions = DecideOptions & { readonly rule?: string; readonly why?: string };

@Command({
  name: 'accept',
  arguments: '<table> [key...]',
  argsDescription: {
    table: 'the table of the target',
    key: 'the key as `held list` shows it, a word for each of its columns; behind -- where it begins with a dash; left out: all rows that --rule holds',
  },
  description:
    'Take a row as it is although a rule of its validation holds it, for as long as what the rule looks at is the same. Waits until the new database has what comes of it. Where transform runs.',
})
export class HeldAcceptCommand extends DecideCommand {
  @Option({
    flags: '--rule <name>',
    description: 'the rule that is waived, as the mapping names it (default: the only one that holds the row)',
  })
  parseRule(rule: string): string {
    return rule;
  }

  @Option({ flags: '--why <text>', description: 'is kept with it' })
  parseWhy(text: string): string {
    return text;
  }

  @Option({ flags: '-y, --yes', description: 'several rows are meant' })
  parseYes(): boolean {
    return true;
  }

  override async run([name = '', ...key]: string[], given: AcceptOptions): Promise<void> {
    const { rule, why = null, ...options } = given;
    const target = qualified(name);
    if (key.length === 0) {
      if (rule === undefined) throw new ChangeoverError('BAD_SETTINGS', 'held accept takes a key, or the --rule that holds the rows');
      await this.#many(target, { rule, why }, options);
      return;
    }
    await this.decide(
      options,
      (settings, ask) =>
        withCorrectableRows(settings, new SystemClock(), (rows) => {
          const { row, decision } = acceptanceOf(rows, { target, key, rule, why });
          const summary = new DecisionSummary();
          summary.add(decision, row);
          return ask({ ...summary.told, decisions: [decision] });
        }),
      'acceptance',
    );
  }

  /** The list is gone through twice: all of it is counted before any of it is asked for, and nothing of it is kept. */
  #many(target: string, wanted: { readonly rule: string; readonly why: string | null }, options: DecideOptions): Promise<void> {
    const { signal } = this.session;
    const clock = new SystemClock();
    return this.decide(
      options,
      (settings, ask, line) =>
        withCorrectableRows(settings, clock, async (rows) => {
          requireRule(rows, target, wanted.rule);
          const acceptances = async function* (onRows?: (rows: number) => void): AsyncGenerator<Deciding> {
            for await (const { key } of listedRows(
              settings,
              { table: target, state: 'held' },
              { clock, signal, ...(onRows && { onRows }) },
            )) {
              const one = key === null ? null : acceptanceIfHeld(rows, { target, key, ...wanted });
              if (one !== null) yield one;
            }
          };
          const summary = new DecisionSummary();
          const looked = (count: number): void => {
            line.show(`${countWords(count)} held rows were looked at`);
          };
          for await (const { decision, row } of acceptances(looked)) summary.add(decision, row);
          return ask({ ...summary.told, decisions: decisionsOf(acceptances()), found: true });
        }),
      'acceptance',
    );
  }
}
