import fc from 'fast-check';

import { seedOfRun } from '../test/census.js';
import { MigrationCensus } from '../test/transform/migration-census.js';
import { chances, migrations } from '../test/transform/random-migration.js';
import { expectEqualities } from '../test/transform/scene.js';

const RUNS = 500;
/** The same in every run, so that a change is judged by what it changed; other seeds (SEED=…) are for who hunts. */
const SEED = 11;

describe('transform', () => {
  it('comes to what the definition says, after each record, in whatever lives; as from a fresh state, as from all at once, in whatever order it came', async () => {
    const census = new MigrationCensus();
    const parameters = { numRuns: RUNS, seed: seedOfRun(SEED), unbiased: true };
    await fc.assert(
      fc.asyncProperty(migrations, chances, async (migration, chance) => {
        census.next();
        await expectEqualities(migration, chance, census);
      }),
      parameters,
    );
    census.expectAll(parameters);
  }, 600_000);
});
