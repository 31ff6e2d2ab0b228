/** What a command that was told to stop exits with. */
export const INTERRUPTED = 130;

/** Whether `error` is what those throw who were told to stop by `signal`, and nothing that went wrong meanwhile. */
export function isInterruption(error: unknown, signal: AbortSignal): boolean {
  return signal.aborted && (error === signal.reason || (error instanceof Error && error.name === 'AbortError'));
}
