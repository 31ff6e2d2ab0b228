import type { Clock } from '@changeover/core';

import { connectTo } from './connect.js';

const LOOK_AGAIN_MS = 100;

/** Resolves when somebody streams the changes of this database, as the database itself says. */
export async function untilFollowed(sourceUrl: string, clock: Clock, signal?: AbortSignal): Promise<void> {
  await using client = await connectTo(sourceUrl);
  for (;;) {
    signal?.throwIfAborted();
    const { rowCount } = await client.query(
      'SELECT FROM pg_replication_slots WHERE database = current_database() AND active AND NOT temporary',
    );
    if (rowCount !== 0) return;
    await clock.sleep(LOOK_AGAIN_MS, signal);
  }
}
