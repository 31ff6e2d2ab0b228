import { decodeJsonBody, type LogEntry } from '@changeover/events';
import { Stage, type LogType } from '@changeover/example-crm';
import { LogMirror } from '@changeover/testing';

import { createLedger, Ledger, LEDGER_TABLES } from './ledger.js';
import { MigrationBed } from './migration-bed.js';
import { AcknowledgementWatch, journalFaults, readJournal } from './oracles.js';

const OLD_CONTACTS = 1500;
/** So that the contacts take several chunks. */
const COPY = { parallel: 2, chunkBytes: '24kB' };

/** Dies at the point when it gets there for that time: in the first copy, and in one that a change of the table asks for. */
const KILLS = [
  ['capture.chunk-read', 1],
  ['capture.after-chunk', 1],
  ['capture.chunk-read', 3],
  ['capture.after-chunk', 4],
  ['capture.after-append', 5],
] as const;

/** What the log says of the tables, and what stands in it. */
type Read = { readonly mirror: LogMirror; readonly entries: readonly LogEntry[] };

/** Capture alone, as a process of its own, of a database that holds rows already and that people write to all the time. */
export function copyTests(log: LogType): void {
  describe(`a kill -9 while tables are copied, on the ${log} log`, () => {
    const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
    const opened: AsyncDisposable[] = [];
    let bed: MigrationBed;
    let ledger: Ledger;
    let watch: AcknowledgementWatch;

    beforeAll(async () => {
      console.log(`seed ${String(seed)} (SEED=${String(seed)} repeats it)`);
      const stage = await Stage.open({ broker: log === 'kafka' ? 'any' : 'none' });
      opened.unshift(stage);
      bed = await MigrationBed.open(stage, { id: `copies_${log}_${String(process.pid)}`, log });
      opened.unshift(bed);
      const { source } = (await bed.settings()) as { readonly source: Readonly<Record<string, unknown>> };
      await bed.changeSettings({ source: { ...source, copy: COPY } });
      await createLedger(bed.source, 'source');
      ledger = new Ledger(bed.migration.sourceUrl, seed);
      await ledger.fill(OLD_CONTACTS);
      opened.unshift({ [Symbol.asyncDispose]: () => ledger.stop() });
      await bed.request('activate-mapping', { hash: 'h', mapping: { tables: {} } });
      watch = new AcknowledgementWatch(bed);
      opened.unshift(watch);
    }, 120_000);

    afterAll(async () => {
      for (const part of opened) await part[Symbol.asyncDispose]();
    }, 60_000);

    it('copies what was there', async () => {
      for (const [point, pass] of KILLS) {
        await expectKilled(point, pass);
        // From now on there is a slot, by which each transaction of the journal comes.
        if (ledger.committed.size === 0) await ledger.start();
      }
      await bed.start('capture', { takeOver: true });
      await expectCopied((copies) => copies.filter((table) => table === 'public.contacts').length === 1);
    }, 120_000);

    it('copies a table again whose rows have changed without events', async () => {
      for (const [point, pass] of KILLS) {
        await bed.process('capture').kill();
        await expectKilled(point, pass, () => ledger.rewrite());
      }
      await bed.start('capture', { takeOver: true });
      await ledger.rewrite();
      await expectCopied((copies) => copies.filter((table) => table === 'public.contacts').length > 1);
    }, 180_000);

    it('leaves nothing lost and nothing twice', async () => {
      await ledger.stop();
      const { mirror, entries } = await expectCopied(() => true);
      await watch[Symbol.asyncDispose]();
      for (const table of LEDGER_TABLES) expect(mirror.rows(`public.${table}`).map(asLine).sort()).toEqual(await rowsOf(table));
      expect(journalFaults(await readJournal(bed), ledger)).toEqual([]);
      expect([watch.faults, watch.samples > 0]).toEqual([[], true]);
      expect([ledger.committed.size > 20, ledger.rewrites.size]).toEqual([true, KILLS.length + 1]);
      // Without one of the chunks rows are missing: the comparison is not blind.
      const chunks = entries.filter(({ header }) => header.kind === 'snapshot-chunk');
      const blind = mirrorOf(entries.filter(({ header }) => header.kind !== 'snapshot-chunk'));
      expect(chunks.length).toBeGreaterThan(10);
      expect(blind.rows('public.contacts').length).toBeLessThan((await rowsOf('contacts')).length);
    }, 60_000);

    async function expectKilled(point: (typeof KILLS)[number][0], pass: number, provoke?: () => Promise<void>): Promise<void> {
      const doomed = await bed.start('capture', { crashAt: `${point}:${String(pass)}` as `${typeof point}:${number}`, takeOver: true });
      await provoke?.();
      expect(await bed.ended(doomed)).toEqual({ code: null, signal: 'SIGKILL' });
    }

    /** Everything that is committed now is in the log, and no table is being copied. */
    async function expectCopied(done: (finished: readonly string[]) => boolean): Promise<Read> {
      const token = await bed.request('barrier');
      let read: Read | undefined;
      await bed.until(
        async () => {
          read = await readChanges();
          const reached = read.entries.some((entry) => entry.header.kind === 'barrier' && decodeJsonBody('barrier', entry).token === token);
          return reached && Object.keys(read.mirror.copies).length === 0 && done(read.mirror.finished);
        },
        'the copies',
        60_000,
      );
      return read as unknown as Read;
    }

    async function readChanges(): Promise<Read> {
      const { seq: last } = await bed.log.head(bed.changes);
      const entries: LogEntry[] = [];
      for await (const batch of bed.log.read(bed.changes, null, new AbortController().signal)) {
        for (const item of batch) {
          // What was given up half-way does not count.
          if (item.type === 'abandoned' || item.entry.header.part === 1) while (entries.at(-1)?.header.last === false) entries.pop();
          if (item.type === 'entry') entries.push(item.entry);
        }
        const end = entries.at(-1)?.header;
        if (end?.last === true && end.seq >= last) break;
      }
      return { entries, mirror: mirrorOf(entries) };
    }

    async function rowsOf(table: string): Promise<string[]> {
      const { rows } = await bed.source.query<Record<string, string | number | null>>(`SELECT * FROM ${table}`);
      return rows.map((row) => asLine(Object.values(row).map((value) => (value === null ? null : String(value))))).sort();
    }
  });
}

function mirrorOf(entries: readonly LogEntry[]): LogMirror {
  const mirror = new LogMirror();
  for (const entry of entries) mirror.take(entry);
  return mirror;
}

function asLine(row: readonly unknown[]): string {
  return JSON.stringify(row.map((value) => (value === undefined ? 'never told' : value)));
}
