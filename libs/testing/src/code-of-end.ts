import { ChangeoverError, type ErrorCode } from '@changeover/core';

/** The code of the error that ended it; null: it ended without one. Rejects with any error that is not ours. */
export function codeOfEnd(run: Promise<unknown>): Promise<ErrorCode | null> {
  return run.then(
    () => null,
    (error: unknown) => {
      if (!(error instanceof ChangeoverError)) throw error;
      return error.code;
    },
  );
}
