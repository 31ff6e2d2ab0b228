import { ChangeoverError, type Position } from '@changeover/core';
import { parseRows, type ChangeSource, type HeldSource, type SourceEvent } from '@changeover/events';

/** An empty database of its own with the tables `item` and `other` (`id` integer key, `name` text), both captured. */
export type ChangeSourceBed = AsyncDisposable & {
  /** A source of its own on the same database and migration, as another process has. */
  source(): ChangeSource;
  /** Runs the statements in one transaction of their own. */
  transaction(...statements: string[]): Promise<void>;
  /** As {@link transaction}, but taken back at the end. */
  rolledBack(...statements: string[]): Promise<void>;
};

export async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof ChangeoverError) return error.code;
    throw error;
  }
  return 'no error';
}

/** Reads a hold's events in the background, and lets a test wait for what it caused. */
export class EventFollower implements AsyncDisposable {
  readonly events: SourceEvent[] = [];
  readonly #abort = new AbortController();
  readonly #done: Promise<void>;
  #error: unknown;
  #ended = false;
  #look: () => void = () => undefined;

  constructor(held: HeldSource, after: Position = held.confirmed, unseen: readonly string[] = []) {
    this.#done = this.#follow(held.events(after, this.#abort.signal, unseen));
  }

  /** Where the last of the events leads. */
  get position(): Position | undefined {
    const last = this.events.findLast((event) => 'position' in event);
    return last?.position;
  }

  /** Resolves with all events as soon as `enough` of them are there; rejects with the error that ended the stream. */
  until(enough: (events: readonly SourceEvent[]) => boolean): Promise<readonly SourceEvent[]> {
    return new Promise((resolve, reject) => {
      this.#look = () => {
        if (enough(this.events)) resolve(this.events);
        else if (this.#ended)
          reject(this.#error instanceof Error ? this.#error : new ChangeoverError('INTERNAL', 'the stream ended without an error'));
      };
      this.#look();
    });
  }

  commits(count: number): Promise<readonly SourceEvent[]> {
    return this.until((events) => events.filter((event) => event.type === 'commit').length >= count);
  }

  marked(token: string): Promise<readonly SourceEvent[]> {
    return this.until((events) => events.some((event) => event.type === 'mark' && event.token === token));
  }

  /** The code of the error that ends the stream. */
  async endsWith(): Promise<string> {
    return codeOf(this.until(() => false));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#done;
  }

  async #follow(events: AsyncIterable<readonly SourceEvent[]>): Promise<void> {
    try {
      for await (const batch of events) {
        this.events.push(...batch);
        this.#look();
      }
    } catch (error) {
      this.#error = error;
    }
    this.#ended = true;
    this.#look();
  }
}

/** What a reader of rows wants to know: `c item 1,one`. Transactions end with `--`. */
export function told(events: readonly SourceEvent[]): string[] {
  return events.flatMap((event) => {
    if (event.type === 'commit') return ['--'];
    if (event.type !== 'rows') return [];
    const lines = parseRows(event.rows).map((line) => line.map((value) => value ?? (value === null ? '∅' : '…')).join());
    return lines.length === 0 ? [`${event.op} ${event.table.table}`] : lines.map((line) => `${event.op} ${event.table.table} ${line}`);
  });
}

/** What every source promises (see the port). */
export function changeSourceContract(name: string, open: () => Promise<ChangeSourceBed>): void {
  describe(`${name} as a change source`, () => {
    it('gives transactions in commit order, each position above the one before', async () => {
      await using bed = await open();
      const source = bed.source();
      const { start, tablesWithRows } = await source.create();
      expect(tablesWithRows).toEqual([]);
      await using held = await source.hold({ takeOver: false });
      expect(held.confirmed).toBe(start);
      await using follower = new EventFollower(held);
      await bed.transaction("insert into item values (1, 'one'), (2, null)", "insert into other values (1, 'o')");
      await bed.rolledBack("insert into item values (9, 'never')");
      await bed.transaction("update item set name = 'uno' where id = 1", 'delete from item where id = 2');
      const events = await follower.commits(2);
      expect(told(events)).toEqual(['c item 1,one', 'c item 2,∅', 'c other 1,o', '--', 'u item 1,uno', 'd item 2,…', '--']);
      const positions = events.flatMap((event) => ('position' in event ? [event.position] : []));
      expect([start, ...positions]).toEqual([...new Set([start, ...positions])].sort());
      expect(events.filter((event) => event.type === 'begin')).toHaveLength(2);
      await source.stop();
    });

    it('brings a mark back behind all that was committed before it', async () => {
      await using bed = await open();
      const source = bed.source();
      await source.create();
      await using held = await source.hold({ takeOver: false });
      await using follower = new EventFollower(held);
      await bed.transaction("insert into item values (1, 'one')");
      await held.mark('token-1');
      const events = await follower.marked('token-1');
      const shape = events.filter((event) => event.type !== 'keepalive').map((event) => event.type);
      expect(shape).toEqual(['begin', 'rows', 'commit', 'mark']);
      await source.stop();
    });

    it('begins behind the position asked for, and sends again what was not acknowledged', async () => {
      await using bed = await open();
      const source = bed.source();
      const { start } = await source.create();
      let first: Position | undefined;
      {
        await using held = await source.hold({ takeOver: false });
        await using follower = new EventFollower(held);
        await bed.transaction("insert into item values (1, 'one')");
        await bed.transaction("insert into item values (2, 'two')");
        const events = await follower.commits(2);
        first = events.flatMap((event) => (event.type === 'commit' ? [event.position] : []))[0];
      }
      expect(await source.kept()).toEqual({ confirmed: start });
      {
        await using held = await source.hold({ takeOver: false });
        expect(held.confirmed).toBe(start);
        await using follower = new EventFollower(held, first);
        expect(told(await follower.commits(1))).toEqual(['c item 2,two', '--']);
        held.acknowledge(first as Position);
      }
      expect(await source.kept()).toEqual({ confirmed: first });
      await using held = await source.hold({ takeOver: false });
      await using follower = new EventFollower(held);
      expect(told(await follower.commits(1))).toEqual(['c item 2,two', '--']);
      await source.stop();
    });

    it('refuses to go back before what was acknowledged, and to acknowledge what was never given', async () => {
      await using bed = await open();
      const source = bed.source();
      const { start } = await source.create();
      await using held = await source.hold({ takeOver: false });
      const never = `${start}~` as Position;
      expect(await codeOf(Promise.resolve().then(() => held.acknowledge(never)))).toBe('INTERNAL');
      expect(await codeOf(new EventFollower(held, '' as Position).until(() => false))).toBe('SOURCE_LOST');
      await source.stop();
    });

    it('is held by one at a time; a take-over ends the other, whose events reject', async () => {
      await using bed = await open();
      const [first, second] = [bed.source(), bed.source()];
      await first.create();
      await using held = await first.hold({ takeOver: false });
      await using follower = new EventFollower(held);
      expect(await codeOf(second.hold({ takeOver: false }))).toBe('SOURCE_BUSY');
      await bed.transaction("insert into item values (1, 'one')");
      await follower.commits(1);
      await using taken = await second.hold({ takeOver: true });
      expect(await follower.endsWith()).toBe('SOURCE_UNREACHABLE');
      await using other = new EventFollower(taken);
      expect(told(await other.commits(1))).toEqual(['c item 1,one', '--']);
      await first.stop();
      await second.stop();
    });

    it('says which tables held rows where it starts', async () => {
      await using bed = await open();
      const source = bed.source();
      await bed.transaction("insert into other values (1, 'o')");
      const { tablesWithRows } = await source.create();
      expect(tablesWithRows.map((table) => table.split('.').at(-1))).toEqual(['other']);
      await source.stop();
    });

    it('stops with SOURCE_LOST when what was kept is gone, and keeps nothing after drop', async () => {
      await using bed = await open();
      const source = bed.source();
      expect(await source.kept()).toBeNull();
      await source.create();
      await source.drop();
      expect(await source.kept()).toBeNull();
      expect(await codeOf(source.hold({ takeOver: false }))).toBe('SOURCE_LOST');
      await source.drop();
      await source.stop();
    });

    it('tells the form of a table as the events do', async () => {
      await using bed = await open();
      const source = bed.source();
      await source.create();
      const tables = await source.tables();
      await using held = await source.hold({ takeOver: false });
      await using follower = new EventFollower(held);
      await bed.transaction("insert into item values (1, 'one')", "insert into other values (1, 'one')", 'delete from item');
      const rows = (await follower.commits(1)).filter((event) => event.type === 'rows');
      expect(rows.map((event) => event.table.table)).toEqual(['item', 'other', 'item']);
      for (const { table } of rows) expect(tables).toContainEqual(table);
      expect(rows[2]?.table).toBe(rows[0]?.table);
      await source.stop();
    });
  });
}
