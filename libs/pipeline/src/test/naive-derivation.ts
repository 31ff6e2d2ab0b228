import { formatRows } from '@changeover/events';
import { ConversionProblem, type CompiledRule, type Problem, type Row, type Waives } from '@changeover/mapping';

/** Source rows by table and key (COPY text of the key columns). */
export type SourceRows = ReadonlyMap<string, ReadonlyMap<string, Row>>;

/** What stands at the target for a driving row, and what is said of it. */
export type Outcome = {
  readonly written: Row | null;
  /** The same with what names another row, where `written` has the key of that. */
  readonly version: Row | null;
  readonly state: 'held' | 'waiting' | 'noted' | null;
  readonly problems: readonly Problem[];
  /** Of the version that stands, or would. */
  readonly parents: KeptVersion['parents'];
  /** Id of the merged row that it is part of: nothing stands, or is said, of the row itself. */
  readonly into?: string;
};

/** The last good version of a row that is held: `values` as they stand (but for what names another row), and the keys of its parents by rule. */
export type KeptVersion = { readonly values: Row; readonly parents: readonly { readonly rule: number; readonly key: string }[] };

/** A row's key as one text. */
export function keyText(key: Row): string {
  return formatRows([key]).toString('utf8').slice(0, -1);
}

/** Rules that stand for merged rows, by number: one for each target whose rows are merged. */
const MERGED_FROM = 0x7fff;

/** The rule with this number; one that stands for merged rows has their target, and needs what the rules for it need. */
export function ruleAt(rules: readonly CompiledRule[], number: number): CompiledRule {
  const target = mergingTargets(rules)[MERGED_FROM - number];
  if (target === undefined) return rules[number] as CompiledRule;
  const makers = rules.filter((rule) => rule.target === target);
  const requires = makers.flatMap((rule) => rule.requires);
  const distinct = requires.filter(
    (one, index) => requires.findIndex((two) => two.parent === one.parent && two.rule === one.rule) === index,
  );
  return { ...(makers[0] as CompiledRule), name: 'merged', joins: [], requires: distinct };
}

/** The number of the rule that stands for merged rows of the target. */
export function mergedNumber(rules: readonly CompiledRule[], target: string): number {
  return MERGED_FROM - mergingTargets(rules).indexOf(target);
}

function mergingTargets(rules: readonly CompiledRule[]): readonly string[] {
  return [...new Set(rules.flatMap(({ target, merge }) => (merge === null ? [] : [target])))];
}

/** What a row gives to a merged row. */
type Part = {
  readonly rule: number;
  readonly key: string;
  readonly values: Row;
  readonly problems: readonly Problem[];
  readonly order: string;
  readonly orders: readonly string[];
  readonly parents: readonly ({ readonly rule: number; readonly key: string } | null)[];
};

type Candidate = {
  readonly rule: number;
  readonly key: string;
  readonly order: readonly string[];
  values: Row | null;
  parents: readonly { readonly rule: number; readonly key: string }[];
  kept: boolean;
  problems: readonly Problem[];
  refused: readonly Problem[];
  readonly notes: readonly Problem[];
};

/**
 * The definition, computed the slow way: every row from nothing, rivals by sorting all of them, presence by taking away until nothing
 * changes. It knows no index, no earlier state and no order of arrival.
 */
export function deriveNaively(
  rules: readonly CompiledRule[],
  source: SourceRows,
  keptVersions: ReadonlyMap<string, KeptVersion>,
  waivesOf: (rule: CompiledRule, key: string) => Waives = () => () => false,
): Map<string, Outcome> {
  const candidates: Candidate[] = [];
  /** By id of the merged row. */
  const groups = new Map<string, Part[]>();
  rules.forEach((rule, number) => {
    for (const [key, driving] of source.get(rule.source) ?? []) {
      const rows: [Row, ...(Row | null)[]] = [driving];
      const problems: Problem[] = [];
      let decided = true;
      for (const join of rule.joins) {
        const found = joined(join, join.lookup(rows));
        rows.push(found instanceof ConversionProblem ? null : found);
        if (!(found instanceof ConversionProblem)) continue;
        problems.push({ reason: found.reason, column: join.all?.column ?? '' });
        if (join.all?.decides === true) decided = false;
      }
      if (decided && !rule.accepts(rows)) continue;
      const order = rule.uniques.map(({ orderOf }) => orderOf(driving));
      const name = rule.merge?.nameOf(rows) ?? null;
      if (rule.merge !== null && name !== null) {
        const part = rule.merge.partOf(rows);
        const parents = rule.requires.map(({ parent, rule: of, keyOf }) => {
          const parentKey = keyOf(rows);
          return parentKey === null ? null : { rule: makerOf(parent, of), key: keyText(parentKey) };
        });
        const id = `${String(mergedNumber(rules, rule.target))} ${name}`;
        const one = { rule: number, key, values: part.values, problems: [...problems, ...part.problems], parents };
        groups.set(id, [...(groups.get(id) ?? []), { ...one, order: rule.merge.orderOf(driving), orders: order }]);
        continue;
      }
      const derived = problems.length > 0 ? { problems } : rule.derive(rows, waivesOf(rule, key));
      const base = { rule: number, key, order, refused: [], notes: 'notes' in derived ? derived.notes : [] };
      if ('values' in derived) {
        const parents = rule.requires.flatMap(({ parent, rule: name, keyOf }) => {
          const parentKey = keyOf(rows);
          return parentKey === null ? [] : [{ rule: makerOf(parent, name), key: keyText(parentKey) }];
        });
        candidates.push({ ...base, values: derived.values, parents, kept: false, problems: [] });
      } else {
        const kept = keptVersions.get(`${String(number)} ${key}`);
        candidates.push({
          ...base,
          values: kept?.values ?? null,
          parents: kept?.parents ?? [],
          kept: kept !== undefined,
          problems: derived.problems,
        });
      }
    }
  });

  for (const [id, parts] of groups) {
    const [number, name] = [Number(id.slice(0, id.indexOf(' '))), id.slice(id.indexOf(' ') + 1)];
    const rule = ruleAt(rules, number);
    const merge = rule.merge as NonNullable<CompiledRule['merge']>;
    const rank = (part: Part): string => `${part.order}\0${String(part.rule)}\0${part.key}`;
    const sorted = parts.toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1));
    const tooMany = { reason: `more than ${String(merge.atMost)} to merge`, column: rule.columns[rule.key[0] as number] as string };
    const said = parts.length > merge.atMost ? [tooMany] : sorted.flatMap((part) => part.problems);
    const { values, from } = merge.survivors(sorted.map((part) => part.values));
    const row =
      said.length > 0 ? { problems: [...new Map(said.map((one) => [JSON.stringify(one), one])).values()] } : merge.complete(values);
    const base = { rule: number, key: name, order: sorted[0]?.orders ?? [], refused: [] };
    if ('problems' in row) {
      const kept = keptVersions.get(id);
      const stands = { values: kept?.values ?? null, parents: kept?.parents ?? [], kept: kept !== undefined };
      candidates.push({ ...base, ...stands, problems: row.problems, notes: [] });
      continue;
    }
    // A parent is needed by what came from the row that names it.
    const needed = sorted.flatMap((part, place) =>
      part.parents.filter((_, index) => {
        const columns = rules[part.rule]?.requires[index]?.columns ?? [];
        return columns.length === 0 || columns.some((column) => from[column] === place || from[column] === null);
      }),
    );
    const parents = new Map(needed.flatMap((one) => (one === null ? [] : [[`${String(one.rule)} ${one.key}`, one] as const])));
    candidates.push({ ...base, values: row.values, parents: [...parents.values()], kept: false, problems: [], notes: row.notes });
  }

  // Rivals: claims are made by what the rows are of themselves, so all winners are known before anything is taken away.
  const losses: { readonly candidate: Candidate; readonly rule: CompiledRule; readonly unique: number }[] = [];
  for (const target of new Set(rules.map((rule) => rule.target))) {
    const wanting = candidates.filter((one) => one.values !== null && ruleAt(rules, one.rule).target === target);
    rules
      .find((rule) => rule.target === target)
      ?.uniques.forEach(({ columns, counts }, unique) => {
        const rivals = new Map<string, Candidate[]>();
        for (const candidate of wanting) {
          const wanted = columns.map((column) => candidate.values?.[column] ?? null);
          if (wanted.includes(null) || (candidate.values !== null && counts?.(candidate.values) === false)) continue;
          const text = JSON.stringify(wanted);
          rivals.set(text, [...(rivals.get(text) ?? []), candidate]);
        }
        for (const group of rivals.values()) {
          // Of rules that share the table the earlier comes first.
          const rank = (one: Candidate): string =>
            `${one.kept ? '0' : '1'}${one.order[unique] ?? ''}\0${String(one.rule).padStart(5, '0')}\0${one.key}`;
          group.sort((x, y) => (rank(x) < rank(y) ? -1 : 1));
          for (const candidate of group.slice(1)) losses.push({ candidate, rule: ruleAt(rules, candidate.rule), unique });
        }
      });
  }
  for (const { candidate, rule, unique } of losses) {
    const { columns, otherwise } = rule.uniques[unique] as CompiledRule['uniques'][number];
    if (otherwise === 'empty') {
      candidate.values = candidate.values?.map((value, column) => (columns.includes(column) ? null : value)) ?? null;
    } else candidate.refused = [...candidate.refused, { reason: 'not unique', column: rule.columns[columns[0] as number] as string }];
  }

  const present = new Map(
    candidates
      .filter(({ values, refused }) => values !== null && refused.length === 0)
      .map((one) => [`${String(one.rule)} ${one.key}`, one]),
  );
  /** A row that is part of a merged row is there with it. */
  const standsIn = new Map<string, string>(
    [...groups].flatMap(([id, parts]) => parts.map(({ rule, key }) => [`${String(rule)} ${key}`, id] as const)),
  );
  const isMissing = ({ rule, key }: { readonly rule: number; readonly key: string }): boolean => {
    const id = `${String(rule)} ${key}`;
    return !present.has(standsIn.get(id) ?? id);
  };
  for (let before = -1; before !== present.size;) {
    before = present.size;
    for (const [id, { parents }] of present) if (parents.some(isMissing)) present.delete(id);
  }

  const outcomes = new Map<string, Outcome>();
  for (const candidate of candidates) {
    const { rule, key, values, problems, refused, parents, notes } = candidate;
    const id = `${String(rule)} ${key}`;
    const stands = present.has(id);
    const waitsFor = ruleAt(rules, rule)
      .requires.filter(({ parent, rule: name }) => parents.some((one) => one.rule === makerOf(parent, name) && isMissing(one)))
      .map(({ parent }) => ({ reason: 'waits for', column: parent }));
    const [state, why] =
      problems.length > 0
        ? (['held', problems] as const)
        : refused.length > 0
          ? (['held', refused] as const)
          : stands
            ? notes.length > 0
              ? (['noted', notes] as const)
              : ([null, []] as const)
            : (['waiting', waitsFor] as const);
    const version = stands ? values : null;
    outcomes.set(id, { written: version && withKeys(ruleAt(rules, rule), version), version, state, problems: why, parents });
  }
  for (const [id, into] of standsIn) outcomes.set(id, { written: null, version: null, state: null, problems: [], parents: [], into });
  return outcomes;

  /** What names another row is the key that this one has. */
  function withKeys({ target }: CompiledRule, values: Row): Row {
    const named = new Set(rules.filter((rule) => rule.target === target).flatMap(({ keysOf }) => keysOf.map(({ place }) => place)));
    return values.map((value, place) => {
      if (value === null || !named.has(place)) return value;
      const [parent, name, column, ...key] = JSON.parse(value) as [string, string | null, string, ...string[]];
      const id = `${String(makerOf(parent, name))} ${keyText(key)}`;
      const standing = present.get(standsIn.get(id) ?? id);
      return standing?.values?.[ruleAt(rules, standing.rule).columns.indexOf(column)] ?? null;
    });
  }

  function makerOf(parent: string, name: string | null): number {
    return rules.findIndex((other) => other.target === parent && other.name === name);
  }

  function joined(
    { table, columns, accepts, compare, all }: CompiledRule['joins'][number],
    values: readonly string[] | null,
  ): Row | null | ConversionProblem {
    const matches = [...(source.get(table) ?? [])]
      .filter(([, row]) => values !== null && columns.every((column, index) => row[column] === values[index]) && accepts(row))
      .sort(([keyA, a], [keyB, b]) => compare(a, b) || (keyA < keyB ? -1 : 1))
      .map(([, row]) => row);
    if (all === null) return matches[0] ?? null;
    if (matches.length > all.atMost) return new ConversionProblem('too many rows');
    return all.rowOf(
      matches.map((row) => {
        const rows: [Row, ...(Row | null)[]] = [row];
        for (const inner of all.joins) rows.push(joined(inner, inner.lookup(rows)) as Row | null);
        return rows;
      }),
    );
  }
}
