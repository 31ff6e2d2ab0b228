const NUMBER = /^(-?)(\d*)(?:\.(\d*))?(?:e([+-]?\d+))?$/iu;
/** Above and below every exponent that a database's numbers have. */
const EXPONENTS = 500_000;

/** Types whose text is that of a number, as PostgreSQL prints them, with a modifier or without. */
const NUMBER_TYPE = /^(?:smallint|integer|bigint|numeric|real|double precision|oid)(?:\(|$)/u;

export function isNumberType(type: string): boolean {
  return NUMBER_TYPE.test(type);
}

/**
 * A text that sorts, byte by byte, as the number does whose text this is: its sign, its size, its digits; of a negative number all of that turned round. Equal
 * numbers have equal texts, however many zeros they end in. As PostgreSQL has it, NaN comes behind all numbers. What is none comes behind that.
 */
export function numberText(text: string): string {
  return exactNumber(text) ?? `6${text}`;
}

/** The same; null of a text that is no number, or one beyond those that databases have. */
export function exactNumber(text: string): string | null {
  const [, minus, whole, fraction = '', exponent = '0'] = NUMBER.exec(text) ?? [];
  if (minus === undefined || whole === undefined || whole + fraction === '') return WORDS.get(text) ?? null;
  const digits = `${whole}${fraction}`.replace(/^0+/u, '');
  if (digits === '') return '2';
  const size = EXPONENTS + Number(exponent) + whole.length - (whole.length + fraction.length - digits.length);
  if (size < 0 || size >= 2 * EXPONENTS) return null;
  const significant = withoutZerosBehind(digits);
  if (minus === '') return `3${sixDigits(size)}${significant}`;
  const turned = significant.replace(/\d/gu, (digit) => String(9 - Number(digit)));
  // Behind all digits: -1.5 comes behind -1.55.
  return `1${sixDigits(2 * EXPONENTS - 1 - size)}${turned}~`;
}

function sixDigits(size: number): string {
  return String(size).padStart(6, '0');
}

/** As an expression it would look at each run of zeros from each of its places. */
function withoutZerosBehind(digits: string): string {
  let end = digits.length;
  while (digits[end - 1] === '0') end--;
  return digits.slice(0, end);
}

const WORDS: ReadonlyMap<string, string> = new Map([
  ['-Infinity', '0'],
  ['Infinity', '4'],
  ['NaN', '5'],
]);
