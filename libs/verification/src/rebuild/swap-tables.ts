import { ChangeoverError } from '@changeover/core';
import type { RebuiltTables, SwapReport } from '@changeover/events';

import { whileBothHeld, type BothOptions } from './both-held.js';

/** So long whoever uses the tables may have to wait behind us while we wait for others. */
const LOCK_PATIENCE_MS = 300;
/** Between two attempts that met somebody who did not let go, so that those who waited get through. */
const [FIRST_PAUSE_MS, LONGEST_PAUSE_MS] = [500, 5_000];

/** Exchanges rebuilt tables with the live ones, while both loads are held at one place; tries again while somebody uses them. TARGET_BUSY where that takes longer than our patience. */
export async function swapTables(
  tables: RebuiltTables,
  options: BothOptions,
  signal: AbortSignal,
): Promise<SwapReport & { readonly attempts: number }> {
  const { clock, patienceMs } = options;
  const began = clock.monotonic();
  for (let [attempts, pause] = [1, FIRST_PAUSE_MS]; ; attempts++, pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    const outcome = await whileBothHeld(options, signal, () => tables.swap(LOCK_PATIENCE_MS).catch(busyOnly));
    if (!(outcome instanceof ChangeoverError)) return { ...outcome, attempts };
    if (clock.monotonic() - began > patienceMs) throw outcome;
    await clock.sleep(pause, signal);
    signal.throwIfAborted();
  }
}

function busyOnly(error: unknown): ChangeoverError {
  if (error instanceof ChangeoverError && error.code === 'TARGET_BUSY') return error;
  throw error;
}
