import {
  columnsValidated,
  compileRule,
  type CompiledRule,
  type Comparison,
  type Converters,
  type DerivedRow,
  type Numbering,
  type Problem,
  type Row,
  type SourceTable,
  type Survivor,
  type TableRule,
  type Waives,
} from '@changeover/mapping';

type NamedRow = Readonly<Record<string, string | null>>;

/** The rule with its validation, and what becomes of the values of rows that are merged, said the slow way, over values of the random rules: what PostgreSQL's own comparisons of these would be. */
export function compileNaively(
  { validate = [], unique = [], ...bare }: TableRule,
  tables: ReadonlyMap<string, SourceTable>,
  converters: Converters,
  numbering?: Numbering,
): CompiledRule {
  const rule: TableRule = { ...bare, unique: unique.map(({ where: _, ...all }) => all) };
  const compiled = compileRule(rule, tables, converters, numbering);
  // One for the key may stand before them.
  const own = compiled.uniques.length - unique.length;
  const { merge, derive } = compiled;
  return {
    ...compiled,
    uniques: compiled.uniques.map((one, index) => {
      const where = unique[index - own]?.where;
      return { ...one, counts: where === undefined ? null : (values) => holds(where, namedRow(values)) === true };
    }),
    derive: (rows, waives) => validated(derive(rows), waives),
    merge: merge && {
      ...merge,
      survivors: (parts) => {
        const survived = compiled.columns.map((column, place) => survivor(rule.merge?.columns?.[column] ?? 'first', parts, place));
        return { values: survived.map(({ value }) => value), from: survived.map(({ from }) => from) };
      },
      complete: (values, waives) => validated(merge.complete(values), waives),
    },
  };

  function namedRow(values: Row): Record<string, string | null> {
    return Object.fromEntries(compiled.columns.map((column, place) => [column, values[place] ?? null]));
  }

  function validated(derived: DerivedRow, waives?: Waives): DerivedRow {
    if ('problems' in derived) return derived;
    const row = namedRow(derived.values);
    const [problems, notes]: [Problem[], Problem[]] = [[], []];
    for (const one of validate) {
      const { column, name, severity } = one;
      const value = row[column] ?? null;
      const [is, word, fixed] =
        'required' in one
          ? [value !== null, 'empty', one.with ?? null]
          : 'atMost' in one
            ? [
                value === null || Array.from(value).length <= one.atMost,
                'too long',
                Array.from(value ?? '')
                  .slice(0, one.atMost)
                  .join(''),
              ]
            : 'range' in one
              ? [
                  value === null || (Number(value) >= Number(one.from ?? -Infinity) && Number(value) <= Number(one.to ?? Infinity)),
                  'out of range',
                  null,
                ]
              : 'oneOf' in one
                ? [value === null || one.oneOf.includes(value), 'not among the values', null]
                : 'matches' in one
                  ? [value === null || new RegExp(one.matches, 'u').test(value), 'not as the pattern has it', null]
                  : 'rejects' in one
                    ? [value === null || !new RegExp(one.rejects, 'u').test(value), 'not as the pattern has it', null]
                    : [holds(one.check, row) !== false, 'does not hold', null];
      if (is) continue;
      const looked = Array.from(new Set(columnsValidated(one)), (other) => row[other] ?? null);
      if ((severity === 'hold' || severity === 'stop') && waives?.(name, looked) === true) {
        notes.push({ reason: `accepted: ${name}`, column, rule: name, severity: 'warn' });
        continue;
      }
      const reason = severity === 'fix' ? ('atMost' in one ? 'cut' : 'required' in one ? 'filled in' : 'left empty') : word;
      (severity === 'hold' || severity === 'stop' ? problems : notes).push({
        reason: `${reason}: ${name}`,
        column,
        rule: name,
        severity,
      });
      if (severity === 'fix') row[column] = fixed;
    }
    const values: Row = compiled.columns.map((column) => row[column] ?? null);
    return problems.length > 0 ? { problems } : { values, notes };
  }
}

/** Of a column of rows that are in order, over values of the random rules: all that is said of them in one sort. */
function survivor(how: Survivor, parts: readonly Row[], place: number): { readonly value: string | null; readonly from: number | null } {
  const found = parts.flatMap((part, from) => (part[place] == null ? [] : [{ value: part[place], from }]));
  const values = [...new Set(found.map(({ value }) => value))];
  if (typeof how === 'object' && 'text' in how) return { value: values.length === 0 ? null : values.join(how.text), from: null };
  if (typeof how === 'object' && 'array' in how) {
    const quoted = values.map((value) => (how.array === 'json' ? JSON.stringify(value) : `"${value.replace(/["\\]/gu, '\\$&')}"`));
    return { value: how.array === 'json' ? `[${quoted.join(', ')}]` : `{${quoted.join(',')}}`, from: null };
  }
  const rank = ({ value, from }: (typeof found)[number]): readonly number[] => {
    if (how === 'first') return [from];
    if (how === 'last') return [-from];
    if (how === 'longest') return [-Array.from(value).length, from];
    if (how === 'most-frequent') return [-found.filter((one) => one.value === value).length, from];
    const number = /^\d+$/u.test(value) ? Number(value) : null;
    return [number === null ? 1 : 0, (number ?? 0) * ('least' in how ? 1 : -1), from];
  };
  const [best] = found.toSorted((a, b) => {
    const [x, y] = [rank(a), rank(b)];
    const at = x.findIndex((one, index) => one !== y[index]);
    return at === -1 ? 0 : (x[at] as number) - (y[at] as number);
  });
  return best ?? { value: null, from: -1 };
}

/** Null: nobody can say. */
function holds(comparison: Comparison, row: NamedRow): boolean | null {
  if ('compare' in comparison) {
    const [a, b] = [row[comparison.left] ?? null, row[comparison.right] ?? null];
    if (a === null || b === null) return null;
    const difference = comparison.compare === 'number' ? Number(a) - Number(b) : Buffer.compare(Buffer.from(a), Buffer.from(b));
    return {
      '<': difference < 0,
      '<=': difference <= 0,
      '=': difference === 0,
      '<>': difference !== 0,
      '>=': difference >= 0,
      '>': difference > 0,
    }[comparison.is];
  }
  if ('value' in comparison) {
    const value = row[comparison.value] ?? null;
    return value === null && !comparison.in.includes(null) ? null : comparison.in.includes(value);
  }
  if ('not' in comparison) {
    const inner = holds(comparison.not, row);
    return inner === null ? null : !inner;
  }
  const all = ('all' in comparison ? comparison.all : comparison.any).map((one) => holds(one, row));
  if ('all' in comparison) return all.includes(false) ? false : all.includes(null) ? null : true;
  return all.includes(true) ? true : all.includes(null) ? null : false;
}
