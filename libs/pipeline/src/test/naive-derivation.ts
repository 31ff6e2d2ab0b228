import { formatRows } from '@changeover/events';
import { ConversionProblem, type CompiledRule, type Problem, type Row, type Waives } from '@changeover/mapping';

/** Source rows by table and key (COPY text of the key columns). */
export type SourceRows = ReadonlyMap<string, ReadonlyMap<string, Row>>;

/** What stands at the target for a driving row, and what is said of it. */
export type Outcome = {
  readonly written: Row | null;
  readonly state: 'held' | 'waiting' | 'noted' | null;
  readonly problems: readonly Problem[];
  /** Of the version that stands, or would. */
  readonly parents: KeptVersion['parents'];
};

/** The last good version of a row that is held: `values` as they stand, and the keys of its parents by rule. */
export type KeptVersion = { readonly values: Row; readonly parents: readonly { readonly rule: number; readonly key: string }[] };

/** A row's key as one text. */
export function keyText(key: Row): string {
  return formatRows([key]).toString('utf8').slice(0, -1);
}

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
      const derived = problems.length > 0 ? { problems } : rule.derive(rows, waivesOf(rule, key));
      const order = rule.uniques.map(({ orderOf }) => orderOf(driving));
      const base = { rule: number, key, order, refused: [], notes: 'notes' in derived ? derived.notes : [] };
      if ('values' in derived) {
        const parents = rule.requires.flatMap(({ parent, rule: name, keyOf }) => {
          const parentKey = keyOf(rows);
          const maker = rules.findIndex((other) => other.target === parent && other.name === name);
          return parentKey === null ? [] : [{ rule: maker, key: keyText(parentKey) }];
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

  // Rivals: claims are made by what the rows are of themselves, so all winners are known before anything is taken away.
  const losses: { readonly candidate: Candidate; readonly rule: CompiledRule; readonly unique: number }[] = [];
  for (const target of new Set(rules.map((rule) => rule.target))) {
    const wanting = candidates.filter((one) => one.values !== null && (rules[one.rule] as CompiledRule).target === target);
    rules
      .find((rule) => rule.target === target)
      ?.uniques.forEach(({ columns }, unique) => {
        const rivals = new Map<string, Candidate[]>();
        for (const candidate of wanting) {
          const wanted = columns.map((column) => candidate.values?.[column] ?? null);
          if (wanted.includes(null)) continue;
          const text = JSON.stringify(wanted);
          rivals.set(text, [...(rivals.get(text) ?? []), candidate]);
        }
        for (const group of rivals.values()) {
          // Of rules that share the table the earlier comes first.
          const rank = (one: Candidate): string => `${one.kept ? '0' : '1'}${one.order[unique] ?? ''}\0${String(one.rule)}\0${one.key}`;
          group.sort((x, y) => (rank(x) < rank(y) ? -1 : 1));
          for (const candidate of group.slice(1)) losses.push({ candidate, rule: rules[candidate.rule] as CompiledRule, unique });
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
  const isMissing = ({ rule, key }: { readonly rule: number; readonly key: string }): boolean => !present.has(`${String(rule)} ${key}`);
  for (let before = -1; before !== present.size;) {
    before = present.size;
    for (const [id, { parents }] of present) if (parents.some(isMissing)) present.delete(id);
  }

  const outcomes = new Map<string, Outcome>();
  for (const candidate of candidates) {
    const { rule, key, values, problems, refused, parents, notes } = candidate;
    const id = `${String(rule)} ${key}`;
    const stands = present.has(id);
    const waitsFor = (rules[rule] as CompiledRule).requires
      .filter(({ parent }) => parents.some((one) => rules[one.rule]?.target === parent && isMissing(one)))
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
    outcomes.set(id, { written: stands ? values : null, state, problems: why, parents });
  }
  return outcomes;

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
