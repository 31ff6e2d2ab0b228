import { setImmediate } from 'node:timers/promises';

import { ChangeoverError, RandomIdSource, SystemClock } from '@changeover/core';
import { Controller, Module } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { isObservable } from 'rxjs';

import { Log } from '../logging/log.js';
import { RunningTask } from '../process/running-task.js';
import { RoleTelemetry } from '../telemetry/role-telemetry.js';
import { createApp } from './create-app.js';
import { HandlesRecords, LogTransport, type RecordFeed } from './log-transport.js';

/** Gives batches 1, 2, 3 … as a log would: acknowledges what was handled, ends with what the handler threw. */
class CountingFeed implements RecordFeed {
  readonly given: number[] = [];
  readonly acknowledged: number[] = [];

  constructor(readonly batches: number) {}

  async run(handler: (batch: unknown) => Promise<void>, signal: AbortSignal): Promise<void> {
    for (let batch = 1; batch <= this.batches && !signal.aborted; batch++) {
      this.given.push(batch);
      await handler(batch);
      this.acknowledged.push(batch);
    }
    if (!signal.aborted)
      await new Promise((resolve) => {
        signal.addEventListener('abort', resolve);
      });
  }
}

let handle: (batch: unknown) => Promise<void>;

@Controller()
class RecordsController {
  @HandlesRecords()
  async records(batch: unknown): Promise<void> {
    await handle(batch);
  }
}

@Module({ controllers: [RecordsController] })
class HandlingModule {}

@Module({})
class EmptyModule {}

const UNFILTERED = 'unfiltered';

@Controller()
class UnfilteredController {
  @MessagePattern(UNFILTERED)
  async records(batch: unknown): Promise<void> {
    await handle(batch);
  }
}

@Module({ controllers: [UnfilteredController] })
class UnfilteredModule {}

function setUp() {
  const lines: string[] = [];
  const clock = new SystemClock();
  const log = Log.open({ level: 'info', migration: 'crm', role: 'load', destination: { write: (line) => lines.push(line) } });
  const telemetry = new RoleTelemetry({ migration: 'crm', role: 'load', log, clock });
  const task = new RunningTask({ telemetry, clock, ids: new RandomIdSource() });
  return { lines, log, telemetry, task, http: { host: '127.0.0.1', port: 0 } };
}

describe('LogTransport', () => {
  test('batches go to the handler one at a time; closing waits for the one in hand', async () => {
    const { task, ...options } = setUp();
    const feed = new CountingFeed(3);
    const seen: unknown[] = [];
    let atOnce = 0;
    handle = async (batch) => {
      atOnce++;
      await setImmediate();
      expect(atOnce).toBe(1);
      atOnce--;
      seen.push(batch);
    };
    const app = await createApp({ ...options, task, module: HandlingModule, transport: new LogTransport(feed, task) });
    await app.close();
    await task.done;
    expect(seen).toEqual(feed.acknowledged);
    expect(feed.given).toEqual(feed.acknowledged);
  });

  test('a handler that throws stops the feed with its own error, and nothing is acknowledged', async () => {
    const { task, lines, ...options } = setUp();
    const feed = new CountingFeed(3);
    const failure = new ChangeoverError('TARGET_CHANGED', 'a column is gone');
    handle = (batch) => (batch === 2 ? Promise.reject(failure) : Promise.resolve());
    const app = await createApp({ ...options, task, module: HandlingModule, transport: new LogTransport(feed, task) });
    await expect(task.done).rejects.toBe(failure);
    expect([feed.given, feed.acknowledged]).toEqual([[1, 2], [1]]);
    expect(options.telemetry.state).toBe('failed');
    expect(lines.join()).toContain('TARGET_CHANGED');
    await app.close();
  });

  test('the trap is real: to who does not subscribe, Nest’s handler resolves although the method threw', async () => {
    const { task, ...options } = setUp();
    handle = () => Promise.reject(new ChangeoverError('TARGET_CHANGED', 'a column is gone'));
    const transport = new LogTransport(new CountingFeed(0), task);
    const app = await createApp({
      ...options,
      task,
      module: { module: EmptyModule, imports: [HandlingModule, UnfilteredModule] },
      transport,
    });
    const handler = transport.getHandlerByPattern(UNFILTERED);
    expect(isObservable(await handler?.(1))).toBe(true);
    await app.close();
  });

  test('without a handler the application does not start', async () => {
    const { task, ...options } = setUp();
    const feed = new CountingFeed(1);
    await expect(createApp({ ...options, task, module: EmptyModule, transport: new LogTransport(feed, task) })).rejects.toMatchObject({
      code: 'INTERNAL',
    });
    expect(feed.given).toEqual([]);
  });
});

describe('RunningTask', () => {
  test('an error from elsewhere ends the loop and is what done tells', async () => {
    const { task, telemetry } = setUp();
    task.start({
      run: (signal) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => {
            resolve();
          });
        }),
    });
    expect(telemetry.state).toBe('running');
    task.fail(new ChangeoverError('FENCED', 'taken over'));
    await expect(task.done).rejects.toMatchObject({ code: 'FENCED' });
    await task.stop();
  });

  test('what the loop throws once it was ended from elsewhere is only an echo', async () => {
    const { task } = setUp();
    task.start({
      run: (signal) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            reject(new ChangeoverError('LOG_GAP', 'echo'));
          });
        }),
    });
    task.fail(new ChangeoverError('FENCED', 'taken over'));
    await expect(task.done).rejects.toMatchObject({ code: 'FENCED' });
  });

  test('a retry is told, and the next progress ends the trouble', async () => {
    const { task, telemetry, lines } = setUp();
    let runs = 0;
    task.start({
      run: () => {
        if (runs++ === 0) return Promise.reject(new ChangeoverError('LOG_UNREACHABLE', 'away'));
        telemetry.advanced({ records: 1, rows: 0, bytes: 0, seq: 1, changesSeq: 1, position: '0/1', ts_ms: null });
        return Promise.resolve();
      },
    });
    await task.done;
    const told = lines.map((line) => (JSON.parse(line) as { msg: string }).msg);
    expect(told).toEqual(['running', 'away', 'goes on again', 'stopped']);
  });
});

describe('health and metrics', () => {
  test('ready while the loop runs, live until it failed', async () => {
    const { task, telemetry, ...options } = setUp();
    const app = await createApp({ ...options, telemetry, task, module: EmptyModule });
    const url = await app.getUrl();
    const ask = async (path: string): Promise<number> => (await fetch(`${url}/health/${path}`)).status;
    expect([await ask('live'), await ask('ready')]).toEqual([200, 503]);
    telemetry.entered('running');
    expect([await ask('live'), await ask('ready')]).toEqual([200, 200]);
    expect(await (await fetch(`${url}/health/ready`)).json()).toMatchObject({ state: 'running', seq: 0 });
    telemetry.failed(new ChangeoverError('FENCED', 'other'));
    expect([await ask('live'), await ask('ready')]).toEqual([503, 503]);
    const metrics = await fetch(`${url}/metrics`);
    expect(metrics.headers.get('content-type')).toContain('text/plain');
    expect(await metrics.text()).toContain('changeover_running{migration="crm",role="load"} 0');
    await app.close();
  });

  test('a port that is taken is BAD_SETTINGS that names it', async () => {
    const first = setUp();
    const app = await createApp({ ...first, module: EmptyModule });
    const port = Number(new URL(await app.getUrl()).port);
    const second = setUp();
    const error: unknown = await createApp({ ...second, module: EmptyModule, http: { host: '127.0.0.1', port } }).catch(
      (caught: unknown) => caught,
    );
    expect(error).toMatchObject({ code: 'BAD_SETTINGS', facts: { port } });
    await app.close();
  });

  test('a fence ends it, unless the role is still ours: then it goes on', async () => {
    const fenced = (): Promise<never> => Promise.reject(new ChangeoverError('FENCED', 'a higher epoch'));
    const replaced = setUp();
    replaced.task.start({ run: fenced });
    await expect(replaced.task.done).rejects.toMatchObject({ code: 'FENCED' });

    const disturbed = setUp();
    disturbed.task.isOurs = () => Promise.resolve(true);
    let runs = 0;
    disturbed.task.start({ run: () => (runs++ === 0 ? fenced() : Promise.resolve()) });
    await disturbed.task.done;
    expect(runs).toBe(2);
    expect(disturbed.lines.some((line) => (JSON.parse(line) as { code?: string }).code === 'DISTURBED')).toBe(true);
  });
});
