/** What a file of types lacks, has too much, and has otherwise, by name: `target crm.person.email`. */
export type TypesDifference = {
  readonly missing: readonly string[];
  readonly extra: readonly string[];
  readonly changed: readonly string[];
};

/** Of two texts that {@link renderTypes} made. Of a table that only one of them has, its parts are not named. */
export function typesDifference(written: string, now: string): TypesDifference {
  const [before, after] = [declarations(written), declarations(now)];
  const only = (some: ReadonlyMap<string, Declaration>, others: ReadonlyMap<string, Declaration>): readonly string[] =>
    [...some].filter(([name, { within }]) => !others.has(name) && (within === null || others.has(within))).map(([name]) => name);
  return {
    missing: only(after, before),
    extra: only(before, after),
    changed: [...after].filter(([name, { type }]) => type !== (before.get(name)?.type ?? type)).map(([name]) => name),
  };
}

/** One line for each: `+` is missing in the file, `-` is there no more, `~` has another type. */
export function renderDifference({ missing, extra, changed }: TypesDifference): string {
  const lines = [...missing.map((name) => `+ ${name}`), ...extra.map((name) => `- ${name}`), ...changed.map((name) => `~ ${name}`)];
  return lines.length === 0 ? 'no name and no type differs, only what is said of them, or how it is written\n' : `${lines.join('\n')}\n`;
}

type Declaration = { readonly type: string; readonly within: string | null };

/** By its indent each line of such a text says what it declares: an end, a table, a part of it, a column or a reference. */
const END = /^export type (\w+) = /u;
const TABLE = /^ {2}('(?:[^'\\]|\\.)*'): \{$/u;
const PART = /^ {4}(\w+): (.*?);?$/u;
const MEMBER = /^ {6}([\w$]+|'(?:[^'\\]|\\.)*')(\??: .*);$/u;

function declarations(text: string): ReadonlyMap<string, Declaration> {
  const found = new Map<string, Declaration>();
  let [end, table, part] = ['', '', ''];
  for (const line of text.split('\n')) {
    const [, endName] = END.exec(line) ?? [];
    const [, tableName] = TABLE.exec(line) ?? [];
    const [, partName, partType] = PART.exec(line) ?? [];
    const [, member, memberType] = MEMBER.exec(line) ?? [];
    if (endName !== undefined) {
      end = endName.toLowerCase();
      found.set(end, { type: '', within: null });
    } else if (tableName !== undefined) {
      table = `${end} ${textOf(tableName)}`;
      found.set(table, { type: '', within: end });
    } else if (partName !== undefined && partType !== undefined) {
      part = partName;
      if (partType !== '{') found.set(`${table}: ${part}`, { type: partType, within: table });
    } else if (member !== undefined && memberType !== undefined) {
      const name = part === 'row' ? `${table}.${textOf(member)}` : `${table}: ${part} ${textOf(member)}`;
      found.set(name, { type: memberType, within: table });
    }
  }
  return found;
}

/** The name as the database has it. */
function textOf(property: string): string {
  if (!property.startsWith("'")) return property;
  const inside = property.slice(1, -1).replaceAll("\\'", "'").replaceAll('"', '\\"');
  return JSON.parse(`"${inside}"`) as string;
}
