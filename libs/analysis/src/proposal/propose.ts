import type { DescribedColumn, DescribedTable } from '@changeover/events';

import type { ColumnProfiler, ColumnsPlace } from '../column-profiler.port.js';
import { convertInto, share, type Conversion } from '../compare/convert-into.js';
import { matchTables, type TablePair } from '../compare/match-tables.js';
import { likeness, senseOf, wordsOf } from '../names/words.js';
import { isTextType, type ColumnProfile } from '../profile/column-profile.js';
import { bare } from '../references/named-table.js';
import type { Reference } from '../references/find-references.js';
import { columnOf, type TableProfile } from '../table-profile.js';
import { withCompositeParents } from './composite-parents.js';
import type { ProposedColumn, ProposedJoin, ProposedRule, ProposedSource, Proposal, RuleWithoutUnique } from './proposal.js';
import { joinParent, lostWords, satellitesOf, type Satellite } from './satellites.js';
import { notDeleted } from './soft-delete.js';
import { uniqueRules } from './unique-rules.js';

/** Below it two columns have nothing to do with each other; up to the other somebody has to look. */
const [ENOUGH, SURE] = [0.45, 0.65];
const BY_NAME = 0.7;
/** What else speaks for a pair of columns. */
const EVIDENCE = { key: 0.5, reference: 0.5, labels: 0.5, spelling: 0.6, matter: 0.2, type: 0.1 };
/** Of another table's columns only those are taken that the target has under the same name, or about the same matter. */
const ENOUGH_OF_JOINED = 0.6;
/** What a thing is called by. */
const TITLES = new Set(['name', 'title', 'subject', 'label']);
const TITLE_LIKENESS = 0.7;
/** Words of names by what values are about. */
const MATTER_WORDS = new Map([
  ['email', 'email'],
  ['phone', 'phone'],
  ['mobile', 'phone'],
  ['fax', 'phone'],
  ['country', 'country'],
  ['iban', 'iban'],
  ['website', 'url'],
  ['ip', 'ip'],
]);

type Proposing = {
  readonly sources: readonly TableProfile[];
  readonly references: readonly Reference[];
  readonly targets: readonly DescribedTable[];
  /** Has the rows of the sources. */
  readonly profiler: ColumnProfiler;
};

/** A first mapping, for somebody to go through: what names, types, values and references say. Rules in the order of the target's tables. */
export async function propose({ sources, references, targets, profiler }: Proposing): Promise<Proposal> {
  const pairs = matchTables(sources, targets);
  const plain = targets.flatMap((target) => {
    const pair = pairs.find((one) => one.target === target);
    if (pair === undefined || target.key.length === 0) return [];
    const rule = new RuleProposal(pair, { pairs, sources, references }).rule();
    // A row that has nothing but a key says nothing.
    return rule.columns.some(
      ({ target: column, sources: from }) =>
        from.length > 0 && (!target.key.includes(column) || target.columns.length === target.key.length),
    )
      ? [rule]
      : [];
  });
  const rules: ProposedRule[] = [];
  for (const target of targets) {
    const rule = plain.find((one) => one.target === nameOf(target));
    if (rule === undefined) continue;
    const whole = withCompositeParents(rule, target, { sources, references, rules: plain });
    const isWhole = sources.some(({ table, whole: all }) => table === rule.source && all);
    rules.push({ ...whole, unique: await uniqueRules(whole, target, { profiler, isWhole }) });
  }
  const driving = new Set(rules.map(({ source }) => source));
  const joined = new Set(rules.flatMap(({ joins }) => joins.map(({ table }) => table)));
  return {
    rules,
    sourcesLeft: sources.filter(({ table }) => !driving.has(table)).map(({ table }) => ({ table, joined: joined.has(table) })),
    targetsLeft: targets.map(nameOf).filter((name) => !rules.some(({ target }) => target === name)),
  };
}

const nameOf = ({ schema, table }: DescribedTable): string => `${schema}.${table}`;

type Known = { readonly pairs: readonly TablePair[]; readonly sources: readonly TableProfile[]; readonly references: readonly Reference[] };

/** A column of the source that could become one of the target. */
type Candidate = {
  readonly target: DescribedColumn;
  readonly source: ColumnProfile;
  readonly at: Satellite | null;
  readonly conversion: Conversion;
  readonly rating: number;
  readonly because: readonly string[];
  readonly reference: Reference | null;
};

class RuleProposal {
  readonly #pair: TablePair;
  readonly #known: Known;
  readonly #joins = new Map<string, ProposedJoin>();
  readonly #requires: ProposedRule['requires'][number][] = [];

  constructor(pair: TablePair, known: Known) {
    this.#pair = pair;
    this.#known = known;
  }

  rule(): RuleWithoutUnique {
    const { source, target, because } = this.#pair;
    const chosen = this.#choose();
    const named = this.#wholeNames(chosen);
    const columns = target.columns.flatMap((column): readonly ProposedColumn[] => {
      if (column.generated) return [];
      const words = named.get(column.name);
      if (words !== undefined) return [words];
      const candidate = chosen.get(column.name) ?? this.#fromSatellite(column);
      if (candidate !== undefined) return [this.#column(candidate)];
      if (!target.key.includes(column.name) && (!column.notNull || column.fills)) return [];
      return [
        {
          target: column.name,
          sources: [],
          value: { how: 'null' },
          because: [],
          open: ['nothing was found for it; until that is decided every row is held'],
          required: column.notNull,
        },
      ];
    });
    const used = new Set([
      ...columns.flatMap(({ sources }) => sources.filter(({ of }) => of === undefined).map(({ column }) => column)),
      ...[...this.#joins.values()].flatMap(({ on }) => on.filter(({ of }) => of === undefined).map(({ equals }) => equals)),
    ]);
    const deleted = notDeleted(source);
    const where = deleted === null || used.has(deleted.column) ? null : { ...deleted, because: 'rows that were thrown away stay behind' };
    return {
      source: source.table,
      target: nameOf(target),
      because,
      joins: [...this.#joins.values()],
      where,
      columns,
      key: target.key,
      requires: this.#requires,
      left: source.columns.map(({ name }) => name).filter((name) => !used.has(name) && name !== where?.column),
    };
  }

  /** The best pairs first, each column of either side once; a column that names rows of several tables as often as it does. */
  #choose(): Map<string, Candidate> {
    const { source, target } = this.#pair;
    const candidates = target.columns.flatMap((column) =>
      source.columns.flatMap((one) => this.#candidate(one, column, source, null) ?? []),
    );
    const chosen = new Map<string, Candidate>();
    const taken = new Set<string>();
    for (const candidate of candidates.filter(({ rating }) => rating >= ENOUGH).sort((one, other) => other.rating - one.rating)) {
      const { target: to, source: from, reference } = candidate;
      if (chosen.has(to.name) || (taken.has(from.name) && reference?.kind !== 'polymorphic')) continue;
      chosen.set(to.name, candidate);
      taken.add(from.name);
    }
    return chosen;
  }

  #candidate(source: ColumnProfile, target: DescribedColumn, of: TableProfile, at: Satellite | null): Candidate | undefined {
    const parent = this.#parentOf(target);
    const references = this.#known.references.filter(({ from }) => from.table === of.table && isAlone(from, source.name));
    const reference = parent === undefined ? null : (references.find(({ to }) => to.table === parent.source.table) ?? null);
    // Keys of several tables in one column are of several types: what is taken is the key that was found.
    const found = reference?.kind === 'polymorphic' && parent ? columnOf(parent.source, reference.to.columns[0] ?? '') : undefined;
    const conversion = convertInto(found ?? source, target);
    if (conversion === null) return undefined;
    const isKey = this.#isKey(target) && source.key && of.described.key.length === 1 && at === null;
    // What refers to one table there does not refer to another here.
    if (parent !== undefined && reference === null && source.filled > 0) return undefined;
    if (parent === undefined && references.length > 0 && !isKey && source.name !== target.name) return undefined;
    // What is a telephone number is no country, nor the country of one.
    const named = mattersNamed(target.name);
    if (source.matter !== null && named.size > 0 && (named.size > 1 || !named.has(source.matter))) return undefined;
    const because: string[] = [];
    let rating = 0;
    const speaks = (evidence: number, what: string): void => {
      rating += evidence;
      because.push(what);
    };
    const name = nameLikeness(source.name, bare(of.table), target.name, this.#pair.target.table);
    if (name > 0)
      speaks(BY_NAME * name, source.name === target.name ? 'same name' : name >= 0.95 ? 'the names say the same' : 'the names are alike');
    if (isKey) speaks(EVIDENCE.key, 'both are the key');
    if (reference !== null && parent !== undefined)
      speaks(EVIDENCE.reference, `it refers to ${reference.to.table}, which becomes ${nameOf(parent.target)}`);
    const { value, fit } = conversion;
    if (value.how === 'enumeration' && target.labels !== null) speaks(EVIDENCE.labels * fit, 'its spellings are the labels');
    if (value.how === 'enumeration' && target.labels === null) speaks(EVIDENCE.spelling, 'its spellings answer it');
    if (source.matter !== null && named.has(source.matter)) speaks(EVIDENCE.matter, `its values are of that kind (${source.matter})`);
    if (source.base === target.base || (isTextType(source.base) && isTextType(target.base))) rating += EVIDENCE.type;
    return { target, source, at, conversion, rating, because: [...because, ...conversion.because], reference };
  }

  #isKey({ name }: DescribedColumn): boolean {
    const { key } = this.#pair.target;
    return key.length === 1 && key[0] === name;
  }

  /** The pair whose target table this column refers to. */
  #parentOf({ name }: DescribedColumn): TablePair | undefined {
    const foreign = this.#pair.target.foreignKeys.find(({ columns }) => columns.length === 1 && columns[0] === name);
    if (foreign === undefined) return undefined;
    return this.#known.pairs.find(({ target }) => target.schema === foreign.toSchema && target.table === foreign.toTable);
  }

  /** `name` of a person, where the old CRM has first and last names. */
  #wholeNames(chosen: ReadonlyMap<string, Candidate>): ReadonlyMap<string, ProposedColumn> {
    const { source, target } = this.#pair;
    const part = (word: string): ColumnProfile | undefined => source.columns.find(({ name }) => senseOf(name).words.at(-1) === word);
    const [first, last] = [part('firstname'), part('lastname')];
    const whole = target.columns.find(({ name }) => ['name', 'fullname'].includes(senseOf(name, target.table).words.join('')));
    if (first === undefined || last === undefined || whole === undefined || chosen.get(whole.name)?.source.name === whole.name)
      return new Map();
    if ([...chosen.values()].some(({ source: used }) => used === first || used === last)) return new Map();
    const column: ProposedColumn = {
      target: whole.name,
      sources: [{ column: first.name }, { column: last.name }],
      value: { how: 'words' },
      because: ['first and last name make the whole name'],
      open: [],
      required: whole.notNull,
    };
    return new Map([[whole.name, column]]);
  }

  /** From a table that hangs on this one and goes nowhere by itself: links, addresses, custom fields. */
  #fromSatellite(column: DescribedColumn): Candidate | undefined {
    const { source } = this.#pair;
    const satellites = satellitesOf(source, this.#known);
    const candidates = satellites.flatMap((at) =>
      at.table.columns.flatMap((one) => {
        // When a link was made says nothing of what it links.
        if (one.key || at.connects.has(one.name) || one.used === 'timestamp') return [];
        const found = this.#candidate(one, column, at.table, at);
        return found !== undefined && found.rating >= ENOUGH_OF_JOINED ? [found] : [];
      }),
    );
    return candidates.toSorted((one, other) => other.rating - one.rating)[0];
  }

  #column({ target, source, at, conversion, rating, because, reference }: Candidate): ProposedColumn {
    const open = [...conversion.open];
    if (rating < SURE) open.push('little speaks for it');
    let from: ProposedSource = at === null ? { column: source.name } : { column: source.name, of: this.#join(at) };
    let value = conversion.value;
    if (value.how === 'phone') value = { how: 'phone', country: source.phoneCountry };
    const parent = this.#parentOf(target);
    const orphans = reference?.orphans?.orphans ?? 0;
    if (parent !== undefined && reference !== null) {
      because = [...because, ...lostWords(reference)];
      if (reference.kind === 'polymorphic' || (!target.notNull && orphans > 0)) {
        from = { column: reference.to.columns[0] ?? '', of: this.#joinParent(reference, parent) };
        const key = columnOf(parent.source, reference.to.columns[0] ?? '');
        value = (key === undefined ? null : convertInto(key, target))?.value ?? value;
        if (orphans > 0) open.push('who refers to nothing refers to nobody then');
      } else if (orphans > 0) open.push('who refers to nothing waits');
      this.#requires.push({ parent: nameOf(parent.target), key: [from] });
    }
    const empty = source.nulls + source.blank;
    if (target.notNull && empty > 0) open.push(`${share(empty / source.rows)} of the rows have none: they are held`);
    return { target: target.name, sources: [from], value, because, open, required: target.notNull };
  }

  /** The joins that lead to a satellite, each once; the name of the last. */
  #join({ joins }: Satellite): string {
    for (const join of joins) this.#joins.set(join.as, join);
    return joins.at(-1)?.as ?? '';
  }

  #joinParent(reference: Reference, { source }: TablePair): string {
    const join = joinParent(reference, source);
    this.#joins.set(join.as, join);
    return join.as;
  }
}

/** Whether a place is this column and no other. */
function isAlone({ columns }: ColumnsPlace, name: string): boolean {
  return columns.length === 1 && columns[0] === name;
}

function nameLikeness(source: string, sourceTable: string, target: string, targetTable: string): number {
  if (source === target) return 1;
  const [one, other] = [senseOf(source, sourceTable).words, senseOf(target, targetTable).words];
  const alike = likeness(one, other);
  const isTitle = (words: readonly string[]): boolean => words.length === 1 && TITLES.has(words[0] ?? '');
  return alike === 0 && isTitle(one) && isTitle(other) ? TITLE_LIKENESS : alike;
}

/** What a name says that its values are about. */
function mattersNamed(name: string): ReadonlySet<string> {
  return new Set(wordsOf(name).flatMap((word) => MATTER_WORDS.get(word) ?? []));
}
