import { noCrash, RandomIdSource, SystemClock } from '@changeover/core';
import type { Checkpoint, Checkpoints, LoadHold, TargetMoves } from '@changeover/events';
import { moveTarget, type Moved } from '@changeover/pipeline';
import { createCheckpoints, createTargetMoves } from '@changeover/shell';
import { createCheckpoint } from '@changeover/verification';
import type pg from 'pg';

import type { VerifyScene } from '../verify/verify-scene.js';

/** The mapped columns of each table, in the order of the key, or of all columns; and what the lists of held and refused rows say. */
const TABLES = [
  'SELECT id, name FROM app.company ORDER BY id',
  'SELECT id, company_id, boss_id, company_kind, email, amount, since, profile, note FROM app.person ORDER BY id',
  'SELECT person_id, label, weight FROM public.tag ORDER BY person_id, label COLLATE "C"',
  'SELECT at, line FROM public.visit ORDER BY at, line COLLATE "C"',
  'SELECT * FROM changeover.held ORDER BY migration, target, source_key',
  'SELECT * FROM changeover.correction ORDER BY migration, id',
  'SELECT table_name, key, wanted, stands FROM changeover.refused WHERE to_seq IS NULL ORDER BY table_name, key_text, id',
];

/** What the target held at a place, byte for byte. */
export type Contents = readonly string[];

/** Reads everything in one snapshot, by SQL that knows nothing of ours. */
export async function contentsOf(client: pg.Client): Promise<Contents> {
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  const contents: string[] = [];
  for (const query of TABLES) {
    const { rows } = await client.query<{ row: string }>(`SELECT ROW(listed.*)::text AS row FROM (${query}) AS listed`);
    contents.push(rows.map(({ row }) => row).join('\n'));
  }
  await client.query('COMMIT');
  return contents;
}

/** A migration under way, of whose target checkpoints are made. */
export class CheckpointScene implements AsyncDisposable {
  readonly scene: VerifyScene;
  readonly checkpoints: Checkpoints;
  readonly #moves: TargetMoves;

  constructor(scene: VerifyScene) {
    const { migration, limits, target } = scene.settings;
    const context = { migration, limits, clock: new SystemClock(), ids: new RandomIdSource(), crashPoint: noCrash };
    this.scene = scene;
    this.checkpoints = createCheckpoints(target, context);
    this.#moves = createTargetMoves(target, context);
  }

  /** A checkpoint, with what the target held while load was held just there. */
  async create(name: string): Promise<{ readonly checkpoint: Checkpoint; readonly contents: Contents }> {
    const { bed, reader } = this.scene;
    let contents: Contents | null = null;
    const watched = new Proxy(reader, {
      get: (target, property) =>
        property === 'hold'
          ? async () => watchedHold(await target.hold(), async () => (contents = await contentsOf(bed.target)))
          : undefined,
    });
    const checkpoint = await createCheckpoint(
      {
        ...{ name, changes: bed.changes, writes: bed.writes, log: bed.log, target: watched, checkpoints: this.checkpoints, read: true },
        requestBarrier: () => bed.request('barrier'),
        onStep: () => undefined,
        crashPoint: noCrash,
        clock: new SystemClock(),
      },
      AbortSignal.timeout(60_000),
    );
    if (contents === null) throw new Error('load was held');
    return { checkpoint, contents };
  }

  /** To a checkpoint; null: forward. */
  async move(to: string | null): Promise<Moved> {
    const { bed } = this.scene;
    return await moveTarget(
      {
        ...{
          writes: bed.writes,
          log: bed.log,
          moves: this.#moves,
          checkpoints: this.checkpoints,
          to,
          changedRows: 'refuse',
          dryRun: false,
        },
        clock: new SystemClock(),
        onRead: () => undefined,
      },
      AbortSignal.timeout(60_000),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.checkpoints.stop();
    await this.#moves.stop();
    await this.scene[Symbol.asyncDispose]();
  }
}

function watchedHold(hold: LoadHold, look: () => Promise<unknown>): LoadHold {
  return {
    get progress() {
      return hold.progress;
    },
    get heldMs() {
      return hold.heldMs;
    },
    advanceTo: async (seq, signal) => {
      const progress = await hold.advanceTo(seq, signal);
      await look();
      return progress;
    },
    snapshot: () => hold.snapshot(),
    repair: (rows) => hold.repair(rows),
    [Symbol.asyncDispose]: () => hold[Symbol.asyncDispose](),
  };
}
