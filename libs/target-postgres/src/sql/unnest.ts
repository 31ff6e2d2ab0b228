/** Arrays on their way to becoming the rows `r` of a statement. */
export class Unnest {
  readonly #arrays: { readonly alias: string; readonly type: 'text' | 'boolean' }[] = [];
  readonly values: Buffer[] = [];
  readonly #firstParameter: number;

  /** `firstParameter`: the number of the first `$n`, where several share a statement. */
  constructor(firstParameter = 1) {
    this.#firstParameter = firstParameter;
  }

  text(alias: string, array: Buffer): void {
    this.#arrays.push({ alias, type: 'text' });
    this.values.push(array);
  }

  boolean(alias: string, array: Buffer): void {
    this.#arrays.push({ alias, type: 'boolean' });
    this.values.push(array);
  }

  /** `ord` counts the rows from 1. */
  get from(): string {
    const parameters = this.#arrays.map(({ type }, index) => `$${String(this.#firstParameter + index)}::${type}[]`);
    return `unnest(${parameters.join(', ')}) WITH ORDINALITY AS r(${this.#arrays.map(({ alias }) => alias).join(', ')}, ord)`;
  }
}
