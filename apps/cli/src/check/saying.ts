import type { Clock } from '@changeover/core';

/** Answers that come sooner are not worth a line. */
const SILENCE_MS = 1_000;

/** Where it goes, and by whose time. */
export type Saying = { readonly clock: Clock; readonly say: (line: string) => void };

/** Says what is waited for once it takes long: nobody can tell silence from a hang. */
export async function saying<T>(what: string, { clock, say }: Saying, work: () => Promise<T>): Promise<T> {
  const done = new AbortController();
  void clock.sleep(SILENCE_MS, done.signal).then(() => {
    if (!done.signal.aborted) say(`${what} …`);
  });
  try {
    return await work();
  } finally {
    done.abort();
  }
}
