import { expectEqual, runDemoCommand } from './run-demo.js';

describe('npm run demo', () => {
  it('brings every row over and exits 0', async () => {
    expectEqual(await runDemoCommand(['--seconds', '15']));
  }, 120_000);

  it.each(Array.from({ length: 10 }, (_, seed) => String(seed)))(
    'exits 1 when the target is damaged (--sabotage %s), and finds just the damage',
    async (seed) => {
      const { exitCode, result } = await runDemoCommand(['--seconds', '2', '--sabotage', seed]);
      expect({ exitCode, verdict: result.verdict, equal: result.comparison.equal }).toEqual({
        exitCode: 1,
        verdict: 'different',
        equal: false,
      });
      const differing = result.comparison.tables.filter(({ missing, extra, different }) => missing + extra + different > 0);
      expect(differing.map(({ table }) => table)).toEqual([result.damage?.table]);
    },
    60_000,
  );
});
