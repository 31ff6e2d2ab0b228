/** What a text looks like: letters of upper and lower case as `A` and `a`, digits as `9`, white space as `_`; runs of more than three as `a+`. */
export function shapeOf(text: string): string {
  return text
    .slice(0, LONGEST_SHAPE)
    .replace(/\p{Lu}/gu, 'A')
    .replace(/\p{Ll}|\p{Lo}/gu, 'a')
    .replace(/\p{Nd}/gu, '9')
    .replace(/\s/gu, '_')
    .replace(/A{4,}/gu, 'A+')
    .replace(/a{4,}/gu, 'a+')
    .replace(/9{5,}/gu, '9+')
    .replace(/_{2,}/gu, '_+');
}

/** Longer texts have no shape of their own. */
const LONGEST_SHAPE = 60;

const INTEGER = /^[+-]?\d{1,19}$/u;
const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/iu;
/** With thousands set apart, or with a comma. */
const WRITTEN_NUMBER = /^[+-]?\d{1,3}(?:[.,' ]\d{3})+(?:[.,]\d+)?$|^[+-]?\d+,\d+$/u;
const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/iu;
const URL_LIKE = /^(?:https?|ftp):\/\/|^www\./iu;
const FILE_LIKE =
  /^(?:[a-z]:\\|\\\\|\.{0,2}\/)?[^\s<>|?*"]{0,200}[\\/]?[^\s<>|?*"\\/]{1,100}\.(?:pdf|docx?|xlsx?|pptx?|jpe?g|png|gif|csv|zip|eml|msg|txt|odt|rtf|mp[34])$/iu;
const IP = /^(?:\d{1,3}\.){3}\d{1,3}$|^[\da-f]{0,4}(?::[\da-f]{0,4}){3,7}$/iu;
const PHP = /^(?:a:\d+:\{|O:\d+:"|s:\d+:"|[bid]:[\d.-]+;|N;)/u;
const MULTI_ENUM = /^\^[^^]*\^(?:,\^[^^]*\^)*$/u;
const PHONE = /^(?:tel:)?[+(\d][\d\s()./\-\u2013]{5,24}(?:\s*(?:x|ext\.?|durchwahl)\s*\d{1,5})?$/iu;
const ENTITY = /&(?:[a-z]{2,10}|#\d{2,6}|#x[\da-f]{2,5});/iu;
/** UTF-8 that was read as Windows-1252 or Latin-1 once, and question marks in the place of what a column could not hold. */
const MOJIBAKE = /[ÃÂ][\u0080-\u00bf‚ƒ„…†‡ˆ‰Š‹Œ‘’“”•–—˜™š›œžŸ]|â€|ï»¿|\ufffd|\?{4}/u;
const INVISIBLE = /[\u200b-\u200d\u2060\ufeff\u00ad]/u;
const OUTER_SPACE = /^[\s\u200b\ufeff]|[\s\u200b\ufeff]$/u;
const TAG = /<\/?[a-z][a-z\d]*(?:\s[^<>]*)?>/iu;

export const isInteger = (text: string): boolean => INTEGER.test(text);
export const isDecimal = (text: string): boolean => DECIMAL.test(text);
export const isWrittenNumber = (text: string): boolean => WRITTEN_NUMBER.test(text);
export const isUuid = (text: string): boolean => UUID.test(text);
export const isUrl = (text: string): boolean => URL_LIKE.test(text);
export const isFile = (text: string): boolean => FILE_LIKE.test(text) && !text.includes('@');
export const isIp = (text: string): boolean => IP.test(text);
export const isPhp = (text: string): boolean => PHP.test(text);
export const isMultiEnum = (text: string): boolean => MULTI_ENUM.test(text);

/** A number as people write telephone numbers: with something between the digits, or a plus or zero before them. */
export function isPhone(text: string): boolean {
  if (!PHONE.test(text)) return false;
  const digits = text.replace(/\D/gu, '').length;
  return digits >= 7 && digits <= 20 && /[+()/\s.-]|^0/u.test(text.trim()) && !isDecimal(text);
}

export function isJson(text: string): boolean {
  if (!/^\s*[[{]/u.test(text) || !/[\]}]\s*$/u.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** By its check digits (ISO 7064, modulo 97). */
export function isIban(text: string): boolean {
  const written = text.replace(/\s/gu, '').toUpperCase();
  if (!/^[A-Z]{2}\d{2}[A-Z\d]{11,30}$/u.test(written)) return false;
  let rest = 0;
  for (const character of written.slice(4) + written.slice(0, 4)) {
    const digits = /\d/u.test(character) ? character : String(character.charCodeAt(0) - 55);
    for (const digit of digits) rest = (rest * 10 + Number(digit)) % 97;
  }
  return rest === 1;
}

/** What has gone wrong with a text on its way through programs and character sets. */
export const DAMAGES = {
  entities: (text: string) => ENTITY.test(text),
  mojibake: (text: string) => MOJIBAKE.test(text),
  invisible: (text: string) => INVISIBLE.test(text),
  outerSpace: (text: string) => OUTER_SPACE.test(text),
  tags: (text: string) => TAG.test(text),
} as const satisfies Record<string, (text: string) => boolean>;

export type Damage = keyof typeof DAMAGES;

const SCRIPTS = {
  Latin: /\p{Script=Latin}/u,
  Cyrillic: /\p{Script=Cyrillic}/u,
  Greek: /\p{Script=Greek}/u,
  Han: /\p{Script=Han}/u,
  Kana: /[\p{Script=Hiragana}\p{Script=Katakana}]/u,
  Hangul: /\p{Script=Hangul}/u,
  Arabic: /\p{Script=Arabic}/u,
  Hebrew: /\p{Script=Hebrew}/u,
} as const;

export type Script = keyof typeof SCRIPTS;

/** The scripts whose letters a text has. */
export function scriptsOf(text: string): readonly Script[] {
  return (Object.keys(SCRIPTS) as Script[]).filter((script) => SCRIPTS[script].test(text));
}
