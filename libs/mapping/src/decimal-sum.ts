/** As databases print numbers; of exponents those that a `double precision` has. */
const DECIMAL = /^([+-]?)(\d*)(?:\.(\d*))?(?:e([+-]?\d{1,3}))?$/iu;

/** The exact sum, with as many places as the number that has most, as PostgreSQL gives it of `numeric`; null: one of the texts is no number. */
export function decimalSum(texts: readonly string[]): string | null {
  let sum = 0n;
  let places = 0;
  for (const text of texts) {
    const [, sign, whole, fraction = '', exponent = '0'] = DECIMAL.exec(text) ?? [];
    if (whole === undefined || whole + fraction === '') return null;
    const size = fraction.length - Number(exponent);
    const digits = BigInt(`${whole}${fraction}`) * tenTo(-size);
    if (size > places) {
      sum *= tenTo(size - places);
      places = size;
    }
    const scaled = digits * tenTo(places - Math.max(size, 0));
    sum += sign === '-' ? -scaled : scaled;
  }
  const digits = (sum < 0n ? -sum : sum).toString().padStart(places + 1, '0');
  const whole = digits.slice(0, digits.length - places);
  return `${sum < 0n ? '-' : ''}${whole}${places === 0 ? '' : `.${digits.slice(-places)}`}`;
}

/** 1 of what is below zero. */
function tenTo(exponent: number): bigint {
  return exponent > 0 ? 10n ** BigInt(exponent) : 1n;
}
