const INTEGERS: readonly string[] = ['smallint', 'integer', 'bigint'];

/**
 * Whether a column may go from one type to the other (as PostgreSQL prints them) without a value being refused, rounded or cut by it.
 * Not `real` to `double precision`: what was loaded before stays rounded.
 */
export function isWider(from: string, to: string): boolean {
  if (INTEGERS.includes(from)) return INTEGERS.indexOf(to) > INTEGERS.indexOf(from);
  const before = roomOf(from);
  const after = roomOf(to);
  if (from === to || before === null || before.kind !== after?.kind) return false;
  return after.whole >= before.whole && after.fraction >= before.fraction;
}

/** Characters, or digits on either side of the point. */
type Room = { readonly kind: string; readonly whole: number; readonly fraction: number };

/** Null for other kinds. */
function roomOf(type: string): Room | null {
  const match = /^(?:text|(character varying|numeric)(?:\((\d+)(?:,(-?\d+))?\))?)$/.exec(type);
  if (match === null) return null;
  const [, kind = 'character varying', size, scale = '0'] = match;
  if (size === undefined) return { kind, whole: Infinity, fraction: Infinity };
  return { kind, whole: Number(size) - Number(scale), fraction: Number(scale) };
}
