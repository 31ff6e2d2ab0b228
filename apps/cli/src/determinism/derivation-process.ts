// A process that derives a sample in surroundings that were chosen for it: started by deriveIn. What it imports first has to stay first.
import './imposed-surroundings.js';

import { CONVERTERS } from '@changeover/cleaning';
import { asChangeoverError, RandomIdSource, SystemClock } from '@changeover/core';
import { HELD_NOW_TABLE, tableName, type Line, type TableSchema } from '@changeover/events';
import { mappingHash } from '@changeover/mapping';
import { SnapshotDerivation } from '@changeover/pipeline';
import { loadMapping, openScratchState } from '@changeover/shell';

import type { DerivationAnswer, DerivationTask, TableRows } from './derive-in.js';

process.once('message', (task: DerivationTask) => {
  derive(task)
    .catch((cause: unknown) => {
      const { code, message, facts } = asChangeoverError(cause);
      return say({ failed: { code, message, facts } });
    })
    .finally(() => {
      process.disconnect();
    });
});

async function derive({ migration, mapping: file, folder, maxStateBytes, sample }: DerivationTask): Promise<void> {
  const [clock, ids] = [new SystemClock(), new RandomIdSource()];
  const mapping = await loadMapping(file, clock);
  await say({ mapping: mappingHash(mapping) });
  await using state = await openScratchState(folder, { migration, clock, ids });
  const tables = sample.map(({ table }) => table);
  const derivation = new SnapshotDerivation({ migration, mapping, converters: CONVERTERS, tables, state, maxStateBytes });
  for (const source of derivation.sources) {
    const { rows } = sample.find(({ table }) => tableName(table) === tableName(source)) as TableRows;
    await derivation.fill(source, Buffer.from(rows.buffer, rows.byteOffset, rows.byteLength));
  }
  await derivation.derive([], new AbortController().signal);
  for (const table of derivation.targets) await tell(table, derivation.rows(table));
  await tell(HELD_NOW_TABLE, derivation.held());
  await say('done');
}

async function tell(table: TableSchema, lines: Iterable<Line>): Promise<void> {
  const rows = Array.from(lines, ({ bytes, start, end }) => Buffer.from(bytes.subarray(start, end + 1)));
  await say({ table, rows: Buffer.concat(rows) });
}

function say(answer: DerivationAnswer): Promise<void> {
  return new Promise((resolve, reject) => {
    process.send?.(answer, undefined, undefined, (error) => {
      if (error === null) resolve();
      else reject(error);
    });
  });
}
