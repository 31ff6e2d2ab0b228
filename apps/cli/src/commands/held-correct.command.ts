import { ChangeoverError, countWords, SystemClock } from '@changeover/core';
import type { HeldFilter } from '@changeover/events';
import type { CorrectableRows } from '@changeover/pipeline';
import type { AllSettings } from '@changeover/shell';

import { Command, Option } from '../command.js';
import { correctionsIn, type WantedCorrection } from '../held/correction-lines.js';
import { correctionOf, decisionsOf, DecisionSummary, rowIfThere, withCorrectableRows, type Deciding } from '../held/decide.js';
import { listedRows } from '../held/listed-rows.js';
import { qualified } from '../held/words.js';
import type { ProgressLine } from '../status/progress-line.js';
import { DecideCommand, type DecideOptions } from './decide-command.js';

type CorrectOptions = DecideOptions & {
  readonly column?: string;
  readonly to?: string;
  readonly null?: boolean;
  readonly from?: string;
  readonly fromNull?: boolean;
  readonly why?: string;
  readonly file?: string;
  readonly held?: string;
  readonly reason?: string;
};

/** Between two turns of others. */
const RUN_LINES = 1_000;

@Command({
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

  @Option({ flags: '--held <table>', description: 'instead of a row: all that the list of held rows has of this table of the target' })
  parseHeld(table: string): string {
    return qualified(table);
  }

  @Option({ flags: '--reason <reason>', description: 'of these only rows whose first reason it is, as the list has it' })
  parseReason(reason: string): string {
    return reason;
  }

  @Option({ flags: '-y, --yes', description: 'several rows are meant' })
  parseYes(): boolean {
    return true;
  }

  override async run([table, ...key]: string[], options: CorrectOptions): Promise<void> {
    const { column, to, null: toNull = false, from, fromNull = false, why = null, file, held, reason, ...decide } = options;
    if (file !== undefined) {
      const others = [table, column, to, from, why ?? undefined, held, reason].some((given) => given !== undefined) || toNull || fromNull;
      if (others) throw new ChangeoverError('BAD_SETTINGS', 'held correct takes a row and a column, or --held, or --file');
      await this.#many((rows) => correctionsOf(file, rows), decide);
      return;
    }
    if (column === undefined || (held === undefined ? table === undefined || key.length === 0 : table !== undefined))
      throw new ChangeoverError('BAD_SETTINGS', 'held correct takes a table and a key, or --held, and --column; or --file');
    if (held === undefined && reason !== undefined) throw new ChangeoverError('BAD_SETTINGS', '--reason goes with --held');
    if ((to === undefined) !== toNull) throw new ChangeoverError('BAD_SETTINGS', 'held correct takes --to, or --null');
    if (from !== undefined && fromNull) throw new ChangeoverError('BAD_SETTINGS', 'held correct takes --from, or --from-null');
    const wanted = { column, to: to ?? null, why, from: fromNull ? null : from };
    if (held !== undefined) {
      const filter: HeldFilter = { table: held, state: 'held', ...(reason !== undefined && { reason }) };
      await this.#many((rows, read, line) => this.#ofHeld(rows, read, { filter, wanted, line }), decide, true);
      return;
    }
    await this.decide(
      decide,
      (settings, ask) =>
        withCorrectableRows(settings, new SystemClock(), (rows) => {
          const { row, decision } = correctionOf(rows, { ...wanted, table: qualified(table ?? ''), key });
          const summary = new DecisionSummary();
          summary.add(decision, row);
          return ask({ ...summary.told, decisions: [decision] });
        }),
      'correction',
    );
  }

  /** What they come from is read twice: all of it is looked at before any of it is asked for, and nothing of it is kept. */
  #many(corrections: Corrections, options: DecideOptions, found = false): Promise<void> {
    return this.decide(
      options,
      (settings, ask, line) =>
        withCorrectableRows(settings, new SystemClock(), async (rows) => {
          const summary = new DecisionSummary();
          let count = 0;
          for await (const { decision, row } of corrections(rows, settings, line)) {
            summary.add(decision, row);
            if (++count % RUN_LINES !== 0) continue;
            await new Promise((resolve) => setImmediate(resolve));
            this.session.signal.throwIfAborted();
            line.show(`${countWords(count)} corrections were looked at`);
          }
          const decisions = decisionsOf(corrections(rows, settings, line));
          return ask({ ...summary.told, decisions, found });
        }),
      'correction',
    );
  }

  /** Of rows of the list of held rows; those that hold something else than is to be corrected, or what is to be read, are left. */
  async *#ofHeld(
    rows: CorrectableRows,
    settings: AllSettings,
    {
      filter,
      wanted,
      line,
    }: { readonly filter: HeldFilter; readonly wanted: Omit<WantedCorrection, 'table' | 'key'>; readonly line: ProgressLine },
  ): AsyncGenerator<Deciding> {
    const onRows = (count: number): void => {
      line.show(`${countWords(count)} held rows were looked at`);
    };
    for await (const { table: target, key } of listedRows(settings, filter, {
      clock: new SystemClock(),
      signal: this.session.signal,
      onRows,
    })) {
      const table = key === null ? null : rows.sourceOf(target, key);
      if (key === null || table === null) continue;
      const keyValues = key.map((value) => value ?? '');
      const held = rowIfThere(rows, table, keyValues);
      if (held === null) continue;
      const holds = held.holds(wanted.column);
      if (holds === wanted.to || (wanted.from !== undefined && holds !== wanted.from)) continue;
      yield correctionOf(rows, { ...wanted, table, key: keyValues });
    }
  }
}

type Corrections = (rows: CorrectableRows, settings: AllSettings, line: ProgressLine) => AsyncIterable<Deciding>;

/** Says which line it is that cannot be. */
async function* correctionsOf(file: string, rows: CorrectableRows): AsyncGenerator<Deciding> {
  for await (const { line, wanted } of correctionsIn(file)) {
    try {
      yield correctionOf(rows, wanted);
    } catch (cause) {
      if (!(cause instanceof ChangeoverError)) throw cause;
      throw new ChangeoverError(cause.code, `line ${String(line)} of ${file}: ${cause.message}`, { facts: cause.facts, cause });
    }
  }
}
