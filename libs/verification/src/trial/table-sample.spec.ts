import { formatRows, parseRows, SampleTables, type RefusedLine, type TableSchema } from '@changeover/events';
import { textTable } from '@changeover/testing';

import { TableSample } from './table-sample.js';

/** Takes all but rows whose name ends with what it refuses. */
class TakenRows extends SampleTables {
  readonly rows: (readonly (string | null)[])[] = [];

  override make(): Promise<void> {
    return Promise.resolve();
  }

  override write(_: TableSchema, lines: Buffer): Promise<readonly RefusedLine[]> {
    const refused: RefusedLine[] = [];
    parseRows(lines).forEach((row, line) => {
      if (row[1]?.endsWith('00') === true) refused.push({ line, reason: 'two noughts' });
      else this.rows.push(row as readonly (string | null)[]);
    });
    return Promise.resolve(refused);
  }

  override stop(): Promise<void> {
    return Promise.resolve();
  }
}

const TABLE = textTable('t', ['id', 'name']);
const ROWS = Array.from({ length: 4000 }, (_, n) => [String(n), `name ${String(n)}`]);

async function sampled(share: number, seed: number, { table = TABLE, pieces = 1, rows = ROWS } = {}) {
  const tables = new TakenRows();
  const sample = new TableSample(table, { share, seed, tables });
  const size = Math.ceil(rows.length / pieces);
  for (let at = 0; at < rows.length; at += size) await sample.add(formatRows(rows.slice(at, at + size)));
  return { report: await sample.end(), rows: tables.rows };
}

describe('a sample of a table', () => {
  it('holds as many of the rows as it should, the same for the same seed, whatever else is in them and however they come', async () => {
    const { report, rows } = await sampled(0.1, 7);
    expect(report.chosen).toBeGreaterThan(300);
    expect(report.chosen).toBeLessThan(500);
    const others = ROWS.map(([id]) => [id as string, 'another name']);
    const ids = (all: readonly (readonly (string | null)[])[]): unknown => all.map(([id]) => id);
    const chosen = (await sampled(0.1, 7, { rows: others })).rows;
    expect(ids(chosen.filter(([id]) => id?.endsWith('00') !== true))).toEqual(ids(rows));
    expect((await sampled(0.1, 7, { pieces: 17 })).rows).toEqual(rows);
    expect((await sampled(0.1, 8)).rows).not.toEqual(rows);
  });

  it('of all rows holds all, and says which are refused and why', async () => {
    expect((await sampled(1, 1)).report).toEqual({
      ...{ table: 'public.t', rows: 4000, chosen: 4000, written: 3961 },
      refused: [{ reason: 'two noughts', rows: 39, first: { id: '100' } }],
    });
  });

  it('chooses rows without a key by all that they hold', async () => {
    const table = { ...TABLE, columns: TABLE.columns.map((column) => ({ ...column, key: false })) };
    const { report, rows } = await sampled(0.1, 7, { table });
    expect(report.chosen).toBeGreaterThan(300);
    expect(report.chosen).toBeLessThan(500);
    const others = await sampled(0.1, 7, { table, rows: ROWS.map(([id]) => [id as string, 'another name']) });
    expect(others.rows.map(([id]) => id)).not.toEqual(rows.map(([id]) => id));
  });
});
