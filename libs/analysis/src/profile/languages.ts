import type { ValueCount } from '../column-profiler.port.js';

/**
 * The most frequent function words, by ISO 639-1 code of their language: articles, pronouns, prepositions, conjunctions. Without those of one
 * letter, which stand for anything in abbreviations. All are in the lists of
 * stopwords-iso (https://github.com/stopwords-iso/stopwords-iso); most come from the stop words of the Snowball stemmers (https://snowballstem.org).
 */
const FUNCTION_WORDS = {
  en: 'the of and to in is that it was for on are with as his they at be this from have or by not but what all were when your can there an which their if will about how she him has had you we our',
  de: 'der die und in den von zu das mit sich des auf für ist im dem nicht ein eine als auch es an werden aus er hat dass sie nach wird bei einer um am sind noch wie einem über einen so zum war haben nur oder aber vor zur bis mehr durch ich wir uns',
  fr: 'de la le et les des en un du une que est pour qui dans par plus pas au sur ne se ce il sont avec son ou mais nous vous cette aux elle ont été comme sans leur',
  es: 'de la que el en los se del las un por con no una su para es al lo como más pero sus le ha me sin sobre este ya entre cuando esta ser son dos también fue había muy hasta desde',
  it: 'di che la il un per in una sono con non si da come le del dei alla nel al più anche gli della ma ha lo se dal questo delle nella quando molto ai sul tra loro',
  pt: 'de que do da em um para com não uma os no se na por mais as dos como mas ao ele das seu sua ou quando muito nos já eu também só pelo pela até isso',
  nl: 'de en van ik te dat die in een hij het niet zijn is was op aan met als voor er maar om had dan zou of wat mijn men dit zo door over ze bij ook tot je naar heeft geen nog worden wij',
  pl: 'na do to się nie że jest jak za od po ale co przez dla tak czy przy być był już tylko może tym tego ten jego jej są oraz jako które który',
  ru: 'не на что по он это но из за то все так же от как для его бы мы если или она до вы только при также мне уже нет',
  sv: 'och att det som en på är av för med den till han inte ett om var jag men de sig så från vi har hade när hon kan eller vid efter nu mot över också',
  da: 'og at det er en til på som af for de med den ikke der jeg et har han men var vi sig om fra kan eller være ved hun efter nu blev skal også hvor',
  tr: 've bir bu için da de ile çok daha gibi kadar olarak ne ama en sonra ise her var değil ben biz olan şey veya ancak tüm',
} as const;

type Language = keyof typeof FUNCTION_WORDS;

/** In what languages the texts of a column are. */
export type Languages = {
  /** Different texts that were looked at and have words enough. */
  readonly texts: number;
  /** How many of them are of each; of the others nobody can say. */
  readonly of: Readonly<Partial<Record<Language, number>>>;
};

const SAMPLE = 500;
/** Of a text. */
const [LEAST_WORDS, MOST_WORDS] = [4, 200];
const LEAST_TEXTS = 20;
/** Of the texts so many have to be told, and so many have to have words enough. */
const [TOLD, WORDY] = [1 / 3, 1 / 2];

/** The languages that have a word among their most frequent ones. */
const LANGUAGES: ReadonlyMap<string, readonly Language[]> = byWord();

function byWord(): Map<string, readonly Language[]> {
  const found = new Map<string, readonly Language[]>();
  for (const language of Object.keys(FUNCTION_WORDS) as Language[])
    for (const word of FUNCTION_WORDS[language].split(' ')) found.set(word, [...(found.get(word) ?? []), language]);
  return found;
}

/** Null: there are few texts, they are short, or of most nobody can say. Of many those are looked at that are evenly spread. */
export function languagesOf(values: readonly ValueCount[]): Languages | null {
  const step = Math.ceil(values.length / SAMPLE);
  const sample = values.filter((_, index) => index % step === 0);
  const texts = sample.map(({ value }) => wordsIn(value)).filter((words) => words.length >= LEAST_WORDS);
  if (texts.length < LEAST_TEXTS || texts.length < sample.length * WORDY) return null;
  const told = texts.flatMap((words) => languageOf(words) ?? []);
  const of: Partial<Record<Language, number>> = {};
  for (const language of told) of[language] = (of[language] ?? 0) + 1;
  return told.length < texts.length * TOLD ? null : { texts: texts.length, of };
}

function wordsIn(text: string): readonly string[] {
  return (
    text
      .normalize('NFC')
      .toLowerCase()
      .match(/\p{L}+/gu) ?? []
  ).slice(0, MOST_WORDS);
}

/** The one that has most of the words; of two that have as many nobody can say. */
function languageOf(words: readonly string[]): Language | null {
  const counts = new Map<Language, number>();
  for (const word of words) for (const language of LANGUAGES.get(word) ?? []) counts.set(language, (counts.get(language) ?? 0) + 1);
  const [first, second] = [...counts].toSorted(([, one], [, other]) => other - one);
  return first === undefined || first[1] === second?.[1] ? null : first[0];
}
