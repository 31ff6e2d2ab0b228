import type {
  ColumnCondition,
  ProposedColumn,
  ProposedJoin,
  ProposedRule,
  ProposedSource,
  ProposedUnique,
  Proposal,
} from '@changeover/analysis';

import { commented, propertyName, quotedText } from '../introspect/quoted-text.js';

/** What stands before a line that somebody has to decide. */
const OPEN = 'TODO';

const WIDTH = 110;

/** Words that are no names in TypeScript, and names that the file uses itself. */
const TAKEN = [
  'map',
  'is',
  'all',
  'mapping',
  'unchecked',
  'constant',
  'concat',
  'enumeration',
  'boolean',
  'country',
  'date',
  'email',
  'htmlEntities',
  'phone',
  'timestamp',
  'trim',
];
const RESERVED =
  /^(?:break|case|catch|class|const|continue|debugger|default|delete|do|else|enum|export|extends|false|finally|for|function|if|implements|import|in|instanceof|interface|let|new|null|package|private|protected|public|return|static|super|switch|this|throw|true|try|typeof|var|void|while|with|yield|await|async|any|not|first|convert)$/u;

/** The proposal as a mapping file that compiles against the types of `changeover introspect`, each line with what speaks for it. */
export function renderMapping(proposal: Proposal): string {
  const names = new Names();
  const rules = proposal.rules.map((rule) => renderRule(rule, names));
  const body = rules.map(({ text }) => text).join('\n\n');
  const used = (from: readonly string[]): readonly string[] => from.filter((name) => new RegExp(`\\b${name}\\(`, 'u').test(body));
  const fromMapping = [
    ...used(['all', 'concat', 'constant']),
    'defineMapping',
    ...used(['is']),
    ...(rules.length === 0 ? [] : ['mapping']),
    ...used(['unchecked']),
  ];
  const fromCleaning = used(['boolean', 'country', 'date', 'email', 'enumeration', 'htmlEntities', 'phone', 'timestamp', 'trim']);
  const left = [
    ...proposal.targetsLeft.map((table) => `// ${OPEN} ${commented(table)}: nothing was found that becomes it.`),
    ...proposal.sourcesLeft.map(
      ({ table, joined }) =>
        `// ${joined ? '' : `${OPEN} `}${commented(table)}: ${joined ? 'read by joins alone.' : 'nothing is made of it.'}`,
    ),
  ];
  return `${[
    '// A first mapping, proposed by `changeover analyze`: go through it line by line. What stands above a column says why it is there.',
    `// Lines with ${OPEN} need a decision. Types: \`changeover introspect --out types.ts\`.`,
    `import { ${fromMapping.join(', ')} } from '@changeover/mapping';`,
    ...(fromCleaning.length === 0 ? [] : [`import { ${fromCleaning.join(', ')} } from '@changeover/cleaning';`]),
    ...(rules.length === 0 ? [] : [`import type { Source, Target } from './types.js';`, '', 'const map = mapping<Source, Target>();']),
    ...(left.length === 0 ? [] : ['', ...left]),
    '',
    ...(body === '' ? [] : [body, '']),
    'export default defineMapping({',
    `  rules: [${rules.map(({ name }) => name).join(', ')}],`,
    '});',
  ].join('\n')}\n`;
}

type RenderedRule = { readonly name: string; readonly text: string };

function renderRule(rule: ProposedRule, names: Names): RenderedRule {
  const row = names.fresh(`${bare(rule.source)}_row`);
  const rowOf = new Map<string | undefined, string>([[undefined, row]]);
  const joins = rule.joins.flatMap((join) => {
    const name = names.fresh(`${bare(rule.target)}_${join.as}`);
    const lines = renderJoin(join, name, rowOf);
    rowOf.set(join.as, name);
    return lines;
  });
  const name = names.fresh(`to_${bare(rule.target)}`);
  const read = ({ column, of }: ProposedSource): string => `${rowOf.get(of) ?? row}(${quotedText(column)})`;
  const where = rule.where;
  const required = rule.columns.filter((column) => column.required && !rule.key.includes(column.target)).map(({ target }) => target);
  return {
    name,
    text: [
      `// ${commented(rule.source)} → ${commented(rule.target)}: ${commented(rule.because)}.`,
      ...(rule.left.length === 0 ? [] : [`// ${OPEN} Nothing is made of ${commented(rule.left.join(', '))}.`]),
      `const ${row} = map.from(${quotedText(rule.source)});`,
      ...joins,
      `const ${name} = map.table(${quotedText(rule.target)}, {`,
      `  from: ${row},`,
      ...(where === null ? [] : [`  // ${commented(where.because)}`, `  where: ${condition(where, (column) => read({ column }))},`]),
      '  columns: {',
      ...rule.columns.flatMap((column) => renderColumn(column, read)),
      '  },',
      `  key: [${rule.key.map(quotedText).join(', ')}],`,
      ...(required.length === 0 ? [] : [`  required: [${required.map(quotedText).join(', ')}],`]),
      ...(rule.requires.length === 0
        ? []
        : [
            '  requires: [',
            ...rule.requires.map(({ parent, key }) => `    { parent: ${quotedText(parent)}, key: [${key.map(read).join(', ')}] },`),
            '  ],',
          ]),
      ...(rule.unique.length === 0 ? [] : ['  unique: [', ...rule.unique.flatMap(renderUnique), '  ],']),
      '});',
    ].join('\n'),
  };
}

function renderJoin(
  { as, table, on, where, latest, because, open }: ProposedJoin,
  name: string,
  rowOf: ReadonlyMap<string | undefined, string>,
): readonly string[] {
  const row = rowOf.get(undefined) ?? '';
  const equal = on.map(({ column, equals, of }) => `${propertyName(column)}: ${rowOf.get(of) ?? row}(${quotedText(equals)})`);
  const conditions = where.map((one) => condition(one, (column) => `joined(${quotedText(column)})`));
  const [only] = conditions;
  const test = conditions.length > 1 ? `all(${conditions.join(', ')})` : only;
  return [
    ...comment('', because, open),
    `const ${name} = ${row}.join(${quotedText(as)}, ${quotedText(table)}, {`,
    `  on: { ${equal.join(', ')} },`,
    ...(test === undefined ? [] : [`  where: (joined) => ${test},`]),
    ...(latest === undefined ? [] : [`  order: [{ column: ${quotedText(latest)}, descending: true }],`]),
    '});',
  ];
}

function condition({ column, values }: ColumnCondition, read: (column: string) => string): string {
  return `is(${read(column)}, ${values.map((value) => (value === null ? 'null' : quotedText(value))).join(', ')})`;
}

function renderColumn(column: ProposedColumn, read: (source: ProposedSource) => string): readonly string[] {
  const { target, because, open } = column;
  return [...comment('    ', because.join('; '), open), `    ${propertyName(target)}: ${expression(column, read)},`];
}

function renderUnique({ columns, otherwise, because, open }: ProposedUnique): readonly string[] {
  const rule = `{ columns: [${columns.map(quotedText).join(', ')}], otherwise: ${quotedText(otherwise)} },`;
  return [...comment('    ', because.join('; '), open), `    ${rule}`];
}

function comment(indent: string, because: string, open: readonly string[]): readonly string[] {
  const lines = [...(because === '' ? [] : [because]), ...open.map((one) => `${OPEN} ${one}`)];
  return lines.flatMap((line) => wrapped(commented(line), WIDTH - indent.length)).map((line) => `${indent}// ${line}`);
}

function expression({ sources, value }: ProposedColumn, read: (source: ProposedSource) => string): string {
  const [source, ...more] = sources;
  if (source === undefined || value.how === 'null') return 'constant(null)';
  const column = read(source);
  switch (value.how) {
    case 'same':
      return column;
    case 'unchecked':
      return `unchecked({ column: ${quotedText(source.column)}${source.of === undefined ? '' : `, of: ${quotedText(source.of)}`} })`;
    case 'trim':
      return trimmed(column, value.entities);
    case 'words':
      return `trim(concat(' ', ${[source, ...more].map((one) => trimmed(read(one), true)).join(', ')}))`;
    case 'email':
    case 'country':
      return `${value.how}(${column})`;
    case 'phone':
      return `phone(${column}, { ${value.country === null ? '' : `country: ${quotedText(value.country)}, `}invalid: 'empty' })`;
    case 'date':
      return `date(${column}, { formats: [${value.formats.map(quotedText).join(', ')}], zeroDate: 'null' })`;
    case 'timestamp':
      return `timestamp(${column}, { formats: [${value.formats.map(quotedText).join(', ')}],${value.zone ? " zone: 'UTC'," : ''} zeroDate: 'null' })`;
    case 'boolean':
      return value.spellings === undefined
        ? `boolean(${column})`
        : `boolean(${column}, { true: [${value.spellings.true.map(quotedText).join(', ')}], false: [${value.spellings.false.map(quotedText).join(', ')}] })`;
    case 'enumeration': {
      const values = Object.entries(value.values).map(
        ([spelling, label]) => `${propertyName(spelling)}: ${label === null ? 'null' : quotedText(label)}`,
      );
      return `enumeration(${column}, { ${values.join(', ')} }${value.spelled ? ', { ignoreCase: true, ignoreSpace: true }' : ''})`;
    }
  }
}

function trimmed(column: string, entities: boolean): string {
  return entities ? `trim(htmlEntities(${column}, { until: 'stable', invalid: 'empty' }))` : `trim(${column})`;
}

function wrapped(line: string, width: number): readonly string[] {
  const lines: string[] = [];
  let current = '';
  for (const word of line.split(' ')) {
    if (current !== '' && current.length + word.length + 1 > width) {
      lines.push(current);
      current = word;
    } else current = current === '' ? word : `${current} ${word}`;
  }
  return [...lines, current];
}

/** Names of constants, each given once. */
class Names {
  readonly #given = new Set<string>(TAKEN);

  fresh(from: string): string {
    const camel = from
      .replace(/[^A-Za-z\d]+/gu, '_')
      .replace(/^_+|_+$/gu, '')
      .replace(/_+([A-Za-z\d])/gu, (_, letter: string) => letter.toUpperCase());
    const plain = /^[A-Za-z]/u.test(camel) && !RESERVED.test(camel) ? camel : `t${camel}`;
    const start = plain.charAt(0).toLowerCase() + plain.slice(1);
    let name = start;
    for (let number = 2; this.#given.has(name); number++) name = `${start}${String(number)}`;
    this.#given.add(name);
    return name;
  }
}

function bare(table: string): string {
  return table.slice(table.indexOf('.') + 1);
}
