import {
  ConversionProblem,
  type Aggregate,
  type Check,
  type Comparison,
  type Converters,
  type Expression,
  type JoinRule,
  type Survivor,
  type TableRule,
  type ValidationRule,
} from '@changeover/mapping';
import fc from 'fast-check';

/** A source table whose rows rules read. Every one has the columns `p`, `q` (references), `v`, `f` (a flag) and `n` (a rank, or part of a reference). */
export type TableShape = { readonly name: string; readonly columns: readonly string[]; readonly key: readonly string[] };

const NAMESPACE = '6ba7b810-9dad-11d1-80b4-00c04fd430c8';
const DATA = ['p', 'q', 'v', 'f', 'n'];

export const simpleTable = (name: string): TableShape => ({ name, columns: ['id', ...DATA], key: ['id'] });
export const compositeTable = (name: string): TableShape => ({ name, columns: ['id', 'part', ...DATA], key: ['id', 'part'] });

/** One that fails, for some values. */
export const CONVERTERS: Converters = {
  strict: () => (text) => (text === 'bad' ? new ConversionProblem('bad value') : text.toUpperCase()),
};

type All = {
  readonly made: Aggregate;
  readonly atMost: number;
  readonly inner: { readonly table: TableShape; readonly on: string } | null;
};

/** Those of a mapping's own: one that throws for some values, gives no text for others, and takes nulls; one that is left empty where it fails. */
const OWN_FUNCTIONS: readonly Expression[] = [
  {
    custom: 'own',
    fn: "(v, p) => { if (v === 'bad') throw new Error(v); if (v === 'y') return { v }; return v === null ? null : `${v}/${p ?? ''}`; }",
    inputs: [{ column: 'v' }, { convert: 'strict', input: { column: 'p' }, invalid: 'held' }],
    invalid: 'held',
  },
  {
    custom: 'emptied',
    fn: "(q) => q === '1' ? q.repeat(-1) : q === null ? 'none' : q.split('').reverse().join('')",
    inputs: [{ column: 'q' }],
    invalid: 'empty',
  },
];

/** The last adds up what is no number. */
const AGGREGATES: readonly Aggregate[] = [
  { count: 'rows' },
  { count: { column: 'v' } },
  { sum: { column: 'n' } },
  { min: { column: 'v' } },
  { max: { column: 'n' } },
  { latest: { column: 'v' }, by: { column: 'n' } },
  { text: { concat: [{ column: 'v' }, { column: 'p' }], separator: '-' }, separator: ', ' },
  { array: { convert: 'strict', input: { column: 'v' }, invalid: 'empty' }, as: 'postgres' },
  { text: OWN_FUNCTIONS[1] as Expression, separator: '+' },
  { array: { column: 'v' }, as: 'json' },
  { sum: { column: 'v' } },
];

/** Numbers for what names rows. */
const SEQUENCE = { allocated: 'keys', start: 10, step: 3 } as const;

/** Some of them fail, for some values. */
const MADE: readonly Expression[] = [
  { constant: null },
  { stride: 3, offset: -1, input: { column: 'p' }, invalid: 'held' },
  { split: '\t', part: 2, input: { column: 'p' } },
  { ...SEQUENCE, input: { column: 'p' } },
  {
    when: [
      { if: { is: { column: 'f' }, in: ['N'] }, then: { convert: 'strict', input: { column: 'v' }, invalid: 'held' } },
      { if: { not: { is: { column: 'q' }, in: [null] } }, then: { constant: 'referring' } },
    ],
  },
  {
    object: {
      v: { column: 'v' },
      n: { json: 'number', input: { column: 'p' }, invalid: 'empty' },
      in: { array: [{ column: 'q' }], as: 'json' },
    },
  },
  { array: [{ column: 'p' }, { column: 'v' }], as: 'postgres' },
  ...OWN_FUNCTIONS,
  { field: ['a', 0], input: { concat: [{ constant: '{"a":["' }, { column: 'q' }, { constant: '"]}' }], separator: '' }, invalid: 'held' },
];

/** Each of them refuses some values. */
const CHECKS: readonly (Check & { readonly column: string })[] = [
  { column: 'q', required: true },
  { column: 'joined', required: true },
  { column: 'v', atMost: 2 },
  { column: 'joined', atMost: 1 },
  { column: 'v', oneOf: ['x', 'X', 'y', 'Y', 'BA', 'ba'] },
  { column: 'n', range: 'number', from: '1.5' },
  { column: 'p', matches: '^[12]' },
  { column: 'joined', rejects: '[xX]|^bad$' },
  { column: 'x', rejects: '[xX]' },
  { column: 'p', check: { compare: 'text', left: 'p', is: '<=', right: 'q' } },
  {
    column: 'v',
    check: {
      any: [
        { value: 'n', in: [null, '1'] },
        {
          not: {
            all: [
              { value: 'q', in: ['1', '2'] },
              { compare: 'text', left: 'p', is: '<>', right: 'q' },
            ],
          },
        },
      ],
    },
  },
];

/** Which rows want a unique value. */
const COUNTED: readonly Comparison[] = [
  { value: 'q', in: [null] },
  { not: { value: 'p', in: ['1'] } },
  {
    any: [
      { value: 'joined', in: [null] },
      { compare: 'text', left: 'p', is: '<', right: 'q' },
    ],
  },
];

const validations: fc.Arbitrary<readonly ValidationRule[]> = fc
  .array(fc.record({ check: fc.constantFrom(...CHECKS), severity: fc.constantFrom('fix', 'fix', 'warn', 'hold', 'hold', 'stop') }), {
    maxLength: 3,
  })
  .map((all) =>
    all.map(({ check, severity }, index): ValidationRule => {
      const instead = 'required' in check && severity === 'fix' ? { with: '2' } : {};
      return { ...check, ...instead, severity, name: `rule ${String(index)}` };
    }),
  );

/** A key cannot be fixed, nor a column emptied that must not be null: then they warn. What is required already is not asked for once more. */
function fixable({ validate = [], ...rule }: TableRule): TableRule {
  const { key, required = [] } = rule;
  const isRequired = (column: string): boolean => key.includes(column) || required.includes(column);
  const asked = validate.filter(
    (one, at) =>
      !('required' in one) ||
      (!isRequired(one.column) && validate.findIndex((other) => 'required' in other && other.column === one.column) === at),
  );
  const needed = [...required, ...asked.flatMap((one) => ('required' in one && one.severity !== 'warn' ? [one.column] : []))];
  const allowed = asked.map((one): ValidationRule => {
    const fixes =
      one.severity === 'fix' && !key.includes(one.column) && ('atMost' in one || 'required' in one || !needed.includes(one.column));
    return one.severity === 'fix' && !fixes ? { ...one, severity: 'warn' } : one;
  });
  return allowed.length === 0 ? rule : { ...rule, validate: allowed };
}

/** One row of many, which is read as one of them would be. With an `inner` table its text is of rows joined to these, and to those. */
function allOf({ made, atMost, inner }: All): NonNullable<JoinRule['all']> {
  const columns = { v: made, q: { max: { column: 'q' } }, f: { max: { column: 'f' } } };
  if (inner === null) return { columns, atMost };
  const joins = [
    {
      as: 'i',
      table: inner.table.name,
      on: { [inner.on]: { column: 'q' } },
      where: { is: { column: 'f' }, in: ['Y'] },
      order: [{ column: 'n' }],
    },
    { as: 'h', table: inner.table.name, on: { v: { column: 'v', of: 'i' } } },
  ];
  const value = { concat: [{ column: 'v', of: 'i' }, { column: 'p', of: 'h' }, { column: 'p' }], separator: '-' };
  return { joins, columns: { ...columns, v: { text: value, separator: ', ' } }, atMost };
}

/** What names a row of the table, from columns of another row. */
export function referenceBy<T>({ key }: TableShape, by: string, value: (column: string) => T): T[] {
  return key.map((column) => value(column === 'id' ? by : 'n'));
}

/** Where keys have several columns now and then rows share one. */
function numberOf({ key }: TableShape): Expression {
  return { ...SEQUENCE, input: { concat: key.map((column) => ({ column })), separator: '' } };
}

/** The target table that a rule for this table makes; `turn` tells apart several of the same table. */
const targetOf = (source: string, turn = ''): string => `crm.t_${source.slice(source.indexOf('.') + 1)}${turn}`;

/** One rule: filters, joins, parents, cycles and self references as it comes. */
function ruleFor(
  source: TableShape,
  target: string,
  {
    tables,
    parents,
    referred,
  }: { readonly tables: readonly TableShape[]; readonly parents: readonly string[]; readonly referred: readonly TableShape[] },
) {
  const shapeOf = (rule: string): TableShape => tables.find(({ name }) => rule.startsWith(targetOf(name))) as TableShape;
  return fc
    .record({
      joinTable: fc.constantFrom(...tables, ...referred),
      joinOn: fc.constantFrom('key', 'id', 'q', 'v'),
      joinBy: fc.constantFrom('p', 'q', 'v'),
      joined: fc.constantFrom('none', 'value', 'filter', 'chain'),
      made: fc.constantFrom(...MADE),
      all: fc.option(
        fc.record({
          made: fc.constantFrom(...AGGREGATES),
          atMost: fc.constantFrom(1, 2, 100),
          inner: fc.option(fc.record({ table: fc.constantFrom(...tables, ...referred), on: fc.constantFrom('id', 'v') }), { freq: 2 }),
        }),
        { freq: 2 },
      ),
      joinWhere: fc.boolean(),
      where: fc.boolean(),
      parents: fc.uniqueArray(fc.record({ parent: fc.constantFrom(...parents), by: fc.constantFrom('p', 'q') }), {
        maxLength: 1,
        selector: ({ parent, by }) => `${parent} ${by}`,
      }),
      unique: fc.constantFrom(null, 'empty', 'held'),
      counted: fc.constantFrom(undefined, ...COUNTED),
      ordered: fc.constantFrom('none', 'up', 'down'),
      strict: fc.constantFrom(null, 'held', 'empty'),
      required: fc.boolean(),
      whileHeld: fc.constantFrom('last', 'none'),
      key: fc.constantFrom('own', 'own', 'own', 'own', 'other', 'uuid', 'number'),
      validate: fc.oneof({ weight: 1, arbitrary: fc.constant([]) }, { weight: 2, arbitrary: validations }),
    })
    .map((shape): TableRule => {
      const value = { column: 'v' } as const;
      const key = { own: source.key, other: ['q'], uuid: ['u'], number: ['u'] }[shape.key];
      const hasJoin = shape.joined !== 'none';
      const { joinTable, joinBy, joinOn } = shape;
      const on =
        joinOn === 'key'
          ? joinTable.key.map((column) => [column, { column: column === 'id' ? joinBy : 'n' }] as const)
          : [[joinOn, { column: joinBy }] as const];
      return fixable({
        source: source.name,
        target,
        ...(hasJoin
          ? {
              joins: [
                {
                  as: 'j',
                  table: joinTable.name,
                  on: Object.fromEntries(on),
                  order: [{ column: 'n' }],
                  ...(shape.joinWhere ? { where: { is: { column: 'f' }, in: ['Y'] } } : {}),
                  ...(shape.all === null ? {} : { all: allOf(shape.all) }),
                },
                ...(shape.joined === 'chain' ? [{ as: 'k', table: source.name, on: { id: { column: 'q', of: 'j' } } }] : []),
              ],
            }
          : {}),
        ...(shape.where ? { where: { is: { column: 'f', ...(shape.joined === 'filter' ? { of: 'j' } : {}) }, in: ['Y'] } } : {}),
        columns: {
          ...Object.fromEntries([...source.key, 'p', 'q', 'n'].map((column) => [column, { column }])),
          v: shape.strict === null ? value : { convert: 'strict', input: value, invalid: shape.strict },
          x: shape.made,
          u: shape.key === 'number' ? numberOf(source) : { uuid: NAMESPACE, input: { column: 'q' } },
          joined: hasJoin ? { column: 'v', of: shape.joined === 'chain' ? 'k' : 'j' } : { constant: null },
        },
        key,
        // A key that is null names no row.
        required: [...(shape.required ? ['v'] : []), ...(shape.key === 'own' ? [] : key)],
        requires: shape.parents.map(({ parent, by }) => ({ parent, key: referenceBy(shapeOf(parent), by, (column) => ({ column })) })),
        ...(shape.unique === null
          ? {}
          : {
              unique: [
                {
                  columns: ['v'],
                  ...(shape.counted === undefined ? {} : { where: shape.counted }),
                  otherwise: shape.required ? 'held' : shape.unique,
                  order: shape.ordered === 'none' ? [] : [{ column: 'n', descending: shape.ordered === 'down' }],
                },
              ],
            }),
        whileHeld: shape.whileHeld,
        validate: shape.validate,
      });
    });
}

/** A rule whose rows are made of many, where rows often match: of a link table to it, and of the table behind that. */
export function gatheringRule([driving, link, behind]: readonly [TableShape, TableShape, TableShape]): fc.Arbitrary<TableRule> {
  const accepted = { is: { column: 'f' }, in: ['Y'] };
  return fc
    .record({
      made: fc.constantFrom(...AGGREGATES),
      atMost: fc.constantFrom(1, 2, 100),
      inner: fc.constantFrom(null, { table: behind, on: 'id' }),
      joinWhere: fc.boolean(),
      where: fc.constantFrom(undefined, accepted, { is: { column: 'f', of: 'j' }, in: ['Y'] }),
      whileHeld: fc.constantFrom('last', 'none'),
    })
    .map(({ joinWhere, where, whileHeld, ...all }) => ({
      source: driving.name,
      target: targetOf(driving.name),
      joins: [
        {
          as: 'j',
          table: link.name,
          on: { p: { column: 'id' } },
          order: [{ column: 'n', descending: true }],
          ...(joinWhere ? { where: accepted } : {}),
          all: allOf(all),
        },
      ],
      ...(where === undefined ? {} : { where }),
      columns: { id: { column: 'id' }, joined: { column: 'v', of: 'j' } },
      key: ['id'],
      whileHeld,
    }));
}

/**
 * Rules whose rows often have the keys of others, which often change: of the first table's, which are merged now and then, by the second's; and of the third's by the first's. The rows of either
 * are held now and then, and stay.
 */
export function referringRules([referred, driving, third]: readonly [TableShape, TableShape, TableShape]): fc.Arbitrary<
  readonly TableRule[]
> {
  const strict = { convert: 'strict', input: { column: 'v' }, invalid: 'held' } as const;
  const ofThird = { parent: 'crm.tc', key: [{ column: 'q' }] };
  return fc
    .record({
      by: fc.option(fc.constantFrom(...MERGE_KEYS), { freq: 3 }),
      descending: fc.boolean(),
      atMost: fc.constantFrom(2, 100, 100),
      r: fc.constantFrom('first', 'last'),
      key: fc.constantFrom('id', 'id', 'v', 'u'),
      value: fc.constantFrom({ column: 'v' }, strict),
      referring: fc.boolean(),
      required: fc.boolean(),
      unique: fc.boolean(),
    })
    .map(({ by, descending, atMost, r, key, value, referring, required, unique }): readonly TableRule[] => {
      const name = by === null ? {} : { name: 'one' };
      const ofFirst = { ...(by === null ? {} : { rule: 'one' }), key: [{ column: 'p' }] };
      return [
        {
          source: referred.name,
          target: 'crm.ta',
          ...name,
          columns: {
            id: { column: 'id' },
            q: { column: 'q' },
            v: value,
            u: { concat: [{ column: 'v' }, { column: 'id' }], separator: '-' },
            r: referring ? { keyOf: 'crm.tc', key: ofThird.key, keyColumn: 'k' } : { constant: null },
          },
          key: [key],
          required: ['v'],
          requires: referring ? [ofThird] : [],
          ...(by === null ? {} : { merge: { by, order: [{ column: 'n', descending }], columns: { r }, atMost } }),
        },
        {
          source: driving.name,
          target: 'crm.tb',
          columns: { id: { column: 'id' }, p: { column: 'p' }, v: strict, r: { keyOf: 'crm.ta', ...ofFirst, keyColumn: key } },
          key: ['id'],
          required: required ? ['r'] : [],
          requires: [{ parent: 'crm.ta', ...ofFirst }],
          unique: unique ? [{ columns: ['v'], otherwise: 'empty' }] : [],
        },
        {
          source: third.name,
          target: 'crm.tc',
          columns: { k: { concat: [{ column: 'v' }, { column: 'id' }], separator: '' } },
          key: ['k'],
        },
      ];
    });
}

/** By `v` rows are often merged, and change what they are merged with; by `q` as well. */
const MERGE_KEYS: readonly Expression[] = [
  { column: 'v' },
  { column: 'v' },
  { convert: 'strict', input: { column: 'v' }, invalid: 'empty' },
  { column: 'q' },
];
const SURVIVORS: readonly Survivor[] = [
  'first',
  'last',
  'longest',
  'most-frequent',
  { least: 'number' },
  { greatest: 'number' },
  { text: '|' },
  { array: 'json' },
  { array: 'postgres' },
];

/** Rows of these rules are merged: of one alone, or of two that make one table. */
const merges = fc.record({
  by: fc.tuple(fc.constantFrom(...MERGE_KEYS), fc.constantFrom(...MERGE_KEYS)),
  ordered: fc.constantFrom('none', 'up', 'down'),
  columns: fc.dictionary(fc.constantFrom('p', 'q', 'n', 'v', 'x', 'joined'), fc.constantFrom(...SURVIVORS), { maxKeys: 4 }),
  atMost: fc.constantFrom(2, 2, 100),
});

/** The rules for the first rule's target get this; what is asked of a merged row they have in common. */
function merging(
  rules: readonly TableRule[],
  merge: typeof merges extends fc.Arbitrary<infer Merges> ? Merges : never,
): readonly TableRule[] {
  const [first] = rules as readonly [TableRule];
  const { name = 'one', required = [], validate = [], whileHeld = 'last' } = first;
  const order = merge.ordered === 'none' ? {} : { order: [{ column: 'n', descending: merge.ordered === 'down' }] };
  let turn = 0;
  return rules.map((rule) => {
    const requires = (rule.requires ?? []).map((one) => (one.parent === first.target ? { ...one, rule: one.rule ?? name } : one));
    if (rule.target !== first.target) return { ...rule, requires };
    const by = merge.by[turn++] as Expression;
    const merged = { by, ...order, columns: merge.columns, atMost: merge.atMost };
    return { ...rule, name: rule.name ?? name, requires, required, validate, whileHeld, merge: merged };
  });
}

/** A column has the key of the row that is required, where `p` names that; of merged rows now and then the last one's. */
function referring(rules: readonly TableRule[]): readonly TableRule[] {
  return rules.map((rule) => {
    const { name, columns, required = [], requires = [], merge } = rule;
    const [first] = requires;
    const maker = rules.find((one) => one.target === first?.parent && one.name === first.rule);
    const isNamed = first !== undefined && JSON.stringify(first.key).includes('"p"');
    const last = merge?.order?.[0]?.descending === true && { merge: { ...merge, columns: { ...merge.columns, r: 'last' as const } } };
    if (!isNamed || maker === undefined) return { ...rule, ...last, columns: { ...columns, r: { constant: null } } };
    const { parent, ...named } = first;
    // Rows that are held for this want nothing.
    const needed = name === undefined && required.includes('v') && { required: [...required, 'r'] };
    return { ...rule, ...last, ...needed, columns: { ...columns, r: { keyOf: parent, ...named, keyColumn: maker.key[0] as string } } };
  });
}

/** Rules for some of the tables (with `twice`, now and then two for one), over all of them. With `shared` now and then two make one table: of sources with the same columns. With `merged` rows of the first are merged now and then. */
export function rulesOver(
  tables: readonly TableShape[],
  options: {
    readonly atLeast?: number;
    readonly twice?: boolean;
    readonly shared?: boolean;
    readonly merged?: boolean;
    /** Tables of the target, which are joined and make no rows. */
    readonly referred?: readonly TableShape[];
  } = {},
): fc.Arbitrary<readonly TableRule[]> {
  const { referred = [] } = options;
  return fc
    .tuple(
      fc.subarray([...tables], { minLength: options.atLeast ?? 1 }),
      options.twice === true ? fc.integer({ max: 2, min: 0 }) : fc.constant(0),
    )
    .chain(([sources, again]) => {
      const made = [
        ...sources.map((source) => ({ source, target: targetOf(source.name) })),
        ...sources.slice(0, again === 2 ? 1 : 0).map((source) => ({ source, target: targetOf(source.name, '2') })),
      ];
      const targets = made.map(({ target }) => target);
      const rules = fc.tuple(...made.map(({ source, target }) => ruleFor(source, target, { tables, parents: targets, referred })));
      const shared = options.shared === true ? fc.tuple(rules, fc.boolean()).map(([all, one]) => (one ? intoOne(all) : all)) : rules;
      if (options.merged !== true) return shared.map(referring);
      return fc.tuple(shared, fc.option(merges, { freq: 2 })).map(([all, merge]) => referring(merge === null ? all : merging(all, merge)));
    });
}

/** The first two make rows of one table, where their columns are the same; `rule` says which of them made a row. */
function intoOne(rules: readonly TableRule[]): readonly TableRule[] {
  const [one, two, ...others] = rules;
  if (one === undefined || two === undefined || Object.keys(one.columns).join() !== Object.keys(two.columns).join()) return rules;
  const names = new Map([
    [one.target, 'one'],
    [two.target, 'two'],
  ]);
  const { target, key, required = [], unique = [] } = one;
  const [first, second] = [
    { ...one, name: 'one', columns: { ...one.columns, rule: { constant: 'one' } } },
    { ...two, name: 'two', columns: { ...two.columns, rule: { constant: 'two' } }, target, key, required, unique },
  ];
  return [fixable(first), fixable(second), ...others].map((rule) => ({
    ...rule,
    requires: (rule.requires ?? []).map((parent) => {
      const name = names.get(parent.parent);
      return name === undefined ? parent : { ...parent, parent: target, rule: name };
    }),
  }));
}
