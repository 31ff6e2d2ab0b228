import type { StateView } from '@changeover/events';
import type { Problem, Row } from '@changeover/mapping';

import { AffectedRow, type Standing } from './affected-row.js';
import type { DerivationPlan, PlannedRule, PlannedUnique } from './derivation-plan.js';
import {
  encodeEntry,
  isEmpty,
  isSameRow,
  NO_ENTRY,
  type Claim,
  type DerivedEntry,
  type HeldStatus,
  type ParentRef,
  type Version,
} from './derived-entry.js';
import type { Evaluation, RowEvaluator } from './row-evaluator.js';
import { keptVersionText, lastGood } from './kept-version.js';
import { membersOf } from './members.js';
import { inOrder, mergeParts, partsOf, type GivenPart, type MergedRow } from './merged-row.js';
import { keyReferredTo } from './referred-row.js';
import type { RowsBefore } from './rows-before.js';
import { lineOfRow } from './row-text.js';
import { valuesText, type SourceMirror } from './source-mirror.js';
import { childMember, childOf, lookupsOf, rivalMember, rivalName, rivalOf, stateKey } from './state-keys.js';
import type { UniqueClaims } from './unique-claims.js';

const NONE: readonly never[] = [];

/** What becomes of one driving row at the target. */
export type DerivedChange = {
  readonly rule: PlannedRule;
  /** Of the driving row, shortened where it is very long. */
  readonly key: string;
  readonly before: Row | null;
  readonly after: Row | null;
  /** `after` as a line of COPY text. */
  readonly line: string | null;
  readonly heldBefore: HeldStatus | null;
  readonly held: HeldStatus | null;
};

/** A source row by which a rule makes one of the target. */
export type DrivingRow = { readonly rule: PlannedRule; readonly key: string };

/** A row whose children are still to be looked at: those behind `after`; null: all. */
export type LeftChildren = { readonly rule: PlannedRule; readonly key: string; readonly after: Buffer | null };

export type RoundParts = {
  readonly plan: DerivationPlan;
  readonly state: StateView;
  readonly mirror: SourceMirror;
  readonly claims: UniqueClaims;
  readonly evaluator: RowEvaluator;
  /** Null: no history has to be told from what comes of several rounds. */
  readonly before: RowsBefore | null;
  /** Rows that it may have to do with before it leaves children to the next one. Left out: any number. */
  readonly most?: number;
  /** Takes the rows whose kept version has no parents while more rounds are to come, which may bring these. Left out: such a version goes at once. */
  readonly undecided?: DrivingRow[];
};

/** Unique values whose rivals changed: who had them when the winners were decided last, and who has them now. */
type Contest = { readonly rule: PlannedRule; before: string | undefined; winner: string | undefined };

/** One transaction's worth of deriving, or one of several rounds of it, in the layers that {@link Derivation} tells of. */
export class Round {
  readonly #plan: DerivationPlan;
  readonly #state: StateView;
  readonly #mirror: SourceMirror;
  readonly #claims: UniqueClaims;
  readonly #evaluator: RowEvaluator;
  readonly #before: RowsBefore | null;
  readonly #most: number;
  readonly #undecided: DrivingRow[] | null;
  /** By rule, then by key: those of concern, and those they stand on. */
  readonly #affected: Map<string, AffectedRow>[] = [];
  readonly #concerned: AffectedRow[] = [];
  /** Merged rows that are to be made of their rows anew, when all of these are evaluated. */
  readonly #merging = new Set<AffectedRow>();
  /** Nothing was derived yet of whatever could stand on rows of this rule. */
  readonly #childless: PlannedRule | null;
  readonly #left: LeftChildren[] = [];
  /** Of this round, by unique rule and values. */
  readonly #contests = new Map<string, Contest>();
  /** Those of which the winner is to be decided. */
  #contested = new Set<Contest>();

  constructor(parts: RoundParts, childless: PlannedRule | null = null) {
    const { plan, state, mirror, claims, evaluator, before, most = Infinity, undecided = null } = parts;
    this.#plan = plan;
    this.#state = state;
    this.#mirror = mirror;
    this.#claims = claims;
    this.#evaluator = evaluator;
    this.#before = before;
    this.#most = most;
    this.#undecided = undecided;
    this.#childless = childless;
  }

  /** The first layer. */
  evaluate(rule: PlannedRule, key: string): void {
    const row = this.#concern(this.#load(rule, key));
    if (row.evaluated) return;
    row.evaluated = true;
    if (rule.mergedOf !== null) {
      this.#merging.add(row);
      return;
    }
    const evaluation = this.#evaluator.evaluate(rule, key, this.#mirror.get(rule.table, key));
    this.#moveLookups(row, evaluation.lookups);
    this.#mergeAnew(row.now, evaluation);
    this.#decide(row, evaluation);
  }

  /** What history says of a row that was derived, if it is held: this version of it stands, or none. */
  keep(rule: PlannedRule, key: string, version: Version | null): void {
    const row = this.#concern(this.#load(rule, key));
    const { lookups, problems } = row.now;
    if (problems.length > 0 && rule.compiled.keepsLast) this.#replace(row, { lookups, version, kept: version !== null, problems });
  }

  /** Of a row whose kept version stands no more: its parents did not come. */
  drop({ rule, key }: DrivingRow): void {
    this.#drop(this.#concern(this.#load(rule, key)));
  }

  /** The first layer of a row of which nothing was derived yet. */
  deriveFirst(rule: PlannedRule, key: string, evaluation: Evaluation): AffectedRow {
    const row = this.#concern(this.#enter(new AffectedRow(rule, key, undefined)));
    row.evaluated = true;
    this.#moveLookups(row, evaluation.lookups);
    const { lookups, version, problems } = evaluation;
    this.#replace(row, { lookups, version, kept: false, problems });
    return row;
  }

  /** What a row gives to a merged row of which nothing was derived yet; nothing if it is part of none. */
  gatherFirst(rule: PlannedRule, key: string, driving: Row | null): void {
    const evaluation = this.#evaluator.evaluate(rule, key, driving);
    const into = mergedOf(evaluation);
    if (into === null) return;
    this.#settle(this.deriveFirst(rule, key, evaluation), null);
    // So that it is found among those that are to be derived.
    this.#state.put(stateKey('derived', into.rule, into.key), encodeEntry(NO_ENTRY, ''));
  }

  /** A merged row of which nothing was derived yet; what it is made of was gathered. */
  mergeFirst(rule: PlannedRule, key: string): void {
    const row = this.#concern(this.#load(rule, key));
    const { version, problems } = this.#merged(row);
    this.#replace(row, { lookups: NONE, version, kept: false, problems });
  }

  /** Goes on where another round has left off. */
  follow({ rule, key, after }: LeftChildren): void {
    for (const child of this.#children({ rule, key }, after)) if (rule.mergedOf !== null) this.#children(child);
  }

  /** It has to do with as many rows as it may. */
  get isFull(): boolean {
    return this.#concerned.length >= this.#most;
  }

  /** Those that {@link Round.follow} has to go on with. */
  get left(): readonly LeftChildren[] {
    return this.#left;
  }

  /** The other layers, and what came of them. `goesOn`: it is not the last round of its record. */
  finish(goesOn = false): readonly DerivedChange[] {
    for (const row of this.#merging) this.#decide(row, { ...this.#merged(row), lookups: NONE });
    for (;;) {
      this.#decideWinners();
      this.#remove();
      this.#add();
      // A kept version whose parent has gone goes with it, and with it what it wanted; others may have that then.
      const dropped = this.#concerned.filter((row) => !row.present && row.now.kept);
      if (dropped.length === 0) break;
      if (this.#undecided !== null && (goesOn || this.#left.length > 0 || this.#undecided.length > 0)) {
        for (const { rule, key } of dropped) this.#undecided.push({ rule, key });
        break;
      }
      for (const row of dropped) this.#drop(row);
    }
    this.#followKeys();
    const before = goesOn || this.#left.length > 0 || this.#before?.some === true ? this.#before : null;
    const changes: DerivedChange[] = [];
    for (const row of this.#concerned) {
      const change = this.#settle(row, before);
      if (change !== null) changes.push(change);
    }
    return changes;
  }

  #drop(row: AffectedRow): void {
    if (row.now.kept) this.#replace(row, { ...row.now, version: null, kept: false });
  }

  #load(rule: PlannedRule, key: string): AffectedRow {
    const known = this.#affected[rule.number]?.get(key);
    return known ?? this.#enter(new AffectedRow(rule, key, this.#state.get(stateKey('derived', rule.number, key))));
  }

  #enter(row: AffectedRow): AffectedRow {
    (this.#affected[row.rule.number] ??= new Map<string, AffectedRow>()).set(row.key, row);
    return row;
  }

  #concern(row: AffectedRow): AffectedRow {
    if (!row.concerned) this.#concerned.push(row);
    row.concerned = true;
    return row;
  }

  #moveLookups(row: AffectedRow, lookups: readonly (string | null)[]): void {
    const { lookedUp } = row.rule;
    if (lookedUp.length === 0) return;
    const member = Buffer.from(row.key);
    const before = row.now.lookups;
    for (const [index, { number }] of lookedUp.entries()) {
      const left = before[index] ?? null;
      const entered = lookups[index] ?? null;
      if (left === entered) continue;
      let come: Iterable<string> = lookupsOf(entered);
      if (left !== null) {
        const stay = new Set(come);
        for (const text of lookupsOf(left)) if (!stay.delete(text)) this.#state.removeMember(stateKey('dependants', number, text), member);
        come = stay;
      }
      for (const text of come) this.#state.addMember(stateKey('dependants', number, text), member);
    }
  }

  #moveParents(row: AffectedRow, version: Version | null): void {
    const left = row.now.version?.parents ?? NONE;
    const entered = version?.parents ?? NONE;
    if (left.length + entered.length === 0) return;
    const child = childMember(row.rule.number, row.key);
    for (const parent of left)
      if (!isAmong(parent, entered)) this.#state.removeMember(stateKey('children', parent.rule, parent.key), child);
    for (const parent of entered) if (!isAmong(parent, left)) this.#state.addMember(stateKey('children', parent.rule, parent.key), child);
  }

  /** What a row comes to by its own: with problems its last good version stays. */
  #decide(row: AffectedRow, { lookups, version, problems }: Evaluation): void {
    const kept = version === null && problems.length > 0 && row.rule.compiled.keepsLast ? lastGood(row) : null;
    this.#replace(row, { lookups, version: version ?? kept, kept: kept !== null, problems });
  }

  /** Where a row gives something else to the merged row that it is, or was, part of. */
  #mergeAnew(before: Standing, after: Evaluation): void {
    const [left, entered] = [mergedOf(before), mergedOf(after)];
    if (isSamePart(before, after)) return;
    for (const into of [left, entered])
      if (into !== null) this.#merging.add(this.#concern(this.#load(this.#plan.rule(into.rule), into.key)));
  }

  /** A merged row, made of what its rows give to it now. */
  #merged({ rule, key }: AffectedRow): MergedRow {
    const parts = partsOf(this.#state, rule, key)?.map(({ rule: number, key: of }): GivenPart => {
      const row = this.#load(this.#plan.rule(number), of);
      return { rule: row.rule, key: of, version: row.now.version as GivenPart['version'], problems: row.now.problems };
    });
    return mergeParts(rule, parts === undefined ? null : inOrder(parts));
  }

  /** Another version: its parents and rivals are others, too. */
  #replace(row: AffectedRow, now: AffectedRow['now']): void {
    this.#moveParents(row, now.version);
    const { version, kept } = row.now;
    row.rule.uniques.forEach((unique, index) => {
      const left = version?.claims[index] ?? null;
      const entered = now.version?.claims[index] ?? null;
      if (left?.values === entered?.values && left?.order === entered?.order && kept === now.kept) return;
      if (left !== null) this.#contest(row, unique, left, 'leave', kept);
      if (entered !== null) this.#contest(row, unique, entered, 'enter', now.kept);
    });
    row.become(now);
  }

  #contest({ rule, key }: AffectedRow, { number }: PlannedUnique, { values, order }: Claim, how: 'enter' | 'leave', kept: boolean): void {
    const name = rivalName(rule.number, rule.isShared, key);
    const { before, after } = this.#claims[how](number, values, rivalMember(kept, order, name), name);
    const id = contestOf(number, values);
    let contest = this.#contests.get(id);
    if (contest === undefined) this.#contests.set(id, (contest = { rule, before, winner: after }));
    contest.winner = after;
    this.#contested.add(contest);
  }

  /** The second layer. */
  #decideWinners(): void {
    for (const contest of this.#contested) {
      const { rule, before, winner } = contest;
      contest.before = winner;
      if (winner === before) continue;
      for (const name of [before, winner]) {
        if (name === undefined) continue;
        const rival = rivalOf(rule.number, rule.isShared, name);
        this.#concern(this.#load(this.#plan.rule(rival.rule), rival.key)).lost = null;
      }
    }
    this.#contested = new Set();
  }

  #winner(unique: number, values: string): string | undefined {
    const contest = this.#contests.get(contestOf(unique, values));
    return contest === undefined ? this.#claims.winner(unique, values) : contest.winner;
  }

  #lost(row: AffectedRow): readonly number[] {
    return (row.lost ??= this.#lostBy(row));
  }

  #lostBy({ rule, key, now: { version } }: AffectedRow): readonly number[] {
    let lost: number[] | null = null;
    if (version === null) return NONE;
    const name = rivalName(rule.number, rule.isShared, key);
    for (const [index, claim] of version.claims.entries()) {
      if (claim === null || this.#winner((rule.uniques[index] as PlannedUnique).number, claim.values) === name) continue;
      (lost ??= []).push(index);
    }
    return lost ?? NONE;
  }

  /** Whether there is something that can stand at the target, once its parents do. */
  #stands(row: AffectedRow): boolean {
    return row.now.version !== null && this.#lost(row).every((index) => row.rule.uniques[index]?.otherwise === 'empty');
  }

  /** The third layer, first half: who has lost what it stands on goes, and takes its children along. */
  #remove(): void {
    const waiting = [...this.#concerned];
    for (let row = waiting.pop(); row !== undefined; row = waiting.pop()) {
      if (!row.present || (this.#stands(row) && this.#missing(row).length === 0)) continue;
      row.present = false;
      waiting.push(...this.#children(row));
    }
  }

  /** The second half: who now has all its parents comes, those that need each other together. */
  #add(): void {
    const waiting = [...this.#concerned];
    for (let row = waiting.pop(); row !== undefined; row = waiting.pop()) {
      if (row.present || !this.#stands(row)) continue;
      for (const coming of this.#comingWith(row)) {
        this.#concern(coming).present = true;
        waiting.push(...this.#children(coming));
      }
    }
  }

  /** The largest set of absent rows, among those that `row` needs, that can come together. */
  #comingWith(row: AffectedRow): readonly AffectedRow[] {
    if (this.#missing(row).length === 0) return [row];
    const needed = new Set([row]);
    const neededBy = new Map<AffectedRow, AffectedRow[]>();
    const alone: AffectedRow[] = [];
    for (const one of needed) {
      for (const parent of this.#missing(one)) {
        if (!this.#stands(parent)) {
          alone.push(one);
          continue;
        }
        needed.add(parent);
        const by = neededBy.get(parent);
        if (by === undefined) neededBy.set(parent, [one]);
        else by.push(one);
      }
    }
    // Whoever lacks one that does not come takes along those that need it: each once, however long the chain.
    for (let one = alone.pop(); one !== undefined; one = alone.pop())
      if (needed.delete(one)) for (const by of neededBy.get(one) ?? NONE) alone.push(by);
    return [...needed];
  }

  #missing({ now: { version } }: AffectedRow): readonly AffectedRow[] {
    let missing: AffectedRow[] | null = null;
    for (const { rule, key } of version?.parents ?? NONE) {
      const parent = this.#load(this.#plan.rule(rule), key);
      if (!parent.present) (missing ??= []).push(parent);
    }
    return missing ?? NONE;
  }

  /** The fourth layer: those that have the key of a row have the one that it has now. */
  #followKeys(): void {
    for (const row of this.#concerned) {
      if (!row.rule.isReferred || row.stored === undefined) continue;
      const [before, now] = [mergedOf(row.before), mergedOf(row.now)];
      if (before !== null || now !== null) {
        if (before === null || now === null || !isAmong(before, [now])) this.#children(row);
      } else if (hasOtherKey(row)) {
        // Those of a merged row are its parts, whom others name.
        const children = this.#children(row);
        if (row.rule.mergedOf !== null) for (const part of children) this.#children(part);
      }
    }
  }

  /** Of each of them something changes: whether it is at the target, what it waits for, or a key that it has. */
  #children({ rule, key }: Pick<AffectedRow, 'rule' | 'key'>, from: Buffer | null = null): readonly AffectedRow[] {
    if (rule === this.#childless) return NONE;
    const children: AffectedRow[] = [];
    let after = from;
    for (const member of membersOf(this.#state, stateKey('children', rule.number, key), from)) {
      if (this.isFull) {
        this.#left.push({ rule, key, after });
        break;
      }
      const child = childOf(member);
      children.push(this.#concern(this.#load(this.#plan.rule(child.rule), child.key)));
      after = member;
    }
    return children;
  }

  #settle(row: AffectedRow, rowsBefore: RowsBefore | null): DerivedChange | null {
    const { rule, key, before, stored } = row;
    const { lookups, version, kept, problems } = row.now;
    const isPart = version?.part !== undefined;
    const written = row.present && version !== null && !isPart ? this.#effective(row, version) : null;
    const told = isPart ? null : this.#status(row);
    const entry: DerivedEntry = { lookups, version, kept, problems, written, merged: row.present && isPart, told };
    const place = stateKey('derived', rule.number, key);
    const versionLine = version === null ? '' : lineOfRow(version.values);
    const bytes = isEmpty(entry) ? undefined : encodeEntry(entry, versionLine);
    if (bytes === undefined ? stored !== undefined : stored?.equals(bytes) !== true) {
      rowsBefore?.put(row);
      if (bytes === undefined) this.#state.remove(place);
      else this.#state.put(place, bytes);
    }
    if (isSameRow(before.written, written) && isSameStatus(before.told, told)) return null;
    const line = written === null ? null : written === version?.values ? versionLine : lineOfRow(written);
    return { rule, key, before: before.written, after: written, line, heldBefore: before.told, held: told };
  }

  #effective(row: AffectedRow, { values }: Version): Row {
    const lost = this.#lost(row);
    const { keysOf } = row.rule.compiled;
    if (lost.length === 0 && keysOf.length === 0) return values;
    const emptied = new Set(lost.flatMap((index) => row.rule.uniques[index]?.columns ?? []));
    const effective = values.map((value, column) => (emptied.has(column) ? null : value));
    const versionOf = ({ rule, key }: ParentRef): Version | null => this.#load(this.#plan.rule(rule), key).now.version;
    for (const { place } of keysOf) {
      const reference = values[place] ?? null;
      if (reference !== null) effective[place] = keyReferredTo(this.#plan, reference, versionOf);
    }
    return effective;
  }

  #status(row: AffectedRow): HeldStatus | null {
    const { rule, now, present } = row;
    if (now.problems.length > 0) {
      const version = now.kept && now.version !== null ? { version: keptVersionText(this.#plan, now.version) } : {};
      return { state: 'held', problems: now.problems, kept: now.kept, ...version };
    }
    if (now.version === null) return null;
    const refused = this.#refusals(row);
    if (refused.length > 0) return { state: 'held', problems: refused, kept: false };
    if (present) return now.version.notes.length > 0 ? { state: 'noted', problems: now.version.notes, kept: false } : null;
    const missing = this.#missing(row);
    const parents = rule.parents.filter(({ rule: parent }) => missing.some((one) => one.rule.number === parent));
    return { state: 'waiting', problems: parents.map(({ target }) => ({ reason: 'waits for', column: target })), kept: false };
  }

  #refusals(row: AffectedRow): readonly Problem[] {
    const lost = this.#lost(row);
    if (lost.length === 0) return NONE;
    const { uniques, compiled } = row.rule;
    return lost.flatMap((index) => {
      const { otherwise, columns } = uniques[index] as PlannedUnique;
      return otherwise === 'held' ? [{ reason: 'not unique', column: compiled.columns[columns[0] as number] as string }] : [];
    });
  }
}

function contestOf(unique: number, values: string): string {
  return `${String(unique)} ${values}`;
}

/** The merged row that a row is part of; null: of none. */
export function mergedOf({ version }: Pick<Standing, 'version'>): ParentRef | null {
  return version?.part === undefined ? null : (version.parents[0] as ParentRef);
}

/** Whether nothing is different for the merged row; also where both are part of none. */
function isSamePart(a: Pick<Standing, 'version' | 'problems'>, b: Pick<Standing, 'version' | 'problems'>): boolean {
  const [one, other] = [mergedOf(a), mergedOf(b)];
  if (one === null || other === null) return one === other;
  return (
    isAmong(one, [other]) &&
    isSameRow((a.version as Version).values, (b.version as Version).values) &&
    JSON.stringify([a.version?.part, a.problems]) === JSON.stringify([b.version?.part, b.problems])
  );
}

/** Whether a row has another key than before, where it had one. */
function hasOtherKey({ rule, before, now }: AffectedRow): boolean {
  const [was, is] = [before.version?.values, now.version?.values];
  return was !== undefined && is !== undefined && rule.compiled.key.some((place) => was[place] !== is[place]);
}

/** Whether a row that stands goes without a unique value that it wants. */
export function isEmptied({ uniques }: PlannedRule, { version, written }: Pick<DerivedEntry, 'version' | 'written'>): boolean {
  return (
    written !== null &&
    (version?.claims ?? NONE).some(
      (claim, index) => claim !== null && valuesText(written, uniques[index]?.columns ?? NONE) !== claim.values,
    )
  );
}

function isAmong({ rule, key }: Version['parents'][number], parents: Version['parents']): boolean {
  return parents.some((parent) => parent.rule === rule && parent.key === key);
}

function isSameStatus(a: HeldStatus | null, b: HeldStatus | null): boolean {
  return a === null || b === null ? a === b : JSON.stringify(a) === JSON.stringify(b);
}
