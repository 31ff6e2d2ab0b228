import { applyDecorators, Catch, UseFilters, type RpcExceptionFilter } from '@nestjs/common';
import { MessagePattern, Server, type CustomTransportStrategy, type MessageHandler } from '@nestjs/microservices';
import { ChangeoverError, invariant } from '@changeover/core';
import { isObservable, lastValueFrom, throwError, type Observable } from 'rxjs';

import type { RunningTask } from '../process/running-task.js';

/** The one pattern under which batches are given. */
const RECORDS = 'records';

/**
 * Where batches come from. `run` gives them to `handler` one at a time and in order, goes on when the handler has
 * resolved, and only then counts the batch as done; what the handler rejects with ends it. Ends when `signal` aborts.
 */
export type RecordFeed = {
  run(handler: (batch: unknown) => Promise<void>, signal: AbortSignal): Promise<void>;
};

/** Nest would put an error of its own, without code or cause, in the place of ours. */
@Catch()
class PassErrorsOn implements RpcExceptionFilter {
  catch(error: unknown): Observable<never> {
    return throwError(() => error);
  }
}

/** Marks the method of a controller that {@link LogTransport} gives batches to. */
export function HandlesRecords(): MethodDecorator {
  return applyDecorators(MessagePattern(RECORDS), UseFilters(PassErrorsOn));
}

/**
 * Nest's microservice transport over our log: it starts, supervises and stops a feed and gives each batch to the one
 * handler. No guards, pipes or interceptors belong on that way: it is the data path, with one call per batch.
 */
export class LogTransport extends Server implements CustomTransportStrategy {
  readonly #feed: RecordFeed;
  readonly #task: RunningTask;

  constructor(feed: RecordFeed, task: RunningTask) {
    super();
    this.#feed = feed;
    this.#task = task;
  }

  listen(callback: () => void): void {
    const handler = this.getHandlerByPattern(RECORDS);
    invariant(handler !== null, 'no controller handles records');
    this.#task.start({ run: (signal) => this.#feed.run((batch) => give(handler, batch), signal) });
    callback();
  }

  /** Resolves when the batch in hand is finished. */
  close(): Promise<void> {
    return this.#task.stop();
  }

  /** There are no events to listen to: the task's end tells all. */
  on(): void {
    // Part of Nest's contract.
  }

  /** No client library stands behind it. */
  unwrap(): never {
    throw new ChangeoverError('INTERNAL', 'the log transport has nothing to unwrap');
  }
}

/**
 * A handler's throw comes back as a *resolved* Observable that errors; whoever does not subscribe takes a lost batch for a
 * finished one.
 */
async function give(handler: MessageHandler, batch: unknown): Promise<void> {
  const result: unknown = await handler(batch);
  if (isObservable(result)) await lastValueFrom(result, { defaultValue: undefined });
}
