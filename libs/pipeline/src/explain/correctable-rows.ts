import { ChangeoverError } from '@changeover/core';
import type { ReadPosition, StateLook } from '@changeover/events';
import type { Row } from '@changeover/mapping';

import { lookedText, type PlacedDecision } from '../derive/corrections.js';
import type { DrivingRow } from '../derive/derivation.js';
import { decodeEntry } from '../derive/derived-entry.js';
import type { MirroredTable, PlannedRule } from '../derive/derivation-plan.js';
import { heldKey, heldRowOf, keyOfHash } from '../derive/held-rows.js';
import { mergedOf } from '../derive/round.js';
import { RowEvaluator } from '../derive/row-evaluator.js';
import { lineOfRow, rowOfLine } from '../derive/row-text.js';
import { stateKey } from '../derive/state-keys.js';
import { openStoredTables, type StoredTables, type StoredTablesOptions } from '../transform/stored-tables.js';
import { meantBy } from './row-explanations.js';

/** What was decided, as it stands. `key`: as the list of held rows has it; of a correction without a rule's name. */
export type StandingCorrection = {
  readonly what: PlacedDecision['what'];
  readonly id: string;
  /** `schema.table` at the source. */
  readonly table: string;
  readonly key: string;
  /** Of a correction the source's column, of what is accepted the target's. */
  readonly column: string;
  /** What the column holds; of what is accepted what the rule looks at, a line of COPY text. */
  readonly from: string | null;
  /** What is read instead; null of what is accepted. */
  readonly to: string | null;
  /** What is accepted: of this table of the target, although this validation rule holds it. Null of a correction. */
  readonly target: string | null;
  readonly rule: string | null;
  readonly why: string | null;
  readonly sinceSeq: number;
  /** When it was taken into the log, in ms since the epoch. */
  readonly sinceMs: number;
  /** The source holds now what it was made for, so that something else is read; or the rule holds nothing back, and would. */
  readonly inForce: boolean;
};

/** A row of the source that can be corrected. */
export type CorrectableRow = {
  /** What `Decision` calls it. */
  readonly key: string;
  /** What the source holds in this column; CORRECTION_IMPOSSIBLE where it cannot be corrected. */
  holds(column: string): string | null;
  /** What the list of held rows may say of it, by table of the target: of each rule that the row drives. */
  readonly made: readonly { readonly target: string; readonly key: readonly (string | null)[] }[];
};

/** A row that a rule makes, as it may be accepted. */
export type HeldByRules = {
  /** `schema.table` at the target, and what `Decision` calls the row of it. */
  readonly target: string;
  readonly key: string;
  /** `schema.table` at the source. */
  readonly table: string;
  /** The validation rules that hold it, each with the target's column that it is about, and what it looks at. */
  readonly rules: readonly { readonly rule: string; readonly column: string; readonly from: string }[];
  /**
   * Where no validation rule does, what else: columns that cannot be made (`values`), unique values that another row has (`unique`), a row that it needs (`parent`); or nothing, or there is no
   * such row (`nothing`). What holds a merged row is not said: its values are several rows' (`merged`).
   */
  readonly otherwise: 'values' | 'unique' | 'parent' | 'merged' | 'nothing' | null;
};

/** What operators can correct, and what they have, by what transform has committed last. Changes nothing. */
export class CorrectableRows implements AsyncDisposable {
  /** The last record of `changes` that is in it. */
  readonly read: ReadPosition;
  readonly #stored: StoredTables;

  private constructor(stored: StoredTables) {
    this.read = stored.read;
    this.#stored = stored;
  }

  /** NOT_FOLLOWING: what is there is of no record, or not everything is derived yet. */
  static async of(look: StateLook, options: StoredTablesOptions): Promise<CorrectableRows> {
    return new CorrectableRows(await openStoredTables(look, options));
  }

  /** Those that stand, in force or not, by table and key. */
  *[Symbol.iterator](): Generator<StandingCorrection> {
    for (const decision of this.#stored.derived.derivation.mirror.corrections) {
      const { what, id, table, key, column, from, why, since } = decision;
      const [to, target, rule] = decision.what === 'correct' ? [decision.to, null, null] : [null, decision.target, decision.rule];
      const inForce = decision.what === 'correct' ? this.#isInForce(decision) : this.#isAccepted(decision);
      const { seq: sinceSeq, ts_ms: sinceMs } = since;
      yield { what, id, table, key: heldKey(null, key), column, from, to, target, rule, why, sinceSeq, sinceMs, inForce };
    }
  }

  /** The table at the source of which a row of the list of held rows is; null: no rule makes such a row. */
  sourceOf(target: string, key: readonly (string | null)[]): string | null {
    return heldRowOf(this.#stored.derived.plan, target, lineOfRow(key))?.rule.table.name ?? null;
  }

  /** What holds a row of the target, of which the key is as the list of held rows has it. ACCEPTANCE_IMPOSSIBLE where no rule makes rows of that table. */
  heldBy(target: string, key: readonly (string | null)[]): HeldByRules {
    const { plan } = this.#stored.derived;
    const heldAs = lineOfRow(key);
    const row = heldRowOf(plan, target, heldAs);
    if (row === undefined) throw this.#unmade(`this row of ${target}`, target);
    const found = { target, key: heldAs, table: row.rule.table.name };
    if (row.rule.mergedOf !== null) return { ...found, rules: [], otherwise: 'merged' };
    const { rules, isMade } = this.#refusing(row, (accepted) => !accepted);
    if (rules.length > 0) return { ...found, rules, otherwise: null };
    const entry = this.#stored.draft.get(stateKey('derived', row.rule.number, row.key));
    const state = entry === undefined ? undefined : decodeEntry(entry).told?.state;
    const otherwise = !isMade ? 'values' : state === 'held' ? 'unique' : state === 'waiting' ? 'parent' : 'nothing';
    return { ...found, rules, otherwise };
  }

  /** The validation rules that may hold a row of the target, by name. ACCEPTANCE_IMPOSSIBLE where no rule makes rows of that table. */
  waivable(target: string): readonly string[] {
    const rules = this.#stored.rules.filter((rule) => rule.target === target);
    if (rules.length === 0) throw this.#unmade(`rows of ${target}`, target);
    const holding = rules.flatMap(({ validate = [] }) => validate.filter(({ severity }) => severity === 'hold' || severity === 'stop'));
    return [...new Set(holding.map(({ name }) => name))];
  }

  /** CORRECTION_IMPOSSIBLE where no rule reads the table, or its rows also go over as they are; or the source has no such row. */
  row(name: string, key: readonly string[]): CorrectableRow {
    const table = this.#stored.derived.plan.table(name);
    if (table === undefined || table.correctable.size === 0) throw this.#impossible(name);
    const { text, drives } = meantBy(this.#stored.derived.plan, table, key);
    if (drives.some(({ mergedOf }) => mergedOf !== null))
      throw new ChangeoverError(
        'CORRECTION_IMPOSSIBLE',
        `this is a merged row of ${name}: correct one of the rows that it is made of, which \`changeover explain --source\` names`,
        { facts: { table: name } },
      );
    const row = this.#held(table, text);
    if (row === null)
      throw new ChangeoverError('CORRECTION_IMPOSSIBLE', `the old database has no row of ${name} with this key`, {
        facts: { table: name },
      });
    return {
      key: heldKey(null, text),
      holds: (column) => {
        const place = table.correctable.get(column);
        if (place !== undefined) return row[place] ?? null;
        const known = [...table.correctable.keys()].join(', ');
        throw new ChangeoverError(
          'CORRECTION_IMPOSSIBLE',
          `${column} is no column of ${name} that can be corrected; there are ${known} (the key names the row)`,
          { facts: { table: name } },
        );
      },
      made: table.drives.map((rule) => ({ target: rule.compiled.target, key: rowOfLine(this.#heldKey(rule, text)) })),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stored.draft[Symbol.asyncDispose]();
  }

  /** The validation rules that do not take the row as it is made now; those that are accepted, or the others. `isMade`: its columns can be. */
  #refusing(
    { rule, key }: DrivingRow,
    which: (accepted: boolean) => boolean,
  ): { readonly rules: HeldByRules['rules']; readonly isMade: boolean } {
    const { mirror } = this.#stored.derived.derivation;
    const driving = rule.mergedOf === null ? mirror.get(rule.table, key) : null;
    if (driving === null) return { rules: [], isMade: true };
    const { rows, problems, decided } = new RowEvaluator(mirror).join(rule, driving);
    if (decided && !rule.compiled.accepts(rows)) return { rules: [], isMade: true };
    if (problems !== null) return { rules: [], isMade: false };
    // What is part of a merged row is asked for nothing by itself.
    if (rule.mergesInto !== null && rule.compiled.merge?.nameOf(rows) != null) return { rules: [], isMade: true };
    const waives = mirror.corrections.waives(rule.compiled, key);
    const looked = new Map<string, string>();
    const derived = rule.compiled.derive(rows, (name, values) => {
      if (which(waives?.(name, values) === true)) looked.set(name, lookedText(values));
      return true;
    });
    if (!('notes' in derived)) return { rules: [], isMade: false };
    const refusing = derived.notes.flatMap(({ rule: name = '', column }) => {
      const from = looked.get(name);
      return from === undefined ? [] : [{ rule: name, column, from }];
    });
    return { rules: refusing, isMade: true };
  }

  #isAccepted({
    target,
    key,
    rule,
    from,
  }: {
    readonly target: string;
    readonly key: string;
    readonly rule: string;
    readonly from: string;
  }) {
    const row = heldRowOf(this.#stored.derived.plan, target, key);
    return row !== undefined && this.#refusing(row, (accepted) => accepted).rules.some((one) => one.rule === rule && one.from === from);
  }

  #isInForce({ table: name, key, column, from }: Pick<PlacedDecision, 'table' | 'key' | 'column' | 'from'>): boolean {
    const table = this.#stored.derived.plan.table(name);
    const place = table?.correctable.get(column);
    const row = table === undefined ? null : this.#held(table, keyOfHash(key));
    return row !== null && place !== undefined && (row[place] ?? null) === from;
  }

  /** What the list of held rows calls what became of the row: that of the merged row that it is part of. */
  #heldKey({ number, mergesInto, compiled }: PlannedRule, key: string): string {
    const { draft, derived } = this.#stored;
    const entry = mergesInto === null ? undefined : draft.get(stateKey('derived', number, key));
    const into = entry === undefined ? null : mergedOf(decodeEntry(entry));
    return into === null ? heldKey(compiled.name, key) : heldKey(derived.plan.rule(into.rule).compiled.name, into.key);
  }

  /** As the source holds it. */
  #held({ name, number }: MirroredTable, key: string): Row | null {
    const value = this.#stored.draft.get(stateKey('mirror', number, key));
    const text = value === undefined ? null : (this.#stored.tables.find(name)?.mirror.textOf(value) ?? null);
    return text === null ? null : rowOfLine(text);
  }

  #unmade(what: string, target: string): ChangeoverError {
    const known = [...new Set(this.#stored.rules.map((rule) => rule.target))].join(', ');
    return new ChangeoverError('ACCEPTANCE_IMPOSSIBLE', `no rule makes ${what}; rules make rows of ${known || 'no table'}`, {
      facts: { table: target },
    });
  }

  #impossible(name: string): ChangeoverError {
    const known = [...this.#stored.derived.plan.tables].filter(({ correctable }) => correctable.size > 0).map((table) => table.name);
    const which = known.length === 0 ? 'none can' : `there are ${known.join(', ')}`;
    const why =
      this.#stored.tables.find(name) === undefined
        ? 'it is no table that is captured'
        : 'no rule reads it, or its rows also go over as they are';
    return new ChangeoverError(
      'CORRECTION_IMPOSSIBLE',
      `rows of ${name} cannot be corrected (${why}); of the old database's tables ${which}`,
      {
        facts: { table: name },
      },
    );
  }
}
