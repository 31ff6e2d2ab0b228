import type { StateStore } from '@changeover/events';
import type { JoinedRows, Problem, Row } from '@changeover/mapping';

import type { DerivationPlan, MirroredTable, PlannedRule, PlannedUnique } from './derivation-plan.js';
import {
  decodeEntry,
  encodeEntry,
  isEmpty,
  isSameRow,
  NO_ENTRY,
  type Claim,
  type DerivedEntry,
  type HeldStatus,
  type Version,
} from './derived-entry.js';
import { lineOfRow } from './row-text.js';
import { SourceMirror, valuesText } from './source-mirror.js';
import { bounded, childMember, childOf, rivalKey, rivalMember, stateKey } from './state-keys.js';

const PAGE = 1000;

/** A source row as it was before the transaction, and as it is behind it; null: it was, or is, not there. */
export type TouchedRow = { readonly table: MirroredTable; readonly key: string; readonly before: Row | null; readonly after: Row | null };

/** What becomes of one driving row at the target. */
export type DerivedChange = {
  readonly rule: PlannedRule;
  /** Of the driving row, shortened where it is very long. */
  readonly key: string;
  readonly before: Row | null;
  readonly after: Row | null;
  readonly heldBefore: HeldStatus | null;
  readonly held: HeldStatus | null;
};

/** A driving row whose outcome may change with this transaction. */
type Affected = {
  readonly id: string;
  readonly rule: PlannedRule;
  readonly key: string;
  readonly before: DerivedEntry;
  readonly stored: Buffer | undefined;
  lookups: readonly (string | null)[];
  version: Version | null;
  kept: boolean;
  problems: readonly Problem[];
  /** Places of the unique rules that it lost. */
  lost: readonly number[];
  present: boolean;
};

/**
 * Derives the target's rows from the mirror, as far as a source transaction may have changed them.
 *
 * What becomes of a row is decided in layers, so that it depends on what is, not on the order in which it came:
 *
 * 1. its own rows and those joined to it give a version, or problems (then the last good version may stay: it is *kept*),
 * 2. of the versions that want the same unique values the first has them (kept ones before all others, because they
 *    stand at the target; a row that waits still wants them),
 * 3. of what is left, the largest set in which every row has its parents is at the target: rows that need each other come together.
 */
export class Derivation {
  readonly #plan: DerivationPlan;
  readonly #state: StateStore;
  readonly #mirror: SourceMirror;

  constructor(plan: DerivationPlan, state: StateStore, mirror = new SourceMirror(state)) {
    this.#plan = plan;
    this.#state = state;
    this.#mirror = mirror;
  }

  get mirror(): SourceMirror {
    return this.#mirror;
  }

  /** The mirror holds the rows as they are behind the transaction. */
  derive(touched: Iterable<TouchedRow>): readonly DerivedChange[] {
    const round = new Round(this.#plan, this.#state, this.#mirror);
    for (const { table, key, before, after } of touched) {
      for (const rule of table.drives) round.evaluate(rule, key);
      for (const { number, rule, join } of table.joinedBy) {
        const planned = this.#plan.rules[rule] as PlannedRule;
        const values = new Set([before, after].map((row) => (row === null ? null : valuesText(row, join.columns))));
        for (const text of values) {
          if (text === null) continue;
          for (const member of membersOf(this.#state, stateKey('dependants', number, text))) round.evaluate(planned, member.toString());
        }
      }
    }
    return round.finish();
  }

  /** Puts rows of the mirror where joins look for them. */
  index(table: MirroredTable, keys: readonly string[]): void {
    for (const key of keys) this.#mirror.moved(table, key, null, this.#mirror.get(table, key));
  }

  /** Derives rows of which nothing was derived yet; the others may not all be known. */
  deriveFirst(rule: PlannedRule, keys: readonly string[]): readonly DerivedChange[] {
    const round = new Round(this.#plan, this.#state, this.#mirror);
    for (const key of keys) round.evaluate(rule, key);
    return round.finish();
  }

  /** Says which unique values these rows want, so that whoever is derived first knows all its rivals. */
  claim(rule: PlannedRule, keys: readonly string[]): void {
    for (const key of keys) {
      const { version } = evaluated(this.#mirror, rule, key);
      rule.uniques.forEach(({ number }, index) => {
        const claim = version?.claims[index] ?? null;
        if (claim !== null) this.#state.addMember(stateKey('claims', number, claim.values), rivalMember(false, claim.order, key));
      });
    }
  }
}

/** One transaction's worth of deriving. */
class Round {
  readonly #plan: DerivationPlan;
  readonly #state: StateStore;
  readonly #mirror: SourceMirror;
  readonly #affected = new Map<string, Affected>();
  readonly #evaluated = new Set<string>();
  /** Unique values whose rivals changed. */
  #contested = new Map<string, { readonly rule: PlannedRule; readonly unique: PlannedUnique; readonly values: string }>();

  constructor(plan: DerivationPlan, state: StateStore, mirror: SourceMirror) {
    this.#plan = plan;
    this.#state = state;
    this.#mirror = mirror;
  }

  /** The first layer. */
  evaluate(rule: PlannedRule, key: string): void {
    const row = this.#load(rule, key);
    if (this.#evaluated.has(row.id)) return;
    this.#evaluated.add(row.id);
    const { lookups, version, problems } = evaluated(this.#mirror, rule, key);
    const kept = problems.length > 0 && rule.compiled.keepsLast ? lastGood(row) : null;
    this.#moveLookups(row, lookups);
    row.lookups = lookups;
    row.problems = problems;
    this.#replace(row, version ?? kept, kept !== null);
  }

  /** The other layers, and what came of them. */
  finish(): readonly DerivedChange[] {
    for (;;) {
      this.#decideWinners();
      this.#remove();
      this.#add();
      // A kept version whose parent has gone goes with it, and with it what it wanted; others may have that then.
      const dropped = [...this.#affected.values()].filter((row) => row.kept && !row.present);
      if (dropped.length === 0) break;
      for (const row of dropped) this.#replace(row, null, false);
    }
    return [...this.#affected.values()].flatMap((row) => this.#settle(row));
  }

  #load(rule: PlannedRule, key: string): Affected {
    const id = `${String(rule.number)} ${key}`;
    const known = this.#affected.get(id);
    if (known !== undefined) return known;
    const stored = this.#state.get(stateKey('derived', rule.number, key));
    const before = stored === undefined ? NO_ENTRY : decodeEntry(stored);
    const { lookups, version, kept, problems, written } = before;
    const row: Affected = { id, rule, key, before, stored, lookups, version, kept, problems, lost: [], present: written !== null };
    this.#affected.set(id, row);
    row.lost = this.#lostBy(row);
    return row;
  }

  #moveLookups(row: Affected, lookups: readonly (string | null)[]): void {
    const member = Buffer.from(row.key);
    row.rule.joins.forEach(({ number }, index) => {
      const left = row.lookups[index] ?? null;
      const entered = lookups[index] ?? null;
      if (left === entered) return;
      if (left !== null) this.#state.removeMember(stateKey('dependants', number, left), member);
      if (entered !== null) this.#state.addMember(stateKey('dependants', number, entered), member);
    });
  }

  /** Another version: its parents and rivals are others, too. */
  #replace(row: Affected, version: Version | null, kept: boolean): void {
    const child = childMember(row.rule.number, row.key);
    const left = new Set(row.version?.parents.map(parentSet));
    const entered = new Set(version?.parents.map(parentSet));
    for (const set of left) if (!entered.has(set)) this.#state.removeMember(Buffer.from(set, 'latin1'), child);
    for (const set of entered) if (!left.has(set)) this.#state.addMember(Buffer.from(set, 'latin1'), child);
    row.rule.uniques.forEach((unique, index) => {
      const old = row.version?.claims[index] ?? null;
      const now = version?.claims[index] ?? null;
      if (old?.values === now?.values && old?.order === now?.order && row.kept === kept) return;
      if (old !== null) this.#contest(row, unique, old, 'removeMember', row.kept);
      if (now !== null) this.#contest(row, unique, now, 'addMember', kept);
    });
    row.version = version;
    row.kept = kept;
  }

  #contest(row: Affected, unique: PlannedUnique, { values, order }: Claim, how: 'addMember' | 'removeMember', kept: boolean): void {
    this.#state[how](stateKey('claims', unique.number, values), rivalMember(kept, order, row.key));
    this.#contested.set(`${String(unique.number)} ${values}`, { rule: row.rule, unique, values });
  }

  /** The second layer. */
  #decideWinners(): void {
    for (const { rule, unique, values } of this.#contested.values()) {
      const place = stateKey('winner', unique.number, values);
      const before = this.#state.get(place)?.toString();
      const first = this.#state.members(stateKey('claims', unique.number, values), null, 1)[0];
      const winner = first === undefined ? undefined : rivalKey(first);
      if (winner === before) continue;
      if (winner === undefined) this.#state.remove(place);
      else this.#state.put(place, Buffer.from(winner));
      for (const key of [before, winner]) if (key !== undefined) this.#load(rule, key);
    }
    this.#contested = new Map();
    for (const row of this.#affected.values()) row.lost = this.#lostBy(row);
  }

  #lostBy({ rule, version, key }: Affected): readonly number[] {
    if (version === null) return [];
    return rule.uniques.flatMap(({ number }, index) => {
      const claim = version.claims[index];
      return claim == null || this.#state.get(stateKey('winner', number, claim.values))?.toString() === key ? [] : [index];
    });
  }

  /** The third layer, first half: who has lost what it stands on goes, and takes its children along. */
  #remove(): void {
    const waiting = [...this.#affected.values()];
    for (let row = waiting.pop(); row !== undefined; row = waiting.pop()) {
      if (!row.present || (stands(row) && this.#missing(row).length === 0)) continue;
      row.present = false;
      waiting.push(...this.#children(row));
    }
  }

  /** The second half: who now has all its parents comes, those that need each other together. */
  #add(): void {
    const waiting = [...this.#affected.values()];
    for (let row = waiting.pop(); row !== undefined; row = waiting.pop()) {
      if (row.present || !stands(row)) continue;
      for (const coming of this.#comingWith(row)) {
        coming.present = true;
        waiting.push(...this.#children(coming));
      }
    }
  }

  /** The largest set of absent rows, among those that `row` needs, that can come together. */
  #comingWith(row: Affected): readonly Affected[] {
    if (this.#missing(row).length === 0) return [row];
    const needed = new Map([[row.id, row]]);
    for (const one of needed.values()) for (const parent of this.#missing(one)) if (stands(parent)) needed.set(parent.id, parent);
    for (let before = -1; before !== needed.size;) {
      before = needed.size;
      for (const one of needed.values()) if (!this.#missing(one).every((parent) => needed.has(parent.id))) needed.delete(one.id);
    }
    return [...needed.values()];
  }

  #missing({ version }: Affected): readonly Affected[] {
    return (version?.parents ?? [])
      .map(({ rule, key }) => this.#load(this.#plan.rules[rule] as PlannedRule, key))
      .filter((parent) => !parent.present);
  }

  #children({ rule, key }: Affected): readonly Affected[] {
    return [...membersOf(this.#state, stateKey('children', rule.number, key))].map((member) => {
      const child = childOf(member);
      return this.#load(this.#plan.rules[child.rule] as PlannedRule, child.key);
    });
  }

  #settle(row: Affected): readonly DerivedChange[] {
    const { rule, key, before, lookups, version, kept, problems } = row;
    const written = row.present && version !== null ? effective(row, version) : null;
    const told = this.#status(row);
    const entry: DerivedEntry = { lookups, version, kept, problems, written, told };
    const place = stateKey('derived', rule.number, key);
    if (!isEmpty(entry)) {
      const bytes = encodeEntry(entry);
      if (row.stored?.equals(bytes) !== true) this.#state.put(place, bytes);
    } else if (row.stored !== undefined) this.#state.remove(place);
    const same = isSameRow(before.written, written) && JSON.stringify(before.told) === JSON.stringify(told);
    return same ? [] : [{ rule, key, before: before.written, after: written, heldBefore: before.told, held: told }];
  }

  #status(row: Affected): HeldStatus | null {
    const { rule, problems, version, kept, lost, present } = row;
    if (problems.length > 0) return { state: 'held', problems, kept };
    if (version === null) return null;
    const refused = lost.flatMap((index) => {
      const unique = rule.uniques[index] as PlannedUnique;
      return unique.otherwise === 'held'
        ? [{ reason: 'not unique', column: rule.compiled.columns[unique.columns[0] as number] as string }]
        : [];
    });
    if (refused.length > 0) return { state: 'held', problems: refused, kept: false };
    if (present) return null;
    const parents = rule.parents.filter(({ rule: parent }) => this.#missing(row).some((one) => one.rule.number === parent));
    return { state: 'waiting', problems: parents.map(({ target }) => ({ reason: 'waits for', column: target })), kept: false };
  }
}

/** What a row is by its own source rows and those joined to it. */
function evaluated(
  mirror: SourceMirror,
  rule: PlannedRule,
  key: string,
): { readonly lookups: readonly (string | null)[]; readonly version: Version | null; readonly problems: readonly Problem[] } {
  const driving = mirror.get(rule.table, key);
  if (driving === null) return { lookups: [], version: null, problems: [] };
  const lookups: (string | null)[] = [];
  const rows: [Row, ...(Row | null)[]] = [driving];
  for (const join of rule.joins) {
    const values = join.join.lookup(rows);
    lookups.push(values === null ? null : bounded(lineOfRow(values)));
    rows.push(values === null ? null : mirror.find(join, values));
  }
  if (!rule.compiled.accepts(rows)) return { lookups, version: null, problems: [] };
  const derived = rule.compiled.derive(rows);
  return 'values' in derived
    ? { lookups, version: versionOf(rule, rows, derived.values), problems: [] }
    : { lookups, version: null, problems: derived.problems };
}

function versionOf(rule: PlannedRule, rows: JoinedRows, values: Row): Version {
  const parents = rule.parents.flatMap(({ rule: parent, keyOf }) => {
    const key = keyOf(rows);
    return key === null ? [] : [{ rule: parent, key: bounded(lineOfRow(key)) }];
  });
  const claims = rule.uniques.map(({ columns, orderOf }) => {
    const wanted = valuesText(values, columns);
    return wanted === null ? null : { values: wanted, order: orderOf(rows[0]) };
  });
  return { values, parents, claims };
}

/** What stands at the target, with what it has there; null where nothing does. */
function lastGood({ before, rule }: Affected): Version | null {
  const { written, version } = before;
  if (written === null || version === null) return null;
  const claims = version.claims.map((claim, index) => {
    const columns = rule.uniques[index]?.columns ?? [];
    return claim !== null && valuesText(written, columns) === claim.values ? claim : null;
  });
  return { values: written, parents: version.parents, claims };
}

/** Whether there is something that can stand at the target, once its parents do. */
function stands({ version, lost, rule }: Affected): boolean {
  return version !== null && lost.every((index) => rule.uniques[index]?.otherwise === 'empty');
}

function effective({ lost, rule }: Affected, { values }: Version): Row {
  if (lost.length === 0) return values;
  const emptied = new Set(lost.flatMap((index) => rule.uniques[index]?.columns ?? []));
  return values.map((value, column) => (emptied.has(column) ? null : value));
}

function parentSet({ rule, key }: { readonly rule: number; readonly key: string }): string {
  return stateKey('children', rule, key).toString('latin1');
}

function* membersOf(state: StateStore, set: Buffer): Generator<Buffer> {
  for (let after: Buffer | null = null; ;) {
    const members: readonly Buffer[] = state.members(set, after, PAGE);
    yield* members;
    if (members.length < PAGE) return;
    after = members.at(-1) as Buffer;
  }
}
