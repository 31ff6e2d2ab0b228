import type { Clock } from '@changeover/core';
import type pg from 'pg';

import { destroySession } from '../session.js';

const MOST_MS = 15_000;

/** What the session answers; a session that does not answer in time is given up, and what was asked of it rejects. */
export async function inTime<Answer>(client: pg.Client, clock: Clock, answer: Promise<Answer>): Promise<Answer> {
  const answered = new AbortController();
  void clock.sleep(MOST_MS, answered.signal).then(() => {
    if (!answered.signal.aborted) destroySession(client);
  });
  try {
    return await answer;
  } finally {
    answered.abort();
  }
}
