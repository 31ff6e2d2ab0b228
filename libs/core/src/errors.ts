import { ERROR_PAGES, type ErrorCode, type ErrorPolicy } from './error-pages.js';

/** Facts of one occurrence: names, counts, positions. Never a record's field values, never a secret. */
export type ErrorFacts = Readonly<Record<string, string | number | boolean | null>>;

/**
 * The only error we throw. The code is stable and has a page (`docs/reference/errors.md` is rendered from
 * {@link ERROR_PAGES}); the message says what happened here, the page's next step says what to do about it.
 */
export class ChangeoverError extends Error {
  readonly code: ErrorCode;
  readonly facts: ErrorFacts;

  constructor(code: ErrorCode, message: string, options: { readonly facts?: ErrorFacts; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ChangeoverError';
    this.code = code;
    this.facts = options.facts ?? {};
  }

  /** What the supervised loop does with it. */
  get policy(): ErrorPolicy {
    return ERROR_PAGES[this.code].policy;
  }

  /** What the operator does about it. */
  get nextStep(): string {
    return ERROR_PAGES[this.code].nextStep;
  }
}

/** `error` itself when it is one of ours, else wrapped under `code` with the original as cause. */
export function asChangeoverError(error: unknown, code: ErrorCode = 'INTERNAL'): ChangeoverError {
  if (error instanceof ChangeoverError) return error;
  return new ChangeoverError(code, messageOf(error), { cause: error });
}

/** By shape, not by class: an error of another realm (a worker, a sandbox) is no instance of our Error. */
function messageOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : String(error);
}
