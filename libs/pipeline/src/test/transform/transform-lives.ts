import { ChangeoverError, Clock, RandomIdSource, type CrashPoint, type CrashPointName } from '@changeover/core';
import { SequencedLog, type StoredMessage } from '@changeover/events';
import { type AppendFate, InMemoryMessageStore, InMemoryStateStore, MemoryStorage, StateStorage } from '@changeover/testing';

import { COMPARED_PREFIXES, prefixesOf } from '../../derive/state-keys.js';
import { SilentObserver } from '../../ports.js';
import { TransformLoop, type TransformLimits } from '../../transform/transform-loop.js';
import { CONVERTERS } from '../random-rules.js';
import type { Choices } from './choices.js';
import { CHANGES } from './changes-script.js';
import { expectSame } from './same.js';
import type { MigrationCensus } from './migration-census.js';
import { ThreadsInProcess } from './threads-in-process.js';

export const WRITES = 'm.writes';

const CRASH = 'crash';
/** What a life may end with: at a point, when the log does not answer, when another has begun. */
const CRASHED: readonly string[] = ['LOG_UNREACHABLE', 'STATE_FENCED', 'FENCED'];
const POINTS: readonly [CrashPointName, ...CrashPointName[]] = [
  'transform.after-append',
  'transform.in-derive-all',
  'transform.in-activation',
  'transform.in-state-commit',
  'transform.between-parts',
  'log.after-fence',
];
/** Fewer than most tables have, more than some. */
const THREADED_ROWS = 2;
/** Turns of the event loop in which a life that is let alone must come to its end. */
const MOST_TURNS = 20_000;

type Life = { readonly ended: Promise<unknown>; readonly done: () => boolean; stop(): void; kill(): void };
type LifeOptions = { readonly crashPoint?: CrashPoint; readonly clock: Clock };

/** Lives of one transform over a log that grows: what is not committed is gone with each of them. */
export class TransformLives {
  readonly storage = new MemoryStorage();
  state = new StateStorage();
  readonly #changes: readonly StoredMessage[];
  readonly #limits: TransformLimits;
  readonly #census: MigrationCensus | null;
  readonly #threaded: boolean;
  /** What was committed once, to be found again after a loss of power. */
  #commits: Pick<StateStorage, 'committed' | 'place'>[] = [];
  #fed = 0;
  /** Something was put aside since the last commit. */
  #hasSpilled = false;
  readonly #last: number;

  constructor(options: {
    readonly changes: MemoryStorage;
    /** Sequence of its last record. */
    readonly last: number;
    readonly limits: TransformLimits;
    readonly census?: MigrationCensus;
    /** Whether what can be is derived in other threads. */
    readonly threaded?: boolean;
  }) {
    this.#changes = options.changes.get(CHANGES).messages;
    this.#last = options.last;
    this.#limits = options.limits;
    this.#census = options.census ?? null;
    this.#threaded = options.threaded ?? false;
    this.storage.create(CHANGES);
  }

  /** One life that nothing disturbs, to the end of the log. */
  async toTheEnd(clock: Clock = new SteppedClock(0), overtaken: Life | null = null): Promise<void> {
    this.#feed(this.#changes.length - 1);
    const life = this.#begin({ clock });
    await this.#endOf(overtaken);
    // Only now, so that it is this one that has to take it.
    this.#feed(this.#changes.length);
    const came = await this.#turns(life, MOST_TURNS, life.done);
    expectSame({ came }, { came: true });
    life.stop();
    expectSame(await life.ended, null);
  }

  /** Several that end too early, while the log grows, then one to the end. */
  async disturbed(choices: Choices): Promise<void> {
    /** It does not know yet that another has begun. */
    let overtaken: Life | null = null;
    for (let lives = choices.below(7); lives > 0; lives--) {
      this.#loseState(choices);
      const life = this.#begin(this.#disturbances(choices));
      const ended = await this.#turns(life, 20 + choices.below(300), () => false, choices);
      this.storage.onAppend = undefined;
      overtaken = await this.#endOf(overtaken);
      if (!ended && choices.oneIn(3)) overtaken = life;
      else {
        if (choices.oneIn(2)) life.kill();
        await this.#endOf(life);
      }
    }
    this.#loseState(choices);
    await this.toTheEnd(new SteppedClock(choices.below(400)), overtaken);
  }

  #begin({ crashPoint = () => undefined, clock }: LifeOptions): Life {
    const abort = new AbortController();
    const { state, storage } = this;
    const point: CrashPoint = (name) => {
      if (name === 'transform.in-derive-all') this.#census?.saw('spill in derive-all', this.#hasSpilled);
      crashPoint(name);
    };
    const store = new InMemoryMessageStore(storage);
    let reached = false;
    const observer = new LastSeen((seq) => (reached ||= seq >= this.#last));
    const open: WatchedStore[] = [];
    this.#hasSpilled = false;
    const loop = new TransformLoop({
      migration: 'm',
      openState: () => {
        open.push(
          new WatchedStore(state, {
            committed: () => {
              this.#commits.push({ committed: state.committed, place: state.place });
              this.#hasSpilled = false;
            },
            spilled: () => {
              this.#census?.saw('spill');
              this.#hasSpilled = true;
            },
          }),
        );
        return Promise.resolve(open[0] as WatchedStore);
      },
      ...(this.#threaded && {
        startThreads: (setup) => {
          const derived = (): unknown => this.#census?.saw('derived in a thread');
          return new ThreadsInProcess(() => open[0] as WatchedStore, setup, CONVERTERS, derived);
        },
      }),
      converters: CONVERTERS,
      changes: CHANGES,
      writes: WRITES,
      log: new SequencedLog(store, new RandomIdSource(), point),
      observer,
      clock,
      ids: new RandomIdSource(),
      crashPoint: point,
      limits: { ...this.#limits, threadedRows: THREADED_ROWS },
    });
    const ended = loop.run(abort.signal).then(
      () => null,
      (error: unknown) => error,
    );
    return {
      ended,
      done: () => reached,
      stop: () => {
        abort.abort();
      },
      kill: () => {
        // Nothing that it still does reaches anything.
        new InMemoryStateStore(state);
        void store.stop();
      },
    };
  }

  #disturbances(choices: Choices): LifeOptions {
    const clock = new SteppedClock(choices.below(400));
    const countdown = 1 + choices.below(6);
    if (choices.oneIn(3)) {
      let appends = 0;
      const fate = choices.of<AppendFate>(['lose-answer', 'refuse', 'double']);
      this.storage.onAppend = (stream) => (stream === WRITES && ++appends === countdown ? fate : 'store');
      return { clock };
    }
    const point = choices.of(POINTS);
    let reached = 0;
    const crashPoint: CrashPoint = (name) => {
      if (name !== point || ++reached !== countdown) return;
      if (name === 'transform.in-activation') this.#census?.saw('crash in an activation');
      if (name === 'transform.in-derive-all') this.#census?.saw('crash in derive-all');
      throw new ChangeoverError('INTERNAL', CRASH);
    };
    return { clock, crashPoint };
  }

  /** Rejects if it was none of the deaths that we made. */
  async #endOf(life: Life | null): Promise<null> {
    life?.stop();
    const error = await life?.ended;
    const ours = error instanceof ChangeoverError && (error.message === CRASH || CRASHED.includes(error.code));
    if (error != null && !ours) throw error as Error;
    return null;
  }

  /** True: it has ended, or what was waited for has come. */
  async #turns(life: Life, most: number, until: () => boolean, choices: Choices | null = null): Promise<boolean> {
    let ended = false;
    void life.ended.then(() => (ended = true));
    for (let turn = 0; turn < most && !ended && !until(); turn++) {
      if (choices !== null && turn % 8 === 0 && choices.oneIn(2))
        this.#feed(Math.min(this.#changes.length - 1, this.#fed + 1 + choices.below(6)));
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (ended && choices === null) throw ((await life.ended) ?? new TypeError('it ended by itself')) as Error;
    return ended || until();
  }

  /** So many of the messages are there then. */
  #feed(until: number): void {
    if (until <= this.#fed) return;
    this.storage.put(
      CHANGES,
      this.#changes.slice(this.#fed, until).map(({ bytes }) => bytes),
    );
    this.#fed = until;
  }

  #loseState(choices: Choices): void {
    const fate = choices.below(6);
    if (fate === 0) {
      if (this.state.place !== null) this.#census?.saw('state lost');
      this.state = new StateStorage();
      this.#commits = [];
    } else if (fate === 1 && this.#commits.length > 0) {
      const { committed, place } = this.#commits[choices.below(this.#commits.length)] as Pick<StateStorage, 'committed' | 'place'>;
      this.state = new StateStorage();
      this.state.committed = committed;
      this.state.place = place;
    }
  }
}

class LastSeen extends SilentObserver {
  readonly #saw: (changesSeq: number) => void;

  constructor(saw: (changesSeq: number) => void) {
    super();
    this.#saw = saw;
  }

  override advanced({ changesSeq }: Parameters<SilentObserver['advanced']>[0]): void {
    this.#saw(changesSeq);
  }
}

class WatchedStore extends InMemoryStateStore {
  readonly #watch: { readonly committed: () => unknown; readonly spilled: () => unknown };

  constructor(storage: StateStorage, watch: { readonly committed: () => unknown; readonly spilled: () => unknown }) {
    super(storage);
    this.#watch = watch;
  }

  override async commit(place: Uint8Array): Promise<void> {
    await super.commit(place);
    this.#watch.committed();
  }

  override async spill(): Promise<void> {
    this.#watch.spilled();
    await super.spill();
  }
}

/** Goes on by a step each time somebody looks. */
class SteppedClock extends Clock {
  readonly #step: number;
  #now = 0;

  constructor(step: number) {
    super();
    this.#step = step;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return (this.#now += this.#step);
  }

  async sleep(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** What was committed in the end, but for where the stream's own records lie, and for what another mapping has left and is being forgotten. */
export function contentOf({ committed, place }: StateStorage): unknown {
  const { writes: _, told: __, stale: ___, ...where } = JSON.parse((place as Buffer).toString()) as Record<string, unknown>;
  const left = [...prefixesOf(where['generation'] === 0 ? 'other' : 'one'), ...COMPARED_PREFIXES].map((prefix) => prefix.toString('hex'));
  const isLeft = (name: string): boolean => left.some((prefix) => name.startsWith(prefix));
  return {
    where,
    entries: [...committed.entries]
      .filter(([key]) => !isLeft(key))
      .map(([key, value]) => [key, value.toString('hex')])
      .sort(),
    sets: [...committed.sets]
      .filter(([name, members]) => members.size > 0 && !isLeft(name))
      .map(([name, members]) => [name, [...members].sort()])
      .sort(),
  };
}
