import { ChangeoverError, countWords, SystemClock } from '@changeover/core';
import type { Decision } from '@changeover/events';
import type { CorrectableRows } from '@changeover/pipeline';
import { Option, SubCommand } from 'nest-commander';

import { correctionsIn, type WantedCorrection } from '../held/correction-lines.js';
import { correctionOf, FirstRows, withCorrectableRows } from '../held/decide.js';
import { qualified } from '../held/words.js';
import { DecideCommand, type DecideOptions } from './decide-command.js';

type CorrectOptions = DecideOptions & {
  readonly column?: string;
  readonly to?: string;
  readonly null?: boolean;
  readonly from?: string;
  readonly fromNull?: boolean;
  readonly why?: string;
  readonly file?: string;
};

/** Between two turns of others. */
const RUN_LINES = 1_000;

@SubCommand({
  name: 'correct',
  arguments: '[table] [key...]',
  argsDescription: {
    table: 'the table of the old database that `held show` names',
    key: 'the key of the row there, a word for each of its columns; behind -- where it begins with a dash',
  },
  description:
    'Say that something else is read of a row of the old database than it holds, for as long as it holds that; nothing is changed there. Waits until the new database has what comes of it. Where transform runs.',
})
export class HeldCorrectCommand extends DecideCommand {
  @Option({ flags: '--column <column>', description: 'the column of the old table' })
  parseColumn(column: string): string {
    return column;
  }

  @Option({ flags: '--to <value>', description: 'what is read' })
  parseTo(value: string): string {
    return value;
  }

  @Option({ flags: '--null', description: 'instead of --to: null is read' })
  parseNull(): boolean {
    return true;
  }

  @Option({ flags: '--from <value>', description: 'where it holds this, as the old database prints it (default: what it holds now)' })
  parseFrom(value: string): string {
    return value;
  }

  @Option({ flags: '--from-null', description: 'instead of --from: where it holds null' })
  parseFromNull(): boolean {
    return true;
  }

  @Option({ flags: '--why <text>', description: 'is kept with it' })
  parseWhy(text: string): string {
    return text;
  }

  @Option({
    flags: '-f, --file <file>',
    description:
      'many: a JSON document a line, {"table":…,"key":[…],"column":…,"to":…}, with "from" and "why" if need be; all are looked at before any is asked for',
  })
  parseFile(file: string): string {
    return file;
  }

  override async run([table, ...key]: string[], options: CorrectOptions): Promise<void> {
    const { column, to, null: toNull = false, from, fromNull = false, why, file, ...decide } = options;
    if (file !== undefined) {
      const others = [table, column, to, from, why].some((given) => given !== undefined) || toNull || fromNull;
      if (others) throw new ChangeoverError('BAD_SETTINGS', 'held correct takes a row and a column, or --file');
      await this.#many(file, decide);
      return;
    }
    if (table === undefined || key.length === 0 || column === undefined)
      throw new ChangeoverError('BAD_SETTINGS', 'held correct takes a table, a key and --column; or --file');
    if ((to === undefined) !== toNull) throw new ChangeoverError('BAD_SETTINGS', 'held correct takes --to, or --null');
    if (from !== undefined && fromNull) throw new ChangeoverError('BAD_SETTINGS', 'held correct takes --from, or --from-null');
    const wanted: WantedCorrection = {
      ...{ table: qualified(table), key, column, to: to ?? null, why: why ?? null },
      from: fromNull ? null : from,
    };
    await this.decide(decide, (settings, ask) =>
      withCorrectableRows(settings, new SystemClock(), (rows) => {
        const { row, decision } = correctionOf(rows, wanted);
        return ask({ columns: [{ table: wanted.table, column, decisions: 1 }], rows: [row], decisions: [decision] });
      }),
    );
  }

  /** The file is read twice: all of it is looked at before any of it is asked for, and nothing of it is kept. */
  #many(file: string, options: DecideOptions): Promise<void> {
    return this.decide(options, (settings, ask, line) =>
      withCorrectableRows(settings, new SystemClock(), async (rows) => {
        const first = new FirstRows();
        const columns = new Map<string, { readonly table: string; readonly column: string; decisions: number }>();
        let lines = 0;
        for await (const { decision, row } of correctionsOf(file, rows)) {
          first.add(row);
          const { table, column } = decision;
          const counted = columns.get(`${table}\n${column}`) ?? { table, column, decisions: 0 };
          columns.set(`${table}\n${column}`, counted);
          counted.decisions++;
          if (++lines % RUN_LINES !== 0) continue;
          await new Promise((resolve) => setImmediate(resolve));
          this.session.signal.throwIfAborted();
          line.show(`${countWords(lines)} corrections were looked at`);
        }
        return ask({ columns: [...columns.values()], rows: first.rows, decisions: decisionsOf(file, rows) });
      }),
    );
  }
}

/** Says which line it is that cannot be. */
async function* correctionsOf(file: string, rows: CorrectableRows): AsyncGenerator<ReturnType<typeof correctionOf>> {
  for await (const { line, wanted } of correctionsIn(file)) {
    try {
      yield correctionOf(rows, wanted);
    } catch (cause) {
      if (!(cause instanceof ChangeoverError)) throw cause;
      throw new ChangeoverError(cause.code, `line ${String(line)} of ${file}: ${cause.message}`, { facts: cause.facts, cause });
    }
  }
}

async function* decisionsOf(file: string, rows: CorrectableRows): AsyncGenerator<Decision> {
  for await (const { decision } of correctionsOf(file, rows)) yield decision;
}
