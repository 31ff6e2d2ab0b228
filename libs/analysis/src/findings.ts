import type { ColumnPlace } from './column-profiler.port.js';
import { share } from './compare/convert-into.js';
import { isTextType, type ColumnProfile } from './profile/column-profile.js';
import type { Languages } from './profile/languages.js';
import type { Damage } from './profile/value-facts.js';
import type { TableProfile } from './table-profile.js';

/** What somebody who moves a column should know of it. */
export type Finding = ColumnPlace & {
  readonly finding: 'unused' | 'constant' | 'type' | 'encoding' | 'files' | 'language';
  readonly says: string;
};

const DAMAGE_WORDS: Readonly<Record<Damage, string>> = {
  entities: 'HTML entities',
  mojibake: 'broken characters',
  invisible: 'characters of no width',
  outerSpace: 'white space around the text',
  tags: 'HTML tags',
};

const LANGUAGES_TOLD = 4;

/** In the order of the tables and their columns. */
export function findingsOf(tables: readonly TableProfile[]): readonly Finding[] {
  return tables.flatMap(({ table, columns, rows }) =>
    rows === 0 ? [] : columns.flatMap((column) => aboutColumn(column).map((one) => ({ table, column: column.name, ...one }))),
  );
}

type About = Pick<Finding, 'finding' | 'says'>;

function aboutColumn(column: ColumnProfile): readonly About[] {
  const {
    used,
    usedShare,
    base,
    labels,
    distinct,
    nulls,
    blank,
    filled,
    formats,
    ambiguous,
    looked,
    matter,
    matterShare,
    damage,
    scripts,
    languages,
  } = column;
  if (filled === 0) return [{ finding: 'unused', says: 'no row has a value' }];
  const found: About[] = [];
  if (distinct === 1 && nulls + blank === 0) found.push({ finding: 'constant', says: 'every row has the same value' });
  const isText = isTextType(base) && labels === null;
  if ((isText && used !== 'text') || (used === 'boolean' && base !== 'boolean')) {
    const how = formats.length > 0 && isText ? `, written ${formats.join(', ')}` : '';
    const unclear = ambiguous > 0 ? `; day and month could change places in ${share(ambiguous / looked)}` : '';
    found.push({ finding: 'type', says: `${share(usedShare)} are ${used} in ${column.declared}${how}${unclear}` });
  }
  if (matter === 'file' || (matter === 'url' && isText)) {
    const what =
      matter === 'file'
        ? 'name files, which lie outside the database'
        : 'are addresses on the web: what they lead to lies outside the database';
    found.push({ finding: 'files', says: `${share(matterShare)} ${what}` });
  }
  const broken = (Object.keys(DAMAGE_WORDS) as Damage[]).flatMap((name) => {
    const rows = damage[name];
    return rows === undefined ? [] : [`${DAMAGE_WORDS[name]} in ${share(rows / Math.max(looked, rows))}`];
  });
  if (broken.length > 0) found.push({ finding: 'encoding', says: broken.join(', ') });
  const written = Object.entries(scripts);
  if (written.length > 1)
    found.push({
      finding: 'language',
      says: `written in ${written.map(([script, rows]) => `${script} (${share(rows / looked)})`).join(', ')}`,
    });
  if (languages !== null) found.push({ finding: 'language', says: languageWords(languages) });
  return found;
}

/** `mostly de (78.0 %), en (22.0 %), by 91 of 100 texts looked at`: the others could not be told. */
function languageWords({ texts, of }: Languages): string {
  const told = Object.values(of).reduce((sum, count) => sum + count, 0);
  const most = Object.entries(of)
    .toSorted(([, one], [, other]) => other - one)
    .slice(0, LANGUAGES_TOLD)
    .map(([language, count]) => `${language} (${share(count / told)})`);
  return `mostly ${most.join(', ')}, by ${String(told)} of ${String(texts)} texts looked at`;
}
