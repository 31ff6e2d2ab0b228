import { ConversionProblem, type Converters, type TableRule } from '@changeover/mapping';
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

/** What names a row of the table, from columns of another row. */
export function referenceBy<T>({ key }: TableShape, by: string, value: (column: string) => T): T[] {
  return key.map((column) => value(column === 'id' ? by : 'n'));
}

/** The target table that a rule for this table makes; `turn` tells apart several of the same table. */
const targetOf = (source: string, turn = ''): string => `crm.t_${source.slice(source.indexOf('.') + 1)}${turn}`;

/** One rule: filters, joins, parents, cycles and self references as it comes. */
function ruleFor(source: TableShape, target: string, tables: readonly TableShape[], parents: readonly string[]) {
  const shapeOf = (rule: string): TableShape => tables.find(({ name }) => rule.startsWith(targetOf(name))) as TableShape;
  return fc
    .record({
      joinTable: fc.constantFrom(...tables),
      joinOn: fc.constantFrom('key', 'id', 'q', 'v'),
      joinBy: fc.constantFrom('p', 'q', 'v'),
      joined: fc.constantFrom('none', 'value', 'filter', 'chain'),
      joinWhere: fc.boolean(),
      where: fc.boolean(),
      parents: fc.uniqueArray(fc.record({ parent: fc.constantFrom(...parents), by: fc.constantFrom('p', 'q') }), {
        maxLength: 1,
        selector: ({ parent, by }) => `${parent} ${by}`,
      }),
      unique: fc.constantFrom(null, 'empty', 'held'),
      ordered: fc.constantFrom('none', 'up', 'down'),
      strict: fc.constantFrom(null, 'held', 'empty'),
      required: fc.boolean(),
      whileHeld: fc.constantFrom('last', 'none'),
      key: fc.constantFrom('own', 'own', 'own', 'own', 'other', 'uuid'),
    })
    .map((shape): TableRule => {
      const value = { column: 'v' } as const;
      const key = { own: source.key, other: ['q'], uuid: ['u'] }[shape.key];
      const hasJoin = shape.joined !== 'none';
      const { joinTable, joinBy, joinOn } = shape;
      const on =
        joinOn === 'key'
          ? joinTable.key.map((column) => [column, { column: column === 'id' ? joinBy : 'n' }] as const)
          : [[joinOn, { column: joinBy }] as const];
      return {
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
                },
                ...(shape.joined === 'chain' ? [{ as: 'k', table: source.name, on: { id: { column: 'q', of: 'j' } } }] : []),
              ],
            }
          : {}),
        ...(shape.where ? { where: { is: { column: 'f', ...(shape.joined === 'filter' ? { of: 'j' } : {}) }, in: ['Y'] } } : {}),
        columns: {
          ...Object.fromEntries([...source.key, 'p', 'q', 'n'].map((column) => [column, { column }])),
          v: shape.strict === null ? value : { convert: 'strict', input: value, invalid: shape.strict },
          u: { uuid: NAMESPACE, input: { column: 'q' } },
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
                  otherwise: shape.required ? 'held' : shape.unique,
                  order: shape.ordered === 'none' ? [] : [{ column: 'n', descending: shape.ordered === 'down' }],
                },
              ],
            }),
        whileHeld: shape.whileHeld,
      };
    });
}

/** Rules for some of the tables (with `twice`, now and then two for one), over all of them. */
export function rulesOver(
  tables: readonly TableShape[],
  options: { readonly atLeast?: number; readonly twice?: boolean } = {},
): fc.Arbitrary<readonly TableRule[]> {
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
      return fc.tuple(...made.map(({ source, target }) => ruleFor(source, target, tables, targets)));
    });
}
