import { Stage, type LogType } from '@changeover/example-crm';

import { createLedger, Ledger } from './ledger.js';
import { MigrationBed } from './migration-bed.js';
import { AcknowledgementWatch, applyFaults, differences, journalFaults, readJournal, watchTarget } from './oracles.js';

/** One migration with its three processes under small steady traffic, and the oracles that watch it. */
export class CrashScene implements AsyncDisposable {
  readonly bed: MigrationBed;
  readonly ledger: Ledger;
  readonly watch: AcknowledgementWatch;
  readonly #opened: readonly AsyncDisposable[];

  private constructor(bed: MigrationBed, ledger: Ledger, watch: AcknowledgementWatch, opened: readonly AsyncDisposable[]) {
    this.bed = bed;
    this.ledger = ledger;
    this.watch = watch;
    this.#opened = opened;
  }

  /** `id` names the migration. Whatever was opened is closed again if something fails on the way. */
  static async open(log: LogType, options: { readonly id: string; readonly seed: number }): Promise<CrashScene> {
    const { id, seed } = options;
    console.log(`seed ${String(seed)} (SEED=${String(seed)} repeats it)`);
    const opened: AsyncDisposable[] = [];
    try {
      const stage = await Stage.open({ broker: log === 'kafka' ? 'any' : 'none' });
      opened.unshift(stage);
      const bed = await MigrationBed.open(stage, { id: `${id}_${log}_${String(process.pid)}`, log });
      opened.unshift(bed);
      await createLedger(bed.source, 'source');
      await createLedger(bed.target, 'target');
      await bed.startAll();
      const ledger = new Ledger(bed.migration.sourceUrl, seed);
      opened.unshift({ [Symbol.asyncDispose]: () => ledger.stop() });
      await bed.until(
        async () =>
          (await bed.source.query('SELECT FROM pg_replication_slots WHERE database = current_database() AND active')).rowCount === 1,
        'capture',
      );
      await bed.barrier();
      await watchTarget(bed);
      const watch = new AcknowledgementWatch(bed);
      opened.unshift(watch);
      await ledger.start();
      return new CrashScene(bed, ledger, watch, opened);
    } catch (error) {
      await closeAll(opened);
      throw error;
    }
  }

  /** Stops the traffic and holds the target, the log and every apply against the journal. */
  async expectNothingLostNorDoubled(): Promise<void> {
    const { bed, ledger, watch } = this;
    await ledger.stop();
    await bed.barrier();
    await watch[Symbol.asyncDispose]();
    const journal = await readJournal(bed);
    expect(await differences(bed)).toEqual([]);
    expect(journalFaults(journal, ledger)).toEqual([]);
    expect(await applyFaults(bed, journal)).toEqual([]);
    expect(watch.faults).toEqual([]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await closeAll(this.#opened);
  }
}

async function closeAll(opened: readonly AsyncDisposable[]): Promise<void> {
  for (const part of opened) await part[Symbol.asyncDispose]();
}
