import type { DescribedColumn } from '@changeover/events';

import { senseOf } from '../names/words.js';
import { isNumberType, isTextType, type ColumnProfile } from '../profile/column-profile.js';
import type { ProposedValue } from '../proposal/proposal.js';
import { fitLabels, foldSpelling } from './label-fit.js';

/** How a column's values get into a column of the target. */
export type Conversion = {
  readonly value: ProposedValue;
  /** From 0 to 1: how well the values fit, whatever the names say. */
  readonly fit: number;
  readonly because: readonly string[];
  readonly open: readonly string[];
};

/** Of the values that many have to fit a column of another type. */
const FITTING = 0.8;
const FITTING_LABELS = 0.3;

/** Null: what the source has is nothing that the target's column takes. */
export function convertInto(source: ColumnProfile, target: DescribedColumn): Conversion | null {
  if (target.generated) return null;
  if (target.labels !== null) return intoLabels(source, target.labels);
  const { base } = target;
  if (base === 'boolean') return intoBoolean(source, target.name);
  if (base === 'date') return intoDate(source);
  if (base === 'timestamp without time zone' || base === 'timestamp with time zone') return intoTimestamp(source, base);
  if (isTextType(base)) return intoText(source, target);
  if (isNumberType(base)) {
    if (isNumberType(source.base)) return same(base === source.base ? [] : [`${source.base} into ${base}`]);
    return unchecked(source, ['integer', 'decimal'], base);
  }
  if (base === 'uuid' && source.base !== 'uuid') return unchecked(source, ['uuid'], base);
  if (base === source.base) return same();
  if (isJsonType(base)) return isJsonType(source.base) ? same() : unchecked(source, ['json'], base);
  return source.used === 'nothing' ? unchecked(source, [], base) : null;
}

const isJsonType = (base: string): boolean => base === 'json' || base === 'jsonb';

function same(because: readonly string[] = []): Conversion {
  return { value: { how: 'same' }, fit: 1, because, open: [] };
}

/** `types`: what the values have to be, whatever their column is declared as. */
function unchecked(source: ColumnProfile, types: readonly ColumnProfile['used'][], base: string): Conversion | null {
  if (source.used === 'nothing') {
    return {
      value: { how: 'unchecked' },
      fit: 0.5,
      because: [],
      open: [`the old column has no value; ${source.declared} goes into ${base} unchecked`],
    };
  }
  if (!types.includes(source.used) || source.usedShare < FITTING) return null;
  const all = source.usedShare === 1 && source.whole;
  return {
    value: { how: 'unchecked' },
    fit: source.usedShare,
    because: [`${source.declared} into ${base}: ${share(source.usedShare)} of the values looked at are ${source.used}`],
    open: all ? [] : [`a value that is no ${base} is refused by the new database`],
  };
}

function intoLabels(source: ColumnProfile, labels: readonly string[]): Conversion | null {
  const fit = fitLabels(source, labels);
  if (fit === null || fit.share < FITTING_LABELS) return null;
  const without = Object.entries(fit.values).filter(([spelling, label]) => label === null && spelling !== '').length;
  const open =
    without === 0
      ? []
      : [
          `${without === 1 ? 'a spelling has' : `${String(without)} spellings have`} no label yet (${share(1 - fit.share)} of the rows): null below`,
        ];
  return {
    value: { how: 'enumeration', values: fit.values, spelled: source.labels === null },
    fit: fit.share,
    because: [`${share(fit.share)} of the rows have a label's word`],
    open,
  };
}

function intoBoolean(source: ColumnProfile, name: string): Conversion | null {
  const negated = senseOf(source.name).negated !== senseOf(name).negated;
  if (source.base === 'boolean' && !negated) return same();
  if (source.used === 'boolean') {
    const bad = source.usedShare < 1 ? [`${share(1 - source.usedShare)} of the rows say neither yes nor no: they are held`] : [];
    if (!negated) return { value: { how: 'boolean' }, fit: source.usedShare, because: ['yes and no in words'], open: bad };
    return {
      value: { how: 'boolean', spellings: invertedSpellings(source) },
      fit: source.usedShare,
      because: ['the one says no where the other says yes'],
      open: bad,
    };
  }
  // `status` says ACTIVE, `active` says yes.
  const words = senseOf(name).words;
  if (words.length > 1) return null;
  const spellings = source.values.areAll ? source.values.frequent.filter(({ value }) => value.trim() !== '') : [];
  const yes = spellings.filter(({ value }) => words.includes(foldSpelling(value)));
  if (yes.length === 0 || spellings.length > 10) return null;
  const values = Object.fromEntries(
    spellings.map(({ value }) => [source.labels === null ? foldSpelling(value) : value, words.includes(foldSpelling(value)) ? 't' : 'f']),
  );
  for (const label of source.labels ?? []) values[label] ??= 'f';
  return {
    value: { how: 'enumeration', values, spelled: source.labels === null },
    fit: 1,
    because: [`one of its spellings is ${name}`],
    open: Object.keys(values).length > 2 ? ['what is neither was taken for no'] : [],
  };
}

const YES = new Set(['1', '-1', 't', 'true', 'y', 'yes', 'on', 'j', 'ja', 'x']);

function invertedSpellings({ base, values }: ColumnProfile): { readonly true: readonly string[]; readonly false: readonly string[] } {
  const spellings = new Set(values.frequent.map(({ value }) => foldSpelling(value)).filter((value) => value !== ''));
  const [no, yes] =
    base === 'boolean'
      ? [['f'], ['t']]
      : [
          ['n', 'no', '0'],
          ['y', 'yes', '1'],
        ];
  const has = (wanted: boolean): string[] => [...spellings].filter((value) => isAnswer(value) && YES.has(value) === wanted);
  return { true: [...new Set([...no, ...has(false)])], false: [...new Set([...yes, ...has(true)])] };
}

function isAnswer(value: string): boolean {
  return YES.has(value) || ['0', 'f', 'false', 'n', 'no', 'off', 'nein'].includes(value);
}

function intoDate(source: ColumnProfile): Conversion | null {
  if (source.base === 'date') return same();
  if (source.used === 'nothing' && isTextType(source.base))
    return {
      value: { how: 'date', formats: ['YYYY-MM-DD'] },
      fit: 0.5,
      because: [],
      open: ['the old column has no value; its format is a guess'],
    };
  if ((source.used !== 'date' && source.used !== 'timestamp') || source.formats.length === 0) return null;
  return { value: { how: 'date', formats: source.formats }, ...dateFacts(source) };
}

function intoTimestamp(source: ColumnProfile, base: string): Conversion | null {
  if (source.base === base) return same();
  if (base === 'timestamp without time zone' && source.base === 'date') return same();
  if (source.used !== 'date' && source.used !== 'timestamp') {
    if (source.used !== 'nothing' || !isTextType(source.base)) return null;
    const formats = ['YYYY-MM-DD HH:mm:ss'];
    return {
      value: { how: 'timestamp', formats, zone: true },
      fit: 0.5,
      because: [],
      open: ['the old column has no value; its format is a guess'],
    };
  }
  const zone = base === 'timestamp with time zone' && !source.formats.every((format) => format.endsWith('Z'));
  const formats = source.formats.length > 0 ? source.formats : ['YYYY-MM-DD HH:mm:ss'];
  const facts = dateFacts(source);
  // What has an offset in one format and none in the other is of no type that TypeScript could say.
  if (formats.some((format) => format.endsWith('Z')) !== formats.every((format) => format.endsWith('Z')))
    return {
      ...facts,
      value: { how: 'unchecked' },
      open: [...facts.open, 'some have an offset and some have none: they need a conversion of their own'],
    };
  const open = zone ? [...facts.open, 'which time zone did the old CRM’s clock show?'] : facts.open;
  return { value: { how: 'timestamp', formats, zone }, ...facts, open };
}

function dateFacts({ usedShare, ambiguous, formats, looked, base }: ColumnProfile): Omit<Conversion, 'value'> {
  const open = [
    ...(usedShare < 1 && isTextType(base) ? [`${share(1 - usedShare)} of the rows are in none of these formats: they are held`] : []),
    ...(ambiguous > 0 && formats.filter((format) => format.includes('/')).length > 1
      ? [`${share(ambiguous / looked)} of the rows could be day/month or month/day`]
      : []),
  ];
  return { fit: usedShare, because: isTextType(base) ? ['dates in text'] : [], open };
}

function intoText(source: ColumnProfile, target: DescribedColumn): Conversion | null {
  const own = isTextType(source.base) && source.labels === null;
  if (!own) return { value: { how: 'same' }, fit: 0.6, because: [`${source.declared} as text`], open: [] };
  // A key has to stay what others refer to.
  if (source.used === 'uuid') return same();
  const words = senseOf(target.name).words;
  switch (source.matter) {
    case 'email':
      return { value: { how: 'email' }, fit: 1, because: ['e-mail addresses'], open: badShare(source.matterShare, 'no e-mail address') };
    case 'phone':
      return {
        value: { how: 'phone', country: null },
        fit: 1,
        because: ['telephone numbers'],
        open: ['numbers that no plan of a country has are left empty; take trim() where the new CRM takes any text'],
      };
    case 'country':
      if (!words.includes('country')) break;
      return {
        value: { how: 'country' },
        fit: 1,
        because: ['names of countries become codes'],
        open: badShare(source.matterShare, 'no country'),
      };
    default:
  }
  const { entities = 0, outerSpace = 0, invisible = 0 } = source.damage;
  const because = [
    ...(entities > 0 ? [`HTML entities in ${String(entities)} of the rows looked at`] : []),
    ...(outerSpace + invisible > 0 ? [`white space around, or characters of no width in ${String(outerSpace + invisible)}`] : []),
    ...(source.blank > 0 ? [`blank in ${String(source.blank)}`] : []),
  ];
  if (because.length === 0) return same();
  return { value: { how: 'trim', entities: entities > 0 }, fit: 1, because, open: [] };
}

function badShare(good: number, what: string): readonly string[] {
  return good < 1 ? [`${share(1 - good)} of the rows have ${what}: they are held`] : [];
}

export function share(part: number): string {
  const percent = part * 100;
  return `${percent === 0 || percent === 100 ? String(percent) : percent < 0.1 ? '< 0.1' : percent > 99.9 ? '> 99.9' : percent.toFixed(1)} %`;
}
