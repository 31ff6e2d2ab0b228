import { Stage } from '@changeover/example-crm';

import { createLedger, Ledger } from '../crash/ledger.js';
import { MigrationBed } from '../crash/migration-bed.js';
import { applyFaults, differences, journalFaults, readJournal, watchTarget } from '../crash/oracles.js';

const AWAY_MS = 60_000;

it('a target that is away for a minute under load: load waits, the log keeps, nothing is lost and nothing applied twice', async () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
  console.log(`seed ${String(seed)} (SEED=${String(seed)} repeats it)`);
  await using stage = await Stage.open({ broker: 'none' });
  await using bed = await MigrationBed.open(stage, { id: 'away', log: 'embedded' });
  await createLedger(bed.source, 'source');
  await createLedger(bed.target, 'target');
  await bed.startAll();
  await bed.until(
    async () => (await bed.source.query('SELECT FROM pg_replication_slots WHERE database = current_database() AND active')).rowCount === 1,
    'capture to stream',
  );
  await bed.barrier();
  await watchTarget(bed);
  const ledger = new Ledger(bed.migration.sourceUrl, seed);
  await ledger.start();

  const committed = ledger.committed.size;
  await stage.target.kill();
  const load = bed.process('load');
  await bed.until(() => load.output.includes('"code":"TARGET_UNREACHABLE"'), 'load to say that the target is away');
  await new Promise((resolve) => setTimeout(resolve, AWAY_MS));
  // People went on working, and so did capture and transform.
  expect(ledger.committed.size).toBeGreaterThan(committed + 100);
  await stage.target.restart();
  await ledger.stop();

  await bed.reconnect();
  await bed.barrier();
  for (const role of ['capture', 'transform', 'load'] as const) expect(bed.process(role).exit).toBeUndefined();
  const journal = await readJournal(bed);
  expect(await differences(bed)).toEqual([]);
  expect(journalFaults(journal, ledger)).toEqual([]);
  expect(await applyFaults(bed, journal)).toEqual([]);
}, 180_000);
