import { iso31662 } from 'iso-3166';

import { foldName } from './country-names.js';

/** Names in other languages than the region's own, and what people write that no list has, by code. */
const VARIANTS: Readonly<Record<string, readonly string[]>> = {
  'AT-2': ['Carinthia'],
  'AT-3': ['Lower Austria'],
  'AT-4': ['Upper Austria'],
  'AT-6': ['Styria'],
  'AT-7': ['Tyrol'],
  'AT-9': ['Vienna'],
  'BE-BRU': ['Brussels', 'Bruxelles', 'Brussel'],
  'BE-VLG': ['Flanders', 'Flandern'],
  'BE-WAL': ['Wallonia', 'Wallonie'],
  'CA-NL': ['Newfoundland', 'Labrador'],
  'CA-PE': ['PEI'],
  'CA-QC': ['Quebec', 'PQ'],
  'CH-GE': ['Geneva', 'Genève', 'Genf'],
  'CH-LU': ['Lucerne', 'Luzern'],
  'CH-VD': ['Vaud', 'Waadt'],
  'CH-VS': ['Valais', 'Wallis'],
  'CH-ZH': ['Zurich', 'Zürich', 'Zuerich'],
  'DE-BW': ['Baden Wuerttemberg'],
  'DE-BY': ['Bavaria'],
  'DE-HE': ['Hesse'],
  'DE-MV': ['Mecklenburg Western Pomerania', 'Mecklenburg'],
  'DE-NI': ['Lower Saxony'],
  'DE-NW': ['North Rhine Westphalia', 'NRW'],
  'DE-RP': ['Rhineland Palatinate'],
  'DE-SN': ['Saxony'],
  'DE-ST': ['Saxony Anhalt'],
  'DE-TH': ['Thuringia', 'Thueringen'],
  'ES-AN': ['Andalusia'],
  'ES-CT': ['Catalonia', 'Cataluña', 'Catalunya'],
  'ES-PV': ['Basque Country', 'País Vasco', 'Euskadi'],
  'FR-BRE': ['Brittany'],
  'FR-COR': ['Corsica'],
  'FR-NOR': ['Normandy'],
  'IT-25': ['Lombardy'],
  'IT-52': ['Tuscany'],
  'IT-82': ['Sicily'],
  'US-DC': ['Washington DC', 'Washington D.C.', 'D.C.'],
};

/** The codes of a country's regions by their folded names and codes. */
export type Regions = ReadonlyMap<string, string>;

/**
 * Those of ISO 3166-2, for each country by its alpha-2 code. Where a region and a part of another one have the same name, the region is meant; a
 * name that several of them have is not in it.
 */
export function regionsByCountry(): ReadonlyMap<string, Regions> {
  const countries = new Map<string, Map<string, string | null>>();
  const add = (names: readonly (readonly [code: string, name: string])[]): void => {
    const before = new Map([...countries].map(([country, regions]) => [country, new Set(regions.keys())]));
    for (const [code, name] of names) {
      const country = code.slice(0, 2);
      const regions = countries.get(country) ?? new Map<string, string | null>();
      countries.set(country, regions);
      const folded = foldName(name);
      if (folded === '' || before.get(country)?.has(folded) === true) continue;
      const other = regions.get(folded);
      regions.set(folded, other === undefined || other === code ? code : null);
    }
  };
  const named = (entries: typeof iso31662): (readonly [string, string])[] =>
    entries.flatMap(({ code, name }) => written(name).map((variant) => [code, variant] as const));
  // What was added before goes before what comes: a code is meant before a name.
  add(iso31662.flatMap(({ code }) => [code, code.slice(3)].map((short) => [code, short] as const)));
  add(Object.entries(VARIANTS).flatMap(([code, names]) => names.map((name) => [code, name] as const)));
  add(named(iso31662.filter(({ parent }) => parent.length === 2)));
  add(named(iso31662.filter(({ parent }) => parent.length > 2)));
  return new Map([...countries].map(([country, regions]) => [country, withoutNulls(regions)]));
}

function withoutNulls(regions: ReadonlyMap<string, string | null>): Regions {
  return new Map([...regions].flatMap(([name, code]) => (code === null ? [] : [[name, code] as const])));
}

/** The list has names in several languages as `Genève [Geneva]` or `Valais/Wallis`. */
function written(name: string): readonly string[] {
  const plain = name.replace(/[[(].*$/su, '');
  const others = name.split(/[[\]()/]/u);
  return [name, plain, ...others].map((one) => one.trim()).filter((one) => one !== '');
}
