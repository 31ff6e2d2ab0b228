import { ChangeoverError, RandomIdSource, SystemClock, asChangeoverError, type Clock, type IdSource } from '@changeover/core';
import { openControl, type ControlDatabase, type RequestQueue, type Role, type RoleStatus } from '@changeover/control-postgres';
import { supervise, type SupervisedLoop } from '@changeover/pipeline';
import type { DynamicModule, Type } from '@nestjs/common';

import { createApp } from '../nest/create-app.js';
import type { LogTransport } from '../nest/log-transport.js';
import type { Log } from '../logging/log.js';
import type { CaptureSettings } from '../settings/schema.js';
import { RoleTelemetry } from '../telemetry/role-telemetry.js';
import { acquireLease } from './acquire-lease.js';
import { RunningTask } from './running-task.js';

/** What every role's settings have. */
type CommonSettings = Pick<CaptureSettings, 'migration' | 'control' | 'http'>;

/** How a role is started, from its own process or from `changeover up`. */
export type StartOptions = {
  readonly log: Log;
  /** Ends the start while it waits for the control database. A role that has started is ended by `stop`. */
  readonly signal: AbortSignal;
  readonly takeOver: boolean;
  readonly clock?: Clock;
  readonly ids?: IdSource;
};

export type RunningRole = {
  readonly role: Role;
  /** Resolves when the role has ended in order, rejects with the error of policy `stop` that ended it. */
  readonly done: Promise<void>;
  status(): RoleStatus;
  /** Drains and releases everything; also needed after `done`. Never rejects, and may be called again. */
  stop(): Promise<void>;
};

export type StartRole<Settings> = (settings: Settings, options: StartOptions) => Promise<RunningRole>;

/** What a role is composed from. */
export type RoleContext = {
  readonly telemetry: RoleTelemetry;
  readonly task: RunningTask;
  readonly requests: RequestQueue;
  readonly log: Log;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly takeOver: boolean;
};

/** A composed role: its Nest module, and what moves it: a loop of its own, or a transport that gives records to its controller. */
export type RoleParts = {
  readonly module: Type | DynamicModule;
  readonly moves: { readonly loop: SupervisedLoop } | { readonly transport: LogTransport };
  /** Closes what the role opened, after its loop has drained. */
  stop(): Promise<void>;
};

/** How often a lasting trouble with the control database is told. */
const TELL_TROUBLE_MS = 30_000;
/** As often as capture tells. */
const WATCH_CAPTURE_MS = 2_000;

/**
 * Starts a role: control database, lease (ALREADY_RUNNING if another process has it), the role's own parts, health and
 * metrics, and last the loop. Stops in reverse order. While the control database is away before the lease is had, it waits.
 */
export async function startRole(
  role: Role,
  settings: CommonSettings,
  options: StartOptions,
  compose: (context: RoleContext) => Promise<RoleParts> | RoleParts,
): Promise<RunningRole> {
  const { migration, http } = settings;
  const { clock = new SystemClock(), ids = new RandomIdSource(), takeOver } = options;
  const log = options.log.as(role);
  const telemetry = new RoleTelemetry({ migration, role, log, clock });
  const task = new RunningTask({ telemetry, clock, ids });
  const opened = new Opened(log);
  try {
    const control = await untilControl(settings.control.url, { ...options, log, clock, ids });
    opened.add(() => control[Symbol.asyncDispose]());
    const lease = await acquireLease(control.leases, {
      claim: { migration, role, owner: ids.uuid(), takeOver },
      callbacks: {
        status: () => telemetry.status(),
        onLost: (error) => {
          task.fail(error);
        },
        onTrouble: tellSometimes(log, clock),
      },
      clock,
      signal: options.signal,
    });
    opened.add(() => lease[Symbol.asyncDispose]());
    if (role !== 'capture') opened.add(watchCapture(control, { migration, telemetry, clock }));
    const parts = await compose({ telemetry, task, requests: control.requests, log, clock, ids, takeOver });
    opened.add(() => parts.stop());
    const { module, moves } = parts;
    const transport = 'transport' in moves ? { transport: moves.transport } : {};
    const app = await createApp({ module, telemetry, task, log, http: { host: http.host, port: http.ports[role] }, ...transport });
    opened.add(() => app.close());
    if ('loop' in moves) task.start(moves.loop);
    return { role, done: task.done, status: () => telemetry.status(), stop: () => opened.close() };
  } catch (error) {
    await opened.close();
    throw error;
  }
}

/** What was opened, to be closed in reverse order, once, whatever fails on the way. */
class Opened {
  readonly #log: Log;
  readonly #closers: (() => Promise<void>)[] = [];
  #closing: Promise<void> | undefined;

  constructor(log: Log) {
    this.#log = log;
  }

  add(close: () => Promise<void>): void {
    this.#closers.push(close);
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<void> {
    for (const close of this.#closers.reverse()) {
      try {
        await close();
      } catch (error) {
        this.#log.failure('warn', asChangeoverError(error));
      }
    }
  }
}

type ControlWait = { readonly log: Log; readonly signal: AbortSignal; readonly clock: Clock; readonly ids: IdSource };

async function untilControl(url: string, { log, signal, clock, ids }: ControlWait): Promise<ControlDatabase> {
  let control: ControlDatabase | undefined;
  const run = async (): Promise<void> => {
    control = await openControl({ url, clock });
  };
  await supervise(
    { run },
    {
      signal,
      clock,
      ids,
      onRetry: ({ error, attempt, delayMs, troubledMs, loudness }) => {
        log.failure(loudness, error, { attempt, delayMs, troubledMs });
      },
    },
  );
  if (control === undefined) throw new ChangeoverError('CONTROL_UNREACHABLE', 'stopped before the control database answered');
  return control;
}

/** Capture says in its lease row how many records there are; the others know how many of these they have done. Gives how to stop. */
function watchCapture(
  control: ControlDatabase,
  { migration, telemetry, clock }: { readonly migration: string; readonly telemetry: RoleTelemetry; readonly clock: Clock },
): () => Promise<void> {
  const stop = new AbortController();
  const watching = (async () => {
    while (!stop.signal.aborted) {
      try {
        const capture = (await control.leases.statuses(migration)).find((lease) => lease.role === 'capture');
        if (capture !== undefined) telemetry.captured(capture.status.seq);
      } catch {
        // The lease tells of trouble with the control database already.
      }
      await clock.sleep(WATCH_CAPTURE_MS, stop.signal);
    }
  })();
  return () => {
    stop.abort();
    return watching;
  };
}

/** The data path goes on without the control database; who looks after it must hear so, but not every two seconds. */
function tellSometimes(log: Log, clock: Clock): (error: ChangeoverError) => void {
  let toldAt = -Infinity;
  return (error) => {
    const due = clock.monotonic() - toldAt >= TELL_TROUBLE_MS;
    if (due) toldAt = clock.monotonic();
    log.failure(due ? 'warn' : 'debug', error);
  };
}
