import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { createLegacyTables, createModernTables, fillLegacyTables, MOVE_MAPPING } from '@changeover/example-crm';
import { testDatabase } from '@changeover/testing';

const CLI = fileURLToPath(new URL('../../apps/cli/bin/changeover.mjs', import.meta.url));

/** Node's own way to say it. */
type Ended = { readonly error: (Error & { readonly code?: number | string | null }) | null; readonly out: string };

it('the mapping of the demo comes out the same under another time zone, locale, clock and other random numbers', async () => {
  await using source = await testDatabase();
  await using target = await testDatabase();
  await using own = await testDatabase();
  const folder = await mkdtemp(join(tmpdir(), 'changeover-demo-'));
  try {
    const legacy = await source.connect();
    await createLegacyTables(legacy);
    await fillLegacyTables(legacy, { seed: 1, rows: 10_000 });
    await legacy.end();
    const modern = await target.connect();
    await createModernTables(modern);
    await modern.end();
    const settings = {
      migration: `m_${source.name.slice(-20)}`,
      source: { type: 'postgres', url: source.url },
      target: { type: 'postgres', url: target.url },
      log: { type: 'embedded', url: own.url },
      control: { url: own.url },
      mapping: MOVE_MAPPING,
    };
    const file = join(folder, 'changeover.json');
    await writeFile(file, JSON.stringify(settings));
    const { error, out } = await new Promise<Ended>((resolve) => {
      execFile(process.execPath, [CLI, 'check', '--determinism', '--json', '--config', file], (failed, stdout) => {
        resolve({ error: failed, out: stdout });
      });
    });
    expect(error).toBeNull();
    const { findings } = JSON.parse(out) as { readonly findings: readonly { readonly check: string; readonly message: string }[] };
    const [twice] = findings.filter(({ check }) => check === 'determinism');
    expect(twice).toMatchObject({ severity: 'ok', message: expect.stringMatching(/: [\d,]+ rows of \d+ tables, the same each time$/) });
    // Rows that are held for every kind of dirt are among them.
    expect(Number(/: ([\d,]+) rows/.exec(twice?.message ?? '')?.[1]?.replaceAll(',', ''))).toBeGreaterThan(5_000);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 120_000);
