/** Lets timers, sockets and what was committed go on; rejects with the signal's reason once it is aborted. */
export async function nextTurn(signal?: AbortSignal): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  signal?.throwIfAborted();
}
