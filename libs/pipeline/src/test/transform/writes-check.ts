import { ALLOCATED_TABLE, decodeJsonBody, HELD_TABLE, type CopyProgress } from '@changeover/events';
import { isReference, referredTable, type Mapping, type Row } from '@changeover/mapping';

import { keyText, type KeptVersion, type Outcome } from '../naive-derivation.js';
import type { ChangesScript } from './changes-script.js';
import { isCorrection, type Decided, type Place } from './decided.js';
import { heldId, NOTHING_KEPT, valuesText, Definition, type Expected, type Said } from './definition.js';
import { FollowedTarget, type TargetChange } from './followed-target.js';
import type { MigrationCensus } from './migration-census.js';
import { keptOver } from './plan-check.js';
import type { Migration } from './random-migration.js';
import { expectSame } from './same.js';
import { ToldNumbers } from './told-numbers.js';
import { nameOf } from './told-rows.js';
import type { WrittenRecord } from './written-records.js';

/** `as`: which of the three things that are told of a row it is since when. */
type Since = { readonly seq: number; readonly ms: number | undefined; readonly as: string };

/**
 * Follows `writes` beside the `changes` that it was made of: that each record of the one has become what it must in the other, in its place and once, and
 * that the target holds what the definition says after each of them.
 */
export class WritesCheck {
  readonly target: FollowedTarget;
  readonly numbers = new ToldNumbers();
  readonly #script: ChangesScript;
  readonly #migration: Migration;
  /** Of the mapping in force. */
  #definition: Definition;
  #mapping: Mapping;
  readonly #writes: readonly WrittenRecord[];
  readonly #census: MigrationCensus;
  #next = 0;
  #active = false;
  #streaming = false;
  #copying = false;
  #following = false;
  /** The record of `changes` that the last record came from. */
  #from: WrittenRecord | null = null;
  #waiting: string[] = [];
  #before: Expected | null = null;
  #place: Place | null = null;
  readonly #since = new Map<string, Since>();

  constructor(options: {
    readonly script: ChangesScript;
    readonly migration: Migration;
    readonly writes: readonly WrittenRecord[];
    readonly census: MigrationCensus;
  }) {
    this.#script = options.script;
    this.#migration = options.migration;
    this.#mapping = options.migration.mapping;
    this.#definition = new Definition(options.migration, this.numbers.numbering);
    this.target = new FollowedTarget((table) => this.#definition.isDerived(table));
    this.#writes = options.writes;
    this.#census = options.census;
  }

  /** Of the last record. */
  get expected(): Expected {
    return this.#before as Expected;
  }

  /** What the log says in the end that the source holds, and what was decided. */
  get place(): Place {
    return this.#place as Place;
  }

  follow(changes: readonly WrittenRecord[]): void {
    for (const change of changes) this.#change(change);
    expectSame(
      { following: this.#following, records: this.#next, waiting: this.#waiting },
      { following: true, records: this.#writes.length, waiting: [] },
    );
  }

  #change(change: WrittenRecord): void {
    switch (change.header.kind) {
      case 'mapping-activated':
        if (this.#script.misfits.has(change.header.seq)) this.#refusal(change);
        else if (this.#following) this.#activation(change);
        else {
          this.#goOver(this.#script.mappings.get(change.header.seq) as Mapping);
          this.#active = true;
          this.#tick(change);
        }
        return;
      case 'progress': {
        const body = decodeJsonBody('progress', change);
        if (!('same' in body) && body.phase === 'streaming') {
          this.#streaming = true;
          this.#copying = Object.values<CopyProgress>(body.copies ?? {}).some(({ left }) => left !== true);
        }
        this.#tick(change);
        return;
      }
      case 'reference-data':
        this.#tick(change);
        return;
      case 'barrier':
        if (this.#following) this.#record(change, ['barrier']);
        else this.#waiting.push(decodeJsonBody('barrier', change).token);
        return;
      default:
        if (this.#following) this.#record(change, ['transaction']);
    }
  }

  #goOver(mapping: Mapping): void {
    this.#mapping = mapping;
    this.#definition = new Definition({ ...this.#migration, mapping }, this.numbers.numbering);
  }

  /** Another mapping, in one record: what it makes differently, and nothing else. */
  #activation(change: WrittenRecord): void {
    const [was, mapping] = [this.#mapping, this.#definition];
    const before = this.#before;
    this.#goOver(this.#script.mappings.get(change.header.seq) as Mapping);
    const { frames } = this.#writes[this.#next] as WrittenRecord;
    const kept =
      before === null ? NOTHING_KEPT : keptOver({ mapping: was, other: this.#mapping }, mapping, this.#definition, before.outcomes);
    // Of a row that stays each change has to be one.
    this.#before = null;
    this.#record(change, ['progress', 'transaction'], kept);
    this.#census.saw(
      'activation that changes rows',
      frames.some(({ op }) => op === 'u'),
    );
    this.#census.saw(
      'number given by an activation',
      frames.some(({ form }) => nameOf(form) === nameOf(ALLOCATED_TABLE)),
    );
    this.#census.saw(
      'activation of another form',
      frames.some(({ partial }) => partial),
    );
    this.#census.saw(
      'activation with a kept version',
      [...this.expected.held.values()].some((said) => said.kept),
    );
  }

  /** It says why, and nothing else. */
  #refusal(change: WrittenRecord): void {
    expectSame(this.#writes[this.#next]?.header.refused?.code, 'MAPPING_INVALID');
    this.#record(change, ['progress']);
    this.#census.saw('activation refused');
  }

  #tick(change: WrittenRecord): void {
    const first = !this.#following && this.#active && this.#streaming && !this.#copying;
    if (first) this.#firstDerivation(change);
    this.#record(change, this.#following && !first ? ['progress', 'transaction'] : ['progress']);
  }

  /** Everything once: new rows behind what they need, but for those that lose to a row of a later record, then the barriers that waited for it. */
  #firstDerivation(change: WrittenRecord): void {
    const place = this.#placeOf(change);
    const { view, decided } = place;
    this.#census.saw('decided before anything was derived', decided.length > 0);
    for (let next = this.#next; this.#writes[next]?.header.batch !== undefined; next++)
      this.numbers.take(this.#writes[next] as WrittenRecord);
    const expected = this.#definition.at(place, NOTHING_KEPT);
    let barriersBegun = false;
    for (let batch = 1; this.#writes[this.#next]?.header.batch !== undefined; batch++) {
      const record = this.#writes[this.#next++] as WrittenRecord;
      const { header, frames } = record;
      expectSame({ batch: header.batch, from: header.from?.seq }, { batch, from: this.#from?.header.seq });
      if (header.kind === 'barrier') {
        barriersBegun = true;
        expectSame(decodeJsonBody('barrier', record).token, this.#waiting.shift());
        this.#expectAll(expected);
        this.#expectDecided(place);
        continue;
      }
      expectSame(header.kind, 'transaction');
      expectSame(barriersBegun, false);
      expect(frames.length).toBeGreaterThan(0);
      // Who waits for a row of a later record is told as waiting until then.
      for (const { op, form } of frames) {
        const isMade = this.#definition.isDerived(nameOf(form));
        if (!isMade && form.columns.some(({ key }) => key) && nameOf(form) !== nameOf(HELD_TABLE)) expectSame(op, 'c');
        this.#census.saw('rival that comes later in derive-all', isMade && op !== 'c');
      }
      this.target.take(record);
      this.#expectParentsFirst(expected, view);
    }
    this.#following = true;
  }

  /** The one record that this one of `changes` has become. */
  #record(change: WrittenRecord, kinds: readonly string[], kept: ReadonlyMap<string, KeptVersion> | null = null): void {
    const record = this.#writes[this.#next++];
    const { header } = change;
    const facts = ({ pos, follows, txId, ts_ms, origin }: WrittenRecord['header']): unknown => ({
      pos: pos ?? follows,
      txId,
      ts_ms,
      origin,
    });
    expectSame(record?.header.from?.seq, header.seq);
    const written = record as WrittenRecord;
    expectSame(facts(written.header), facts(header));
    expectSame([written.header.batch, kinds.includes(written.header.kind)], [undefined, true]);
    if (header.kind === 'barrier') expectSame(decodeJsonBody('barrier', written), decodeJsonBody('barrier', change));
    const rows = written.frames.reduce((sum, { rowCount }) => sum + rowCount, 0);
    expectSame(written.header.rows, rows);
    this.#from = change;
    this.numbers.take(written);
    this.#census.saw('number given', !this.numbers.isEmpty);
    const changed = this.target.take(written, kept !== null);
    if (kept !== null) this.target.leave((table) => this.#definition.columnsOf(table));
    if (!this.#following) expectSame(changed, []);
    else this.#expectDefinition(change, changed, kept);
  }

  #expectDefinition(change: WrittenRecord, changed: readonly TargetChange[], told: ReadonlyMap<string, KeptVersion> | null): void {
    const place = this.#placeOf(change);
    const { view, decided } = place;
    const kept = told ?? (this.#before === null ? NOTHING_KEPT : this.#keepable(this.#before.outcomes));
    const expected = this.#definition.at(place, kept);
    this.#expectAll(expected);
    this.#expectDecided(place);
    this.#expectReferences(place);
    this.#census.saw(
      'rows of the target that change others',
      change.header.kind === 'reference-data' && changed.some(({ table }) => table.startsWith('crm.')),
    );
    this.#expectSince(expected, change);
    this.#look(expected, view, changed);
    const before = this.#place;
    this.#sawAccepted(expected, decided);
    for (const one of decided.filter(isCorrection)) {
      const isInForce = this.#definition.isInForce(view, one);
      const was = before !== null && before.decided.includes(one) && this.#definition.isInForce(before.view, one);
      this.#census.saw('correction in force', isInForce);
      this.#census.saw('correction out of force', was && !isInForce && view.get(one.table)?.rows.has(one.key) === true);
    }
    this.#before = expected;
    this.#place = place;
  }

  #sawAccepted({ outcomes }: Expected, decided: readonly Decided[]): void {
    const isAccepted = ({ reason }: { readonly reason: string }): boolean => reason.startsWith('accepted: ');
    const notes = [...outcomes].filter(([, { problems }]) => problems.some(isAccepted)).map(([id]) => id);
    const before = [...(this.#before?.outcomes ?? [])].filter(([, { problems }]) => problems.some(isAccepted)).map(([id]) => id);
    const accepted = new Set(decided.flatMap((one) => (one.what === 'accept' ? [`${one.target} ${one.key}`] : [])));
    const isHeldAgain = (id: string): boolean => outcomes.get(id)?.state === 'held' && accepted.has(heldId(...this.#definition.ruleOf(id)));
    this.#census.saw('accepted row', notes.length > 0);
    this.#census.saw('accepted row held again', before.some(isHeldAgain));
  }

  /** What was decided stands at the target, whether it is in force or not. */
  #expectDecided({ decided }: Place): void {
    const expected = decided.map(({ id, table, key, column, from, why, seq, ms, ...one }) =>
      valuesText({
        ...{ migration: 'm', id, source: table, source_key: key, source_column: column },
        ...{ held: from, why, since_seq: String(seq), since_ms: String(ms) },
        ...(one.what === 'correct' ? { read: one.to } : { target: one.target, rule: one.rule }),
      }),
    );
    expectSame(this.target.corrections.map((row) => valuesText(row)).sort(), expected.sort());
  }

  /** What is recorded of the target's rows stands there, whether anybody looks it up or not. */
  #expectReferences({ view }: Place): void {
    const expected = [...view]
      .filter(([name]) => isReference(name))
      .flatMap(([name, { form, rows }]) =>
        [...rows].map(([row_key, row]) => {
          const contents = JSON.stringify(Object.fromEntries(form.columns.map((column) => [column.name, row[column.name] ?? null])));
          return valuesText({ migration: 'm', referred: referredTable(name), row_key, contents });
        }),
      );
    expectSame(this.target.references.map((row) => valuesText(row)).sort(), expected.sort());
  }

  #expectAll({ tables, held }: Expected): void {
    for (const table of new Set([...tables.keys(), ...this.target.tables])) {
      const keyless = !this.target.isKeyed(table);
      const textOf = (rows: ReadonlyMap<string, string>): string[] =>
        [...rows].map(([key, row]) => (keyless ? row : `${key} ${row}`)).sort();
      expectSame({ table, rows: textOf(this.target.rows(table)) }, { table, rows: textOf(tables.get(table) ?? new Map<string, string>()) });
    }
    const actual = this.target.held.map((row): readonly [string, Said] => {
      const { migration, target, source_key, source, state, kept, problems, reason, problem_column } = row;
      const [first] = JSON.parse(problems as string) as [{ readonly reason: string; readonly column: string }];
      expectSame({ migration, reason, problem_column }, { migration: 'm', reason: first.reason, problem_column: first.column });
      return [`${target as string} ${source_key as string}`, { source, state, kept: kept === 't', problems } as Said];
    });
    const sorted = (said: Iterable<readonly [string, Said]>): unknown => [...said].sort(([a], [b]) => (a < b ? -1 : 1));
    expectSame(sorted(actual), sorted(held));
  }

  /** Since the record with which it became held. */
  #expectSince({ held }: Expected, { header }: WrittenRecord): void {
    for (const { target, source_key, since_seq, since_ms, problems, state } of this.target.held) {
      const id = `${target as string} ${source_key as string}`;
      const known = this.#since.get(id);
      const as = state === 'noted' ? 'noted' : problems?.includes('"severity":"stop"') === true ? 'stops' : 'held';
      const expected = known?.as === as ? known : { seq: header.seq, ms: header.ts_ms, as };
      expectSame(since_seq, String(expected.seq));
      if (expected.ms !== undefined) expectSame(since_ms, String(expected.ms));
      this.#since.set(id, expected);
    }
    for (const id of this.#since.keys()) if (!held.has(id)) this.#since.delete(id);
  }

  /** What stood before this record, where its rule lets it stay when the row becomes held. */
  #keepable(outcomes: ReadonlyMap<string, Outcome>): ReadonlyMap<string, KeptVersion> {
    const kept = new Map<string, KeptVersion>();
    for (const [id, { version, parents }] of outcomes) {
      if (version !== null && this.#definition.ruleOf(id)[0].keepsLast) kept.set(id, { values: version, parents });
    }
    return kept;
  }

  /** A row's parents stand with it or before it, also between two records of the first derivation. */
  #expectParentsFirst({ outcomes, tables }: Expected, view: Place['view']): void {
    for (const { child, parent } of this.#definition.passedParents(view)) {
      if (this.target.row(...child) === undefined || tables.get(parent[0])?.has(parent[1]) !== true) continue;
      expectSame({ child, parent, stands: this.target.row(...parent) !== undefined }, { child, parent, stands: true });
    }
    for (const [id, { written, parents }] of outcomes) {
      if (written === null || !this.#stands(id, written)) continue;
      const missing = parents.filter(({ rule, key }) => {
        const named = `${String(rule)} ${key}`;
        const parent = outcomes.get(named)?.into ?? named;
        const outcome = outcomes.get(parent);
        return outcome?.written == null || !this.#stands(parent, outcome.written);
      });
      expectSame({ id, missing }, { id, missing: [] });
    }
  }

  #stands(id: string, written: Row): boolean {
    const [rule] = this.#definition.ruleOf(id);
    const places = rule.key.toSorted((a, b) => a - b);
    const row = this.target.row(rule.target, keyText(places.map((place) => written[place] as string)));
    // Until its rival comes a row of another rule may stand under its key.
    const maker = rule.columns.indexOf('rule');
    return row !== undefined && (maker === -1 || row['rule'] === written[maker]);
  }

  #placeOf({ header }: WrittenRecord): Place {
    return this.#script.places.get(header.seq) as Place;
  }

  #look({ held, outcomes }: Expected, view: Place['view'], changed: readonly TargetChange[]): void {
    const census = this.#census;
    const said = [...held.values()];
    census.saw(
      'held',
      said.some(({ state }) => state === 'held'),
    );
    census.saw(
      'too many rows',
      said.some(({ problems }) => problems.includes('too many rows')),
    );
    census.saw(
      'orphan',
      said.some(({ state }) => state === 'waiting'),
    );
    census.saw(
      'noted',
      said.some(({ state }) => state === 'noted'),
    );
    census.saw(
      'kept',
      said.some(({ kept }) => kept),
    );
    const before = this.#before;
    census.saw('value of several rows, of which one counts', this.#isShared(outcomes));
    const id = (key: string): string => this.#heldId(key);
    if (before !== null) {
      census.saw(
        'counts no more',
        [...outcomes].some(
          ([key, outcome]) => this.#counts(key, before.outcomes.get(key)) === true && this.#counts(key, outcome) === false,
        ),
      );
      census.saw(
        'released',
        [...outcomes].some(([key, { written, state }]) => written !== null && state === null && before.held.has(id(key))),
      );
      census.saw(
        'flip',
        [...before.outcomes].some(([key, { written }]) => written !== null && !outcomes.has(key) && this.#drivingRowStands(key, view)),
      );
    }
    this.#lookAtMerged(outcomes);
    for (const [key, { written, version, parents }] of outcomes) {
      if (written === null) continue;
      const [rule] = this.#definition.ruleOf(key);
      const number = Number(key.slice(0, key.indexOf(' ')));
      census.saw('made of many', rule.joins[0]?.all != null && written[rule.columns.indexOf('joined')] != null);
      census.saw('rules of one table', rule.name === 'two');
      const was = before?.outcomes.get(key);
      census.saw(
        'key of another row',
        rule.keysOf.some(({ place }) => written[place] != null),
      );
      census.saw('another key of that row', was?.written != null && isSame(was.version, version) && !isSame(was.written, written));
      census.saw('link', rule.joins.length > 1 && written[rule.columns.indexOf('joined')] != null);
      census.saw(
        'self reference',
        parents.some((parent) => parent.rule === number),
      );
      for (const parent of parents) {
        const parentId = `${String(parent.rule)} ${parent.key}`;
        const above = outcomes.get(parentId)?.parents ?? [];
        census.saw('cycle', parentId !== key && above.some((one) => `${String(one.rule)} ${one.key}` === key));
      }
    }
    const moved = changed.filter(({ table, before: was, after }) => this.#isUnique(table) && was?.['v'] != null && after?.['v'] != null);
    census.saw(
      'swap',
      moved.some((one) => moved.some((other) => isExchange(one, other))),
    );
  }

  #lookAtMerged(outcomes: Expected['outcomes']): void {
    const census = this.#census;
    const before = this.#before?.outcomes ?? new Map<string, Outcome>();
    const parts = new Map<string, string[]>();
    for (const [id, { into }] of outcomes) {
      const was = before.get(id)?.into;
      if (into !== undefined) parts.set(into, [...(parts.get(into) ?? []), id.slice(0, id.indexOf(' '))]);
      // One that others are left in, or were there before.
      census.saw('joined a merged row', into !== undefined && into !== was && before.get(into)?.written != null);
      census.saw('left a merged row', was !== undefined && into !== was && outcomes.get(was)?.written != null);
    }
    for (const [id, rules] of parts) {
      const { written, state, problems } = outcomes.get(id) as Outcome;
      const several = rules.length > 1;
      const stands = written !== null;
      census.saw('merged row', several && stands);
      census.saw('merged in all at once', several && stands && this.#before === null);
      census.saw('merged rows of two rules', new Set(rules).size > 1 && stands);
      census.saw(
        'one of a merged row',
        several &&
          state === 'held' &&
          problems.some(({ reason, rule }) => rule === undefined && !/^(more than|not unique|empty)/u.test(reason)),
      );
      census.saw(
        'too many to merge',
        problems.some(({ reason }) => reason.startsWith('more than')),
      );
      census.saw('merged row kept', stands && state === 'held');
      census.saw('merged row that waits', state === 'waiting');
      census.saw(
        'merged row that lost a unique value',
        problems.some(({ reason }) => reason === 'not unique'),
      );
    }
  }

  #heldId(key: string): string {
    const [rule, driving] = this.#definition.ruleOf(key);
    return heldId(rule, driving);
  }

  #drivingRowStands(key: string, view: Place['view']): boolean {
    const [rule, driving] = this.#definition.ruleOf(key);
    return view.get(rule.source)?.rows.has(driving) === true;
  }

  /** Whether it counts where a unique rule does not count all rows; null: it does, or nothing stands. */
  #counts(key: string, outcome: Outcome | undefined): boolean | null {
    const [{ uniques }] = this.#definition.ruleOf(key);
    const counts = uniques.find((unique) => unique.counts !== null)?.counts;
    return outcome?.written == null || counts == null ? null : counts(outcome.written);
  }

  #isShared(outcomes: Expected['outcomes']): boolean {
    const seen = new Set<string>();
    for (const [key, outcome] of outcomes) {
      if (this.#counts(key, outcome) === null) continue;
      const [{ target, columns }] = this.#definition.ruleOf(key);
      const value = outcome.written?.[columns.indexOf('v')] ?? null;
      if (value === null) continue;
      const text = `${target} ${value}`;
      if (seen.has(text)) return true;
      seen.add(text);
    }
    return false;
  }

  #isUnique(table: string): boolean {
    return this.#definition.rules.some(
      ({ target, uniques, columns }) => target === table && uniques.some((unique) => unique.columns[0] === columns.indexOf('v')),
    );
  }
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function isExchange(one: TargetChange, other: TargetChange): boolean {
  const [from, to] = [one.before?.['v'], one.after?.['v']];
  return one.table === other.table && from !== to && other.before?.['v'] === to && other.after?.['v'] === from;
}
