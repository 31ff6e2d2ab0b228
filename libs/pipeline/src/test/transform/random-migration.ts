import type { ForeignKey, TableSchema } from '@changeover/events';
import { isReference, parseMapping, referenceName, type Mapping, type TableRule } from '@changeover/mapping';
import fc from 'fast-check';

import { chance } from './choices.js';
import type { Chances } from './scene.js';
import { changesOf, putInto, VALUES, type Change } from '../random-changes.js';
import { compositeTable, CONVERTERS, referenceBy, referringRules, rulesOver, simpleTable, type TableShape } from '../random-rules.js';

/** A table of the source: `key` empty where its rows have none. */
export type SourceTableSpec = TableShape & {
  readonly identity: TableSchema['identity'];
  readonly foreignKeys: readonly ForeignKey[];
};

/** What happens to a table's form, or without one, so that its rows are copied again. `hidden` goes without row events. */
export type Alteration = {
  /**
   * `column`: one that starts as null. `default`: one that starts with a value. `rewrite`: other rows behind the same columns. `constraint`: back and forth
   * between two forms. `drop`: a column that nobody uses. `rejoin`: no other form, but for a while nobody listened. `leave`: nobody listens from here
   * on; where nobody does already, somebody does again.
   */
  readonly what: 'column' | 'default' | 'rewrite' | 'constraint' | 'drop' | 'rejoin' | 'leave';
  readonly table: string;
  readonly hidden: readonly Change[];
};

export type SourceStep =
  | { readonly do: 'transaction'; readonly changes: readonly Change[] }
  | { readonly do: 'alter'; readonly alteration: Alteration }
  /** The later table comes, with these rows. */
  | { readonly do: 'create'; readonly rows: readonly Change[] }
  | { readonly do: 'barrier' }
  /** The other of the two mappings comes into force. */
  | { readonly do: 'activate' }
  | { readonly do: 'decide'; readonly decisions: readonly DecisionStep[] };

/** Rows that are there are named by their place among them, corrections by theirs. `from`: now, what the row holds then. */
export type DecisionStep =
  | {
      readonly how: 'correct';
      readonly table: string;
      readonly row: number;
      readonly column: string;
      readonly from: string | null | typeof NOW;
      readonly to: string | null;
    }
  /** Some of the rows that rules of validation hold, from one of them on; `now`: for what they look at then. */
  | { readonly how: 'accept'; readonly row: number; readonly rows: number; readonly now: boolean }
  /** `what`: only of these, where there are any. */
  | { readonly how: 'withdraw'; readonly what: 'correct' | 'accept'; readonly correction: number };

export const NOW = Symbol('now');

/** A source, what is made of it, and all that happens there. Not in here: how and when the log hears of it. */
export type Migration = {
  readonly tables: readonly SourceTableSpec[];
  /** Not there at first. */
  readonly later: SourceTableSpec;
  readonly mapping: Mapping;
  /** Another one, which may take its place. */
  readonly other: Mapping;
  /** The rows that were there before anybody listened. */
  readonly before: readonly Change[];
  readonly steps: readonly SourceStep[];
};

/** In the middle, so that the others move when it goes. */
const UNUSED = 'extra';

const withUnused = ({ columns: [first, ...rest], ...shape }: TableShape): TableShape => ({
  ...shape,
  columns: [first as string, UNUSED, ...rest],
});

const KEYLESS: TableShape = { ...withUnused(simpleTable('public.k')), key: [] };

/** Of the target: rules look its rows up. */
const REFERRED: TableShape = simpleTable(referenceName('crm.r'));

const keyed: fc.Arbitrary<readonly TableShape[]> = fc
  .tuple(fc.integer({ min: 1, max: 3 }), fc.array(fc.constantFrom('simple', 'simple', 'composite'), { minLength: 3, maxLength: 3 }))
  .map(([count, kinds]) =>
    ['public.a', 'public.b', 'public.c']
      .slice(0, count)
      .map((name, index) => withUnused(kinds[index] === 'composite' ? compositeTable(name) : simpleTable(name))),
  );

/** Over `p` or `q`; now and then to columns that are no key. */
const foreignKeys = (tables: readonly TableShape[]): fc.Arbitrary<readonly ForeignKey[]> =>
  fc.array(
    fc
      .record({ to: fc.constantFrom(...tables), by: fc.constantFrom('p', 'q'), how: fc.constantFrom('plain', 'plain', 'turned', 'odd') })
      .map(({ to, by, how }) => {
        if (how === 'odd') return { columns: [by], table: to.name, keyColumns: ['v'] };
        const columns = referenceBy(to, by, (column) => column);
        return how === 'plain'
          ? { columns, table: to.name, keyColumns: to.key }
          : { columns: columns.toReversed(), table: to.name, keyColumns: to.key.toReversed() };
      }),
    { maxLength: 2 },
  );

const specOf = (shape: TableShape, others: readonly TableShape[]): fc.Arbitrary<SourceTableSpec> =>
  fc
    .record({
      identity: fc.constantFrom('key', 'key', 'key', 'full', 'none'),
      foreignKeys: foreignKeys(others),
    })
    .map(({ identity, foreignKeys: keys }): SourceTableSpec => ({
      ...shape,
      identity: identity,
      foreignKeys: keys,
    }));

const passes = (names: readonly string[]): fc.Arbitrary<Mapping['tables']> =>
  fc.subarray([...names]).chain((chosen) =>
    fc.tuple(...chosen.map(() => fc.record({ renamed: fc.boolean(), columns: fc.boolean() }))).map((how) =>
      Object.fromEntries(
        chosen.map((name, index) => {
          const { renamed, columns } = how[index] as { readonly renamed: boolean; readonly columns: boolean };
          return [
            name,
            { ...(renamed ? { to: `crm.p_${name.slice(-1)}` } : {}), ...(columns ? { columns: { v: 'value', p: 'parent' } } : {}) },
          ];
        }),
      ),
    ),
  );

const mappingOf = (shapes: readonly TableShape[], names: readonly string[]): fc.Arbitrary<Mapping> => {
  const any = rulesOver(shapes, { twice: true, shared: true, merged: true, referred: [REFERRED] });
  const at = (place: number): TableShape => shapes[place % shapes.length] as TableShape;
  // What makes their rows is told by one column.
  const referring = shapes.every(({ key }) => key.length === 1) ? referringRules([at(0), at(1), at(2)]) : any;
  const rules = fc.oneof({ weight: 1, arbitrary: fc.constant([]) }, { weight: 5, arbitrary: any }, { weight: 1, arbitrary: referring });
  return fc.record({ tables: passes(names), rules }).map((input) => parseMapping(input, CONVERTERS));
};

function stepsOf(
  tables: readonly SourceTableSpec[],
  later: SourceTableSpec,
  mappings: readonly Mapping[],
): fc.Arbitrary<readonly SourceStep[]> {
  const change = changesOf([...tables, later]);
  // What passes must keep its columns.
  const passed = (name: string): boolean => mappings.some(({ rules, tables: passing }) => rules.length === 0 || name in passing);
  const alteration = fc.constantFrom(...tables.filter(({ name }) => !isReference(name))).chain(({ name, key }) => {
    const harmless = ['column', 'constraint', ...(passed(name) ? [] : ['drop', 'drop'])];
    // Without a key nothing can be copied.
    const copied = key.length === 0 ? [] : ['default', 'rewrite', 'rewrite', 'rejoin', 'leave'];
    return (
      fc
        .record({
          what: fc.constantFrom(...([...harmless, ...copied] as Alteration['what'][])),
          hidden: fc.array(changesOf(tables.filter((table) => table.name === name)), { maxLength: 4 }),
        })
        // Only these change rows without a word.
        .map(({ what, hidden }): Alteration => ({ what, table: name, hidden: ['rewrite', 'rejoin', 'leave'].includes(what) ? hidden : [] }))
    );
  });
  const create = fc.array(putInto([later]), { maxLength: 4 }).map((rows) => ({ do: 'create' as const, rows }));
  const correct = fc
    .record({
      table: fc.constantFrom(...tables.map(({ name }) => name), later.name),
      row: fc.nat({ max: 11 }),
      column: fc.constantFrom('v', 'v', 'v', 'p', 'q', 'f', 'n', 'id', 'extra'),
      now: fc.integer({ min: 0, max: 3 }).map((one) => one > 0),
    })
    .chain(({ now, ...where }) => {
      const values = VALUES[where.column] as fc.Arbitrary<string | null>;
      return fc.record({ how: fc.constant('correct' as const), ...constants(where), from: now ? fc.constant(NOW) : values, to: values });
    });
  const withdraw = fc.record({
    how: fc.constant('withdraw' as const),
    what: fc.constantFrom('correct', 'accept'),
    correction: fc.nat({ max: 11 }),
  });
  const accept = fc.record({
    how: fc.constant('accept' as const),
    row: fc.nat({ max: 11 }),
    rows: fc.integer({ min: 1, max: 8 }),
    now: fc.integer({ min: 0, max: 5 }).map((one) => one !== 0),
  });
  const decision = fc.oneof({ weight: 4, arbitrary: correct }, { weight: 12, arbitrary: accept }, { weight: 2, arbitrary: withdraw });
  return fc.array(
    fc.oneof(
      {
        weight: 8,
        arbitrary: fc.array(decision, { minLength: 1, maxLength: 4 }).map((decisions) => ({ do: 'decide' as const, decisions })),
      },
      {
        weight: 20,
        arbitrary: fc
          .array(change, { minLength: 1, maxLength: 6, size: 'max' })
          .map((changes) => ({ do: 'transaction' as const, changes })),
      },
      { weight: 3, arbitrary: alteration.map((one) => ({ do: 'alter' as const, alteration: one })) },
      { weight: 1, arbitrary: create },
      { weight: 1, arbitrary: fc.constant({ do: 'barrier' as const }) },
      { weight: 2, arbitrary: fc.constant({ do: 'activate' as const }) },
    ),
    { maxLength: 20, size: 'max' },
  );
}

function constants<T extends object>(of: T): { [Name in keyof T]: fc.Arbitrary<T[Name]> } {
  return Object.fromEntries(Object.entries(of).map(([name, value]) => [name, fc.constant(value)])) as never;
}

/** Any other, or the same with one rule that takes less, or more. */
const otherThan = (mapping: Mapping, any: fc.Arbitrary<Mapping>): fc.Arbitrary<Mapping> => {
  const { rules } = mapping;
  if (rules.length === 0) return any;
  const values: readonly TableRule['columns'][string][] = [
    { column: 'v' },
    { convert: 'strict', input: { column: 'v' }, invalid: 'held' },
    { convert: 'strict', input: { column: 'v' }, invalid: 'empty' },
    { constant: 'same' },
  ];
  const altered = fc.tuple(fc.nat(rules.length - 1), fc.constantFrom(...values)).map(([changed, v]) => {
    const another = rules.map((rule, index) => (index === changed ? { ...rule, columns: { ...rule.columns, v } } : rule));
    return parseMapping({ tables: mapping.tables, rules: another }, CONVERTERS);
  });
  return fc.oneof(any, altered);
};

/** Rows without a key are not remembered: either mapping does the same with them. */
function withUnkeyedOf({ rules, tables }: Mapping, other: Mapping): Mapping {
  const { [KEYLESS.name]: _, ...others } = other.tables;
  if (rules.length === 0 || KEYLESS.name in tables)
    return parseMapping({ ...other, tables: { ...others, [KEYLESS.name]: tables[KEYLESS.name] ?? {} } }, CONVERTERS);
  // Without rules everything passes by.
  return other.rules.length === 0 ? parseMapping({ rules, tables }, CONVERTERS) : parseMapping({ ...other, tables: others }, CONVERTERS);
}

export const migrations: fc.Arbitrary<Migration> = keyed.chain((shapes) => {
  const laterShape = withUnused(simpleTable('public.z'));
  const names = [...shapes.map(({ name }) => name), laterShape.name, KEYLESS.name];
  return fc
    .record({
      specs: fc.tuple(...shapes.map((shape) => specOf(shape, shapes))),
      // Its rows may refer to each other; and to tables that cannot refer to it.
      later: specOf(laterShape, [laterShape, ...shapes]),
      // No rule reads it, and nothing refers to it.
      keyless: fc.option(fc.constantFrom('full' as const, 'full' as const, 'none' as const), { freq: 2 }),
      mapping: mappingOf(shapes, names),
    })
    .chain((drawn) =>
      otherThan(drawn.mapping, mappingOf(shapes, names)).map((other) => ({
        ...drawn,
        other: drawn.keyless === null ? other : withUnkeyedOf(drawn.mapping, other),
      })),
    )
    .chain(({ specs, later, keyless, mapping, other }) => {
      const referred: SourceTableSpec = { ...REFERRED, identity: 'key', foreignKeys: [] };
      const tables = [...specs, referred, ...(keyless === null ? [] : [{ ...KEYLESS, identity: keyless, foreignKeys: [] }])];
      return fc.record({
        tables: fc.constant(tables),
        later: fc.constant(later),
        mapping: fc.constant(mapping),
        other: fc.constant(other),
        before: fc.array(putInto(tables), { maxLength: 20, size: 'max' }),
        steps: stepsOf(tables, later, [mapping, other]),
      });
    });
});

export const chances: fc.Arbitrary<Chances> = fc.record({
  limits: fc.record({
    maxQueuedBytes: fc.constantFrom(1, 5_000, 256 * 1024),
    maxStateBytes: fc.constantFrom(1, 200, 600, 3_000, 15_000),
    recordRows: fc.constantFrom(1, 2, 5, 100),
    roundRows: fc.constantFrom(1, 3, 100, 100, 100),
    partBytes: fc.constantFrom(40, 400, 512 * 1024),
  }),
  arrival: chance,
  other: chance,
  lives: chance,
});
