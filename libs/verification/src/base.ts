import { ChangeoverError, type ErrorCode } from '@changeover/core';
import type { EventLog, NumbersTold, ReadPosition, StreamName, TableDigest, Verified } from '@changeover/events';

/** What a log says from a place on that it holds no more, or not whole, or that is none of its own: such as somebody may have written down. */
const NOT_TOLD: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['LOG_TRUNCATED', 'LOG_CORRUPT', 'LOG_GAP', 'LOG_RECREATED', 'LOG_MISSING']);

/** Whether the log does not tell all that was asked. */
export function isNotTold(error: unknown): error is ChangeoverError {
  return error instanceof ChangeoverError && NOT_TOLD.has(error.code);
}

/** Where both ends were compared. */
export type VerifiedPlace = Pick<Verified, 'changes' | 'writes' | 'generation'>;

/** A verification that another one builds upon: of rows that nothing has touched since, what it found out still holds. */
export type Base = VerifiedPlace & Pick<Verified, 'kind' | 'ended_ms'>;

/** What was written down in the target may have been altered there. FULL_VERIFICATION_NEEDED where the streams cannot have been at such a place. */
export async function requirePlaces(base: VerifiedPlace, { log, changes, writes }: Streams): Promise<void> {
  for (const [stream, place] of [
    [changes, base.changes],
    [writes, base.writes],
  ] as const) {
    const { seq } = await log.head(stream);
    if (!isPlace(place) || place.seq > seq) throw fullNeeded('what was written down of the last one is no place of the log');
  }
}

type Streams = { readonly log: EventLog; readonly changes: StreamName; readonly writes: StreamName };

/** Whether it is at least a place, and a digest. */
export function isReadable({ writes, numbers }: Readonly<Record<keyof NumbersTold, unknown>>): boolean {
  const { form, content } = (numbers ?? {}) as Partial<TableDigest>;
  const isForm = isCount(form?.seq) && isCount(form?.at);
  return isPlace(writes) && isForm && (content === null || (isCount(content?.rows) && /^[0-9a-f]{1,32}$/u.test(String(content?.sum))));
}

function isPlace(place: unknown): place is ReadPosition {
  const { logId, epoch, seq, at, pos, checksum } = (place ?? {}) as Readonly<Record<string, unknown>>;
  return [epoch, seq, at].every(isCount) && [logId, pos, checksum].every((value) => typeof value === 'string');
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** `now`: as it is at the target, and of `changes`. FULL_VERIFICATION_NEEDED where what lies between the two is not on record. */
export function requireSameTarget(base: VerifiedPlace, now: { readonly generation: string; readonly logId: string }): void {
  if (base.generation !== now.generation)
    throw fullNeeded('the target was taken to another place, or its tables were exchanged, since the last one');
  if (base.changes.logId !== now.logId) throw fullNeeded('the last one was of another log');
}

/** Reads on from a base: what the streams do not hold any more cannot be looked through. */
export async function sinceBase<Result>(read: () => Promise<Result>): Promise<Result> {
  try {
    return await read();
  } catch (error) {
    if (isNotTold(error)) throw fullNeeded(`the log does not tell what was since the last one (${error.code})`, error);
    throw error;
  }
}

export function fullNeeded(why: string, cause?: unknown): ChangeoverError {
  return new ChangeoverError('FULL_VERIFICATION_NEEDED', `there is no verification to build upon: ${why}`, { cause });
}
