import { CrashScene } from '../crash/crash-scene.js';

const AWAY_MS = 60_000;

it('a target that is away for a minute under load: load waits, the log keeps, nothing is lost and nothing applied twice', async () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
  await using scene = await CrashScene.open('embedded', { id: 'away', seed });
  const { bed, ledger } = scene;

  const committed = ledger.committed.size;
  await bed.stage.target.kill();
  const load = bed.process('load');
  await bed.until(() => load.output.includes('"code":"TARGET_UNREACHABLE"'), 'load to say that the target is away');
  await new Promise((resolve) => setTimeout(resolve, AWAY_MS));
  // People went on working, and so did capture and transform.
  expect(ledger.committed.size).toBeGreaterThan(committed + 100);
  await bed.stage.target.restart();
  await bed.reconnect();

  await scene.expectNothingLostNorDoubled();
  for (const role of ['capture', 'transform', 'load'] as const) expect(bed.process(role).exit).toBeUndefined();
}, 180_000);
