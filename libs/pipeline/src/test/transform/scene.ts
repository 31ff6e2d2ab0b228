import { ChangesScript, CHANGES } from './changes-script.js';
import { Choices, type Chance } from './choices.js';
import type { Expected } from './definition.js';
import { MigrationCensus } from './migration-census.js';
import type { Migration } from './random-migration.js';
import { expectPlanned } from './plan-check.js';
import { expectSame } from './same.js';
import { expectFromSnapshot } from './snapshot-check.js';
import { expectFromState } from './state-check.js';
import { contentOf, TransformLives, WRITES } from './transform-lives.js';
import { WritesCheck } from './writes-check.js';
import { recordsOf, type WrittenRecord } from './written-records.js';
import type { TransformLimits } from '../../transform/transform-loop.js';

/** How the log hears of a migration, and what befalls those who read it: answers to what is asked. */
export type Chances = {
  readonly limits: TransformLimits;
  readonly arrival: Chance;
  readonly other: Chance;
  readonly lives: Chance;
};

/** What two streams made of the same changes have in common: all but where their records lie. */
const comparable = ({ header, frames, body }: WrittenRecord): unknown => {
  const { kind, from, batch, pos, txId, ts_ms, origin, mapping, rows } = header;
  return {
    ...{ kind, from, batch, pos, txId, ts_ms, origin, mapping, rows, body: kind === 'barrier' ? body.toString() : null },
    frames: frames.map(({ form, rows: bytes, ...frame }) => ({ ...frame, form: form.hash, rows: bytes.toString('latin1') })),
  };
};

class Scene {
  readonly #migration: Migration;
  readonly #limits: TransformLimits;
  readonly #census: MigrationCensus;

  constructor(migration: Migration, ours: TransformLimits, census: MigrationCensus) {
    this.#migration = migration;
    this.#limits = ours;
    this.#census = census;
  }

  async script(arrival: Chance): Promise<ChangesScript> {
    const script = new ChangesScript(this.#migration, new Choices(arrival), this.#census);
    await script.write();
    return script;
  }

  lives(script: ChangesScript, threaded = false): TransformLives {
    const { storage: changes, last } = script;
    return new TransformLives({ changes, last, limits: this.#limits, census: this.#census, threaded });
  }

  /** What a state that nobody disturbed makes of it: checked record by record. */
  async fresh(script: ChangesScript): Promise<{
    readonly lives: TransformLives;
    readonly records: readonly WrittenRecord[];
    readonly expected: Expected;
    readonly numbered: boolean;
  }> {
    const lives = this.lives(script);
    await lives.toTheEnd();
    const records = await recordsOf(lives.storage, WRITES);
    const check = new WritesCheck({ script, migration: this.#migration, writes: records, census: this.#census });
    check.follow(await recordsOf(script.storage, CHANGES));
    const { view } = check.place;
    const { mapping: first, other } = this.#migration;
    const { mapping } = script;
    await expectFromSnapshot(mapping, view, check, this.#census);
    await expectFromState(mapping, { changes: script.storage, state: lives.state, view }, check.target);
    await expectPlanned(
      { ...this.#migration, mapping, other: mapping === first ? other : first },
      { changes: script.storage, state: lives.state, check, census: this.#census },
    );
    return { lives, records, expected: check.expected, numbered: !check.numbers.isEmpty };
  }

  /** The source as it is in the end, copied at once. */
  async all(script: ChangesScript): Promise<Expected> {
    const migration = { ...this.#migration, mapping: script.mapping, before: [], steps: [] };
    const copied = new ChangesScript(migration, new Choices({ seed: 0, count: 0 }), new MigrationCensus(), script);
    await copied.write();
    return (await new Scene(migration, this.#limits, this.#census).fresh(copied)).expected;
  }
}

const isKept = ({ held }: Expected): boolean => [...held.values()].some(({ kept }) => kept);
const textOf = ({ tables, held }: Expected): unknown => ({
  tables: [...tables].map(([name, rows]) => [name, [...rows].sort()]).sort(),
  held: [...held].sort(),
});

/** All that is to be equal. */
export async function expectEqualities(
  migration: Migration,
  { limits, arrival, other, lives }: Chances,
  census: MigrationCensus,
): Promise<void> {
  const scene = new Scene(migration, limits, census);
  const script = await scene.script(arrival);
  const fresh = await scene.fresh(script);

  // Of both the records and the states are to be the same, byte by byte.
  const disturbed = scene.lives(script, true);
  await disturbed.disturbed(new Choices(lives));
  expectSame((await recordsOf(disturbed.storage, WRITES)).map(comparable), fresh.records.map(comparable));
  expectSame(contentOf(disturbed.state), contentOf(fresh.lives.state));

  const again = await scene.fresh(await scene.script(other));
  const all = await scene.all(script);
  // Which text has which number depends on what came first.
  if (isKept(fresh.expected) || fresh.numbered) return;
  expectSame(textOf(all), textOf(fresh.expected));
  if (!isKept(again.expected)) expectSame(textOf(again.expected), textOf(fresh.expected));
}
