import { RandomIdSource } from '@changeover/core';
import {
  decodeJsonBody,
  FrameReader,
  SequencedLog,
  type Frame,
  type LogEntry,
  type RecordHeader,
  type TableSchema,
} from '@changeover/events';
import { InMemoryMessageStore, type MemoryStorage } from '@changeover/testing';

/** A frame with the form that it refers to. */
export type WrittenFrame = Omit<Frame, 'schemaSeq'> & { readonly form: TableSchema };

/** A record of a stream, its parts together. */
export type WrittenRecord = {
  /** Of the last part. */
  readonly header: RecordHeader;
  readonly parts: number;
  readonly body: Buffer;
  readonly frames: readonly WrittenFrame[];
};

/** All counted records of a stream so far, those that tell forms left out. */
export async function recordsOf(storage: MemoryStorage, stream: string): Promise<readonly WrittenRecord[]> {
  const records: WrittenRecord[] = [];
  const forms = new Map<number, TableSchema>();
  const reader = new FrameReader();
  let open: { parts: number; frames: WrittenFrame[] } = { parts: 0, frames: [] };
  for (const entry of await entriesOf(storage, stream)) {
    const { header, body } = entry;
    if (header.kind === 'schema') forms.set(header.seq, decodeJsonBody('schema', entry).table);
    if (header.part === 1) {
      reader.reset();
      open = { parts: 0, frames: [] };
    }
    open.parts++;
    if (header.kind === 'transaction' || header.kind === 'snapshot-chunk') {
      for (const { schemaSeq, ...frame } of reader.push(body)) {
        const form = forms.get(schemaSeq);
        expect(form).toBeDefined();
        open.frames.push({ ...frame, rows: Buffer.from(frame.rows), form: form as TableSchema });
      }
      if (header.last) reader.end();
    }
    if (header.last && header.kind !== 'schema') records.push({ header, body, ...open });
  }
  return records;
}

async function entriesOf(storage: MemoryStorage, stream: string): Promise<readonly LogEntry[]> {
  const log = new SequencedLog(new InMemoryMessageStore(storage), new RandomIdSource());
  const { seq } = await log.head(stream);
  const entries: LogEntry[] = [];
  if (seq === 0) return entries;
  for await (const batch of log.read(stream, null, new AbortController().signal)) {
    for (const item of batch) if (item.type === 'entry') entries.push(item.entry);
    if (entries.at(-1)?.header.last === true && (entries.at(-1)?.header.seq ?? 0) >= seq) break;
  }
  return entries;
}
