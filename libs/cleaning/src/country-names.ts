import { countries } from './libraries.js';

/** Whether the library knows the names in this language. */
export function isLanguage(language: string): boolean {
  return countries().getSupportedLanguages().includes(language);
}

/** What people write and no list has, by alpha-2; in every language, and before its names. */
const VARIANTS: Readonly<Record<string, readonly string[]>> = {
  AE: ['UAE', 'U.A.E.', 'Emirates', 'VAE'],
  AT: ['Austria', 'Österreich', 'Oesterreich'],
  BA: ['Bosnia', 'Bosnia-Herzegovina', 'Bosnia & Herzegovina', 'BiH'],
  BE: ['Belgium', 'Belgique', 'België', 'Belgien'],
  CD: ['DR Congo', 'DRC', 'Democratic Republic of the Congo', 'Congo-Kinshasa'],
  CG: ['Republic of the Congo', 'Congo-Brazzaville'],
  CH: ['Switzerland', 'Schweiz', 'Suisse', 'Svizzera'],
  CI: ['Ivory Coast', "Côte d'Ivoire"],
  CN: ['PRC', 'P.R. China', 'PR China', 'Mainland China', "People's Republic of China"],
  CZ: ['Czech Republic', 'Czechia', 'Česko', 'Česká republika', 'Tschechei'],
  DE: ['Germany', 'Deutschland', 'Allemagne', 'Federal Republic of Germany', 'Bundesrepublik Deutschland', 'BRD'],
  DK: ['Denmark', 'Danmark'],
  ES: ['Spain', 'España', 'Spanien'],
  FI: ['Finland', 'Suomi'],
  FR: ['France', 'Frankreich'],
  GB: [
    'UK',
    'U.K.',
    'United Kingdom',
    'United Kingdom of Great Britain and Northern Ireland',
    'Great Britain',
    'Britain',
    'G.B.',
    'England',
    'Scotland',
    'Wales',
    'Northern Ireland',
    'Großbritannien',
    'Grossbritannien',
  ],
  GR: ['Greece', 'Ελλάδα', 'Hellas'],
  HK: ['Hong Kong', 'Hong Kong SAR', 'Hongkong'],
  HU: ['Hungary', 'Magyarország'],
  IE: ['Ireland', 'Republic of Ireland', 'Eire', 'Éire'],
  IR: ['Iran'],
  IT: ['Italy', 'Italia', 'Italien'],
  JP: ['Japan', '日本'],
  KP: ['North Korea', 'DPRK', "Korea, Democratic People's Republic of"],
  KR: ['South Korea', 'Korea', 'Republic of Korea', 'Korea, Republic of', 'ROK', 'Südkorea'],
  LA: ['Laos'],
  MK: ['Macedonia', 'North Macedonia', 'FYROM'],
  MM: ['Burma', 'Myanmar'],
  NL: ['Netherlands', 'The Netherlands', 'Holland', 'Nederland'],
  NO: ['Norway', 'Norge'],
  PL: ['Poland', 'Polska', 'Polen'],
  PS: ['Palestine'],
  PT: ['Portugal'],
  RU: ['Russia', 'Russian Federation', 'Россия'],
  SE: ['Sweden', 'Sverige'],
  SY: ['Syria'],
  SZ: ['Swaziland', 'Eswatini'],
  TR: ['Turkey', 'Türkiye', 'Turkiye', 'Türkei'],
  TW: ['Taiwan', 'Taiwan R.O.C.'],
  TZ: ['Tanzania'],
  US: [
    'USA',
    'U.S.A.',
    'U.S.',
    'US of A',
    'United States',
    'The United States',
    'United States of America',
    'The United States of America',
    'America',
    'Vereinigte Staaten',
    'États-Unis',
    'Estados Unidos',
  ],
  VA: ['Vatican', 'Vatican City', 'Holy See'],
  VE: ['Venezuela'],
  VN: ['Vietnam', 'Viet Nam'],
};

/** The alpha-2 code for each folded code and name; a name that means different countries in these languages is not in it. */
export function countriesByName(languages: readonly string[]): ReadonlyMap<string, string> {
  const named = new Map<string, string | null>();
  for (const language of languages) {
    for (const [folded, code] of namesIn(language)) {
      const other = named.get(folded);
      named.set(folded, other === undefined || other === code ? code : null);
    }
  }
  for (const [code, names] of Object.entries(VARIANTS)) for (const name of names) named.set(foldName(name), code);
  for (const [alpha2, alpha3] of Object.entries(countries().getAlpha2Codes())) {
    named.set(foldName(alpha2), alpha2);
    named.set(foldName(alpha3), alpha2);
  }
  return new Map([...named].flatMap(([name, code]) => (code === null || name === '' ? [] : [[name, code] as const])));
}

/** By language: folding takes longer than all else, and many converters have the same languages. */
const NAMES = new Map<string, ReadonlyMap<string, string | null>>();

function namesIn(language: string): ReadonlyMap<string, string | null> {
  const known = NAMES.get(language);
  if (known !== undefined) return known;
  const named = new Map<string, string | null>();
  for (const [code, names] of Object.entries(countries().getNames(language, { select: 'all' }))) {
    for (const name of names) {
      const folded = foldName(name);
      const other = named.get(folded);
      named.set(folded, other === undefined || other === code ? code : null);
    }
  }
  // Some of those that Unicode has differ, and both are written; where they contradict each other the list is meant.
  const words = new Intl.DisplayNames(language, { type: 'region', fallback: 'none' });
  for (const code of Object.keys(countries().getAlpha2Codes())) {
    const folded = foldName(words.of(code) ?? '');
    if (!named.has(folded)) named.set(folded, code);
  }
  NAMES.set(language, named);
  return named;
}

export function alpha3(alpha2: string): string | null {
  return countries().alpha2ToAlpha3(alpha2) ?? null;
}

/** Case, accents of Latin letters and punctuation do not count; `&` is `and`, dots between single letters are nothing. */
export function foldName(name: string): string {
  return name
    .normalize('NFKD')
    .replace(/[\u0300-\u036f]/gu, '')
    .toLowerCase()
    .replace(/\./gu, '')
    .replace(/&/gu, ' and ')
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, ' ')
    .trim();
}
