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
  const [, minus, whole, fraction = '', exponent = '0'] = NUMBER.exec(text) ?? [];
  if (minus === undefined || whole === undefined || whole + fraction === '') return ofOther(text);
  const digits = `${whole}${fraction}`.replace(/^0+/u, '');
  if (digits === '') return '2';
  const size = EXPONENTS + Number(exponent) + whole.length - (whole.length + fraction.length - digits.length);
  const significant = digits.replace(/0+$/u, '');
  if (minus === '') return `3${sixDigits(size)}${significant}`;
  const turned = significant.replace(/\d/gu, (digit) => String(9 - Number(digit)));
  // Behind all digits: -1.5 comes behind -1.55.
  return `1${sixDigits(2 * EXPONENTS - 1 - size)}${turned}~`;
}

function sixDigits(size: number): string {
  return String(size).padStart(6, '0');
}

function ofOther(text: string): string {
  switch (text) {
    case '-Infinity':
      return '0';
    case 'Infinity':
      return '4';
    case 'NaN':
      return '5';
    default:
      return `6${text}`;
  }
}
