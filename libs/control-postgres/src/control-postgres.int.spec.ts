import { randomUUID } from 'node:crypto';

import { Clock, NO_POSITION } from '@changeover/core';
import { serverThatEndsAtOnce, testDatabase, type TestDatabase } from '@changeover/testing';

import { createDataSource, type ControlDatabase } from './control-database.js';
import { openControl } from './open-control.js';
import type { LeaseClaim } from './lease-keeper.js';
import type { LeaseCallbacks } from './lease.js';
import { probeControl } from './probe-control.js';
import type { RoleStatus } from './role-status.js';

const STATUS: RoleStatus = {
  state: 'running',
  position: NO_POSITION,
  seq: 7,
  rowsPerSecond: 0,
  recordsPerSecond: 0,
  lagMs: null,
  lagRecords: null,
  lastError: null,
  details: {},
};

/** Time stands still until the test says so: nothing can pass because somebody slept long enough. */
class StillClock extends Clock {
  readonly #sleepers = new Set<() => void>();
  #asleep: () => void = () => undefined;

  now(): number {
    return 0;
  }

  monotonic(): number {
    return 0;
  }

  sleep(_ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted === true) {
        resolve();
        return;
      }
      const wake = (): void => {
        this.#sleepers.delete(wake);
        resolve();
      };
      this.#sleepers.add(wake);
      signal?.addEventListener('abort', wake, { once: true });
      this.#asleep();
    });
  }

  /** Resolves as soon as `count` sleep at once. */
  async asleep(count = 1): Promise<void> {
    while (this.#sleepers.size < count) {
      await new Promise<void>((resolve) => {
        this.#asleep = resolve;
      });
    }
  }

  async wakeAll(count = 1): Promise<void> {
    await this.asleep(count);
    for (const wake of [...this.#sleepers]) wake();
  }
}

class Listening implements LeaseCallbacks {
  readonly lost: string[] = [];
  readonly trouble: string[] = [];
  readonly status = (): RoleStatus => STATUS;
  #told: () => void = () => undefined;
  readonly onLost = (error: { readonly code: string }): void => {
    this.lost.push(error.code);
    this.#told();
  };
  readonly onTrouble = (error: { readonly code: string }): void => {
    this.trouble.push(error.code);
    this.#told();
  };

  /** Register before the act; resolves at the next call back. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#told = resolve;
    });
  }
}

function claim(overrides: Partial<LeaseClaim> = {}): LeaseClaim {
  return { migration: 'crm', role: 'capture', owner: randomUUID(), takeOver: false, ...overrides };
}

let database: TestDatabase;
let clock: StillClock;
let control: ControlDatabase;

beforeEach(async () => {
  database = await testDatabase();
  clock = new StillClock();
  control = await openControl({ url: database.url, clock });
});

afterEach(async () => {
  await control[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

async function sql(text: string, parameters: unknown[] = []): Promise<Record<string, unknown>[]> {
  const client = await database.connect();
  try {
    return (await client.query<Record<string, unknown>>(text, parameters)).rows;
  } finally {
    await client.end();
  }
}

describe('openControl', () => {
  test('several processes that start at once migrate once', async () => {
    await sql('DROP SCHEMA changeover_control CASCADE');
    const opened = await Promise.all(Array.from({ length: 5 }, () => openControl({ url: database.url })));
    for (const one of opened) await one[Symbol.asyncDispose]();
    expect(await sql('SELECT name FROM changeover_control.migration')).toHaveLength(1);
  });

  test('the entities say what the migrations made', async () => {
    const source = await createDataSource(database.url).initialize();
    try {
      const differences = async (): Promise<string[]> =>
        (await source.driver.createSchemaBuilder().log()).upQueries.map(({ query }) => query);
      expect(await differences()).toEqual([]);
      await sql('ALTER TABLE changeover_control.lease DROP COLUMN status');
      expect(await differences()).toHaveLength(1);
    } finally {
      await source.destroy();
    }
  });

  test('a closed port is CONTROL_UNREACHABLE; a missing database or privilege is CONTROL_DENIED', async () => {
    const elsewhere = new URL(database.url);
    elsewhere.port = '1';
    await expect(openControl({ url: elsewhere.href })).rejects.toMatchObject({ code: 'CONTROL_UNREACHABLE' });

    const missing = new URL(database.url);
    missing.pathname = '/no_such_database';
    await expect(openControl({ url: missing.href })).rejects.toMatchObject({ code: 'CONTROL_DENIED' });

    const user = `nobody_${randomUUID().slice(0, 8)}`;
    await sql(`DROP SCHEMA changeover_control CASCADE; CREATE ROLE ${user} LOGIN PASSWORD 'right'`);
    const denied = new URL(database.url);
    denied.username = user;
    denied.password = 'right';
    await expect(openControl({ url: denied.href })).rejects.toMatchObject({ code: 'CONTROL_DENIED', facts: { sqlState: '42501' } });
    await sql(`DROP ROLE ${user}`);
  });
});

describe('probeControl', () => {
  test('says what is there and, where it may not be used, the line that grants it; changes nothing', async () => {
    expect(await probeControl(database.url)).toMatchObject({ hasSchema: true, mayUse: true });
    const user = `nobody_${randomUUID().slice(0, 8)}`;
    await sql(`CREATE ROLE ${user} LOGIN PASSWORD 'right'`);
    const url = new URL(database.url);
    url.username = user;
    url.password = 'right';
    expect(await probeControl(url.href)).toMatchObject({
      hasSchema: true,
      mayUse: false,
      grant: `ALTER SCHEMA "changeover_control" OWNER TO "${user}";`,
    });
    await sql('DROP SCHEMA changeover_control CASCADE');
    const { mayUse, grant } = await probeControl(url.href);
    expect(mayUse).toBe(false);
    await sql(grant);
    expect(await probeControl(url.href)).toMatchObject({ hasSchema: false, mayUse: true });
    await (await openControl({ url: url.href }))[Symbol.asyncDispose]();
    expect(await probeControl(url.href)).toMatchObject({ hasSchema: true, mayUse: true });
    await sql(`DROP OWNED BY ${user} CASCADE; DROP ROLE ${user}`);
  });
});

describe('leases', () => {
  test('of twenty processes that try at once, one gets it', async () => {
    const others = await Promise.all(Array.from({ length: 4 }, () => openControl({ url: database.url, clock })));
    const tries = Array.from({ length: 20 }, (_, index) => {
      const from = others[index % others.length] ?? control;
      return from.leases.acquire(claim(), new Listening()).then(
        () => 'taken',
        (error: unknown) => (error as { readonly code: string }).code,
      );
    });
    const outcome = (await Promise.all(tries)).sort();
    expect(outcome).toEqual([...Array.from({ length: 19 }, () => 'ALREADY_RUNNING'), 'taken']);
    for (const other of others) await other[Symbol.asyncDispose]();
  });

  test('roles and migrations do not hinder each other, and the same owner may ask again', async () => {
    const mine = claim();
    await control.leases.acquire(mine, new Listening());
    await control.leases.acquire(mine, new Listening());
    await control.leases.acquire(claim({ role: 'load' }), new Listening());
    await control.leases.acquire(claim({ migration: 'other' }), new Listening());
    expect((await control.leases.statuses('crm')).map(({ role }) => role)).toEqual(['capture', 'load']);
  });

  test.each([
    ['5 seconds', false],
    ['7 seconds', true],
  ])('a lease renewed %s ago by the database’s clock can be taken: %s', async (age, free) => {
    await control.leases.acquire(claim(), new Listening());
    await sql('UPDATE changeover_control.lease SET renewed_at = clock_timestamp() - $1::interval', [age]);
    expect((await control.leases.statuses('crm'))[0]?.health).toBe(free ? 'silent' : 'live');
    const second = control.leases.acquire(claim(), new Listening());
    await (free ? expect(second).resolves.toBeDefined() : expect(second).rejects.toMatchObject({ code: 'ALREADY_RUNNING' }));
  });

  test('a released lease is free at once and keeps its last status', async () => {
    const lease = await control.leases.acquire(claim(), new Listening());
    await lease[Symbol.asyncDispose]();
    expect(await control.leases.statuses('crm')).toMatchObject([{ role: 'capture', health: 'stopped', status: { seq: 7 } }]);
    await control.leases.acquire(claim(), new Listening());
    expect(await control.leases.statuses('crm')).toMatchObject([{ health: 'live' }]);
  });

  test('taken over: the first owner hears it at its next renewal, stops renewing, and does not release the other’s lease', async () => {
    const first = new Listening();
    const lost = await control.leases.acquire(claim(), first);
    const other = claim({ takeOver: true });
    await using second = await openControl({ url: database.url });
    await using _held = await second.leases.acquire(other, new Listening());
    const heard = first.next();
    await clock.wakeAll();
    await heard;
    expect(first.lost).toEqual(['FENCED']);
    await lost[Symbol.asyncDispose]();
    expect(await control.leases.statuses('crm')).toMatchObject([{ owner: other.owner, health: 'live' }]);
  });

  test('trouble is told and outlived; a row that vanished comes back', async () => {
    const callbacks = new Listening();
    const mine = claim();
    await using _lease = await control.leases.acquire(mine, callbacks);
    await clock.asleep();
    await sql('ALTER TABLE changeover_control.lease RENAME TO hidden');
    const told = callbacks.next();
    await clock.wakeAll();
    await told;
    expect(callbacks.trouble).toHaveLength(1);
    await sql('ALTER TABLE changeover_control.hidden RENAME TO lease');
    await sql('DELETE FROM changeover_control.lease');
    await clock.wakeAll();
    await clock.asleep();
    expect(await control.leases.statuses('crm')).toMatchObject([{ owner: mine.owner, health: 'live' }]);
    expect(callbacks.lost).toEqual([]);
  });
});

describe('requests', () => {
  const barrier = (id: string, token = 't') => ({ migration: 'crm', id, kind: 'barrier', payload: { token } }) as const;

  test('the same request twice counts once; the same id for something else is refused', async () => {
    const id = randomUUID();
    expect(await control.requests.submit(barrier(id))).toBe(1);
    expect(await control.requests.submit(barrier(randomUUID()))).toBe(2);
    expect(await control.requests.submit(barrier(id))).toBe(1);
    await expect(control.requests.submit(barrier(id, 'other'))).rejects.toMatchObject({ code: 'REQUEST_CONFLICT' });
    expect(await control.requests.after('crm', 0)).toHaveLength(2);
    expect(await control.requests.after('crm', 1)).toMatchObject([{ ordinal: 2, kind: 'barrier', payload: { token: 't' } }]);
    expect(await control.requests.after('other', 0)).toEqual([]);
  });

  test('an ordinal never becomes visible after a higher one: a submitter waits for the one before it', async () => {
    const slow = await database.connect();
    await slow.query('BEGIN');
    await slow.query(`SELECT pg_advisory_xact_lock(hashtextextended('changeover_control.request crm', 0))`);
    await slow.query(`INSERT INTO changeover_control.request VALUES ('crm', 1, gen_random_uuid(), 'barrier', '{}')`);
    const second = control.requests.submit(barrier(randomUUID()));
    const waiting = `SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`;
    while ((await sql(waiting)).length === 0);
    expect(await control.requests.after('crm', 0)).toEqual([]);
    await slow.query('COMMIT');
    await slow.end();
    expect(await second).toBe(2);
  });

  test('a reader beside concurrent submitters sees every request once and in order', async () => {
    const stop = new AbortController();
    const seen: number[] = [];
    const reading = (async () => {
      for await (const { ordinal } of control.requests.requests('crm', 0, { signal: stop.signal })) {
        seen.push(ordinal);
        if (seen.length === 150) stop.abort();
      }
    })();
    const others = await Promise.all(Array.from({ length: 3 }, () => openControl({ url: database.url })));
    await Promise.all(
      others.map(async (other) => {
        for (let index = 0; index < 50; index++) await other.requests.submit(barrier(randomUUID()));
      }),
    );
    await reading;
    expect(seen).toEqual(Array.from({ length: 150 }, (_, index) => index + 1));
    for (const other of others) await other[Symbol.asyncDispose]();
  });

  test('a waiting reader is woken by the submit, and survives the loss of its connection', async () => {
    const stop = new AbortController();
    const trouble: string[] = [];
    const reader = control.requests.requests('crm', 0, { signal: stop.signal, onTrouble: ({ code }) => trouble.push(code) });
    const first = reader.next();
    // The clock stands still: only NOTIFY can end this sleep.
    await clock.asleep();
    await control.requests.submit(barrier(randomUUID()));
    expect(await first).toMatchObject({ value: { ordinal: 1 } });

    const second = reader.next();
    await clock.asleep();
    await sql(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'changeover-control-listen' AND datname = current_database()`,
    );
    while (trouble.length === 0) await clock.asleep().then(() => new Promise(setImmediate));
    await control.requests.submit(barrier(randomUUID()));
    await clock.wakeAll();
    expect(await second).toMatchObject({ value: { ordinal: 2 } });
    expect(trouble).toEqual(['CONTROL_UNREACHABLE']);

    const third = reader.next();
    await clock.asleep();
    stop.abort();
    expect(await third).toMatchObject({ done: true });
  });

  test('a connection that ended as it began is told, and does not end the process', async () => {
    await using server = await serverThatEndsAtOnce();
    await expect(openControl({ url: server.url, clock })).rejects.toMatchObject({
      code: 'CONTROL_UNREACHABLE',
    });
  });
});
