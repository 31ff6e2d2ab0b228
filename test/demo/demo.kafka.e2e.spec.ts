import { expectEqual, runDemoCommand } from './run-demo.js';

// Its stage asks for a broker (startKafka): given, started by the test runner, or its own.
it('npm run demo -- --kafka, with rows derived in several threads, brings every row over and exits 0', async () => {
  const run = await runDemoCommand(['--kafka', '--threads', '2', '--rows', '20000', '--seconds', '15']);
  expectEqual(run);
  expect(run.result.options.log).toBe('kafka');
}, 240_000);
