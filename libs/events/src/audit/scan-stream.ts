import { ChangeoverError, type ErrorFacts } from '@changeover/core';

import type { MessageStore, StoredMessage, StreamName } from '../log/message-store.port.js';
import type { FindingCode } from './finding.js';

/** Offsets `[from, to)` that the store does not give, although it should hold them. */
export type LostRange = { readonly from: number; readonly to: number; readonly code: FindingCode; readonly what: string };

export type ScanStep =
  { readonly type: 'messages'; readonly messages: readonly StoredMessage[] } | { readonly type: 'lost'; readonly lost: LostRange };

/**
 * The messages of a stream as {@link MessageStore.read} gives them, and behind a place that the store cannot give those that follow it, where
 * the store says how far the damage goes. All other errors (it does not answer, it refuses us) end the scan.
 */
export async function* scanStream(
  store: MessageStore,
  stream: StreamName,
  range: { readonly from: number; readonly until: number; readonly signal: AbortSignal },
): AsyncGenerator<ScanStep> {
  const { until, signal } = range;
  let next = range.from;
  while (next < until && !signal.aborted) {
    let lost: LostRange;
    try {
      for await (const messages of store.read(stream, next, { signal, ...(until < Infinity && { until }) })) {
        next = (messages.at(-1)?.offset ?? next) + 1;
        yield { type: 'messages', messages };
      }
      return;
    } catch (error) {
      lost = lostRange(error, next, until);
    }
    // A store may know of the damage before it has delivered what lies before it.
    if (lost.from > next) yield* scanStream(store, stream, { from: next, until: lost.from, signal });
    yield { type: 'lost', lost };
    next = lost.to;
  }
}

function lostRange(error: unknown, next: number, until: number): LostRange {
  if (!(error instanceof ChangeoverError)) throw error;
  const { code, facts, message: what } = error;
  if (code === 'LOG_TRUNCATED') {
    const [from, to] = [numberOf(facts, 'from'), numberOf(facts, 'start')];
    if (from !== null && to !== null && to > from) return bounded({ from, to, code, what }, next, until);
  }
  if (code === 'LOG_CORRUPT') {
    const from = numberOf(facts, 'offset') ?? next;
    const messages = numberOf(facts, 'messages');
    // Nobody knows where it would go on.
    return bounded({ from, to: messages === null ? until : from + messages, code, what }, next, until);
  }
  throw error;
}

/** Each turn gets on by at least one message, so that none is the last one's twin for ever. */
function bounded(lost: LostRange, next: number, until: number): LostRange {
  const from = lost.from >= until ? next : Math.max(next, lost.from);
  return { ...lost, from, to: Math.min(until, Math.max(lost.to, from + 1)) };
}

function numberOf(facts: ErrorFacts, name: string): number | null {
  const value = facts[name];
  return typeof value === 'number' ? value : null;
}
