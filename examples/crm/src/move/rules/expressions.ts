import type { Condition, Expression, Json, ParentRule } from '@changeover/mapping';

type Invalid = 'held' | 'empty';

/** A column of the driving row, or of the join named by `of`. */
export const column = (name: string, of?: string): Expression => (of === undefined ? { column: name } : { column: name, of });

const constant = (value: string): Expression => ({ constant: value });

export const first = (...inputs: readonly Expression[]): Expression => ({ first: inputs });

/** Without the entities of old PHP programs and without white space around it; null where nothing is left. */
export const words = (input: Expression): Expression => ({
  convert: 'trim',
  input: { convert: 'htmlEntities', options: { until: 'stable' }, input, invalid: 'empty' },
  invalid: 'empty',
});

/** Without white space around it. */
export const trimmed = (input: Expression): Expression => ({ convert: 'trim', input, invalid: 'empty' });

export const phone = (input: Expression, invalid: Invalid): Expression => ({
  convert: 'phone',
  options: { country: 'DE' },
  input,
  invalid,
});

export const country = (input: Expression, invalid: Invalid): Expression => ({ convert: 'country', input, invalid });

export const email = (input: Expression, invalid: Invalid): Expression => ({
  convert: 'email',
  options: { lowerCase: 'all' },
  input,
  invalid,
});

export const day = (input: Expression, invalid: Invalid): Expression => ({
  convert: 'date',
  options: { formats: ['YYYY-MM-DD', 'DD.MM.YYYY', 'MM/DD/YYYY'], zeroDate: 'null' },
  input,
  invalid,
});

/** Everybody in the old CRM wrote the time that the clock on the wall showed. */
export const moment = (input: Expression, invalid: Invalid): Expression => ({
  convert: 'timestamp',
  options: {
    formats: ['YYYY-MM-DD HH:mm:ss', 'DD.MM.YYYY HH:mm', 'M/D/YYYY h:mm A'],
    zone: 'Europe/Berlin',
    // As PostgreSQL takes the hour that the clocks show twice.
    overlap: 'later',
  },
  input,
  invalid,
});

export const oneOf = (input: Expression, values: Readonly<Record<string, string | null>>, invalid: Invalid): Expression => ({
  convert: 'enum',
  options: { values, ignoreCase: true, ignoreSpace: true },
  input,
  invalid,
});

/** A flag, and what nobody said; `options` where it says the contrary. */
export const flag = (
  input: Expression,
  { invalid, otherwise, options }: { invalid: Invalid; otherwise: 't' | 'f'; options?: Json },
): Expression => first({ convert: 'boolean', ...(options === undefined ? {} : { options }), input, invalid }, constant(otherwise));

/** `do_not_call` the other way round. */
export const mayCall = (invalid: Invalid): Expression =>
  flag(column('do_not_call'), { invalid, otherwise: 't', options: { true: ['n', 'no', '0'], false: ['y', '1', 'on'] } });

/** Rows that were not thrown away. */
export const NOT_DELETED: Condition = { is: { column: 'deleted' }, in: ['0'] };

export const parent = (target: string, ...key: readonly Expression[]): ParentRule => ({ parent: target, key });
