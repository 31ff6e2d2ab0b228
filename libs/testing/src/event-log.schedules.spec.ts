import { asChangeoverError, RandomIdSource, type ErrorCode } from '@changeover/core';
import { decodeMessage, SequencedLog, type RecordPart } from '@changeover/events';

import { positionAt } from './fakes/rows.js';
import { InMemoryMessageStore, MemoryStorage } from './in-memory-message-store.js';
import { SteppedStore, type StepFate } from './stepped-store.js';

const STREAM = 'm.changes';
/** What the source holds: each writer looks where the log ends and appends what comes behind that, until this. */
const SOURCE_ITEMS = 3;

/**
 * A writer as capture is one: it opens, looks at its tail, and appends what the source holds behind it, one item at a time. Never again after
 * an error: another writer is another process.
 */
class Writer {
  readonly store: SteppedStore;
  readonly acknowledged: string[] = [];
  /** Items whose append was rejected as FENCED: the writer was told that they do not count. */
  readonly disowned: string[] = [];
  code: ErrorCode | null = null;
  ended = false;
  readonly done: Promise<void>;

  constructor(
    storage: MemoryStorage,
    readonly name: string,
    items: number,
  ) {
    this.store = new SteppedStore(storage);
    this.done = this.#run(items).catch((error: unknown) => {
      this.code = asChangeoverError(error).code;
    });
    void this.done.then(() => (this.ended = true));
  }

  async #run(items: number): Promise<void> {
    const writer = await new SequencedLog(this.store, new RandomIdSource()).openWriter(STREAM, { writerId: this.name, create: true });
    let position = Number(writer.tail.pos);
    for (let count = 0; count < items && position < SOURCE_ITEMS; count++) {
      position++;
      const text = `${String(position)} by ${this.name}`;
      try {
        await writer.append([itemOf(position, text)]);
      } catch (error) {
        if (asChangeoverError(error).code === 'FENCED') this.disowned.push(text);
        throw error;
      }
      this.acknowledged.push(text);
    }
  }

  /** Until it waits for a step, or has ended. */
  async settled(): Promise<void> {
    await Promise.race([this.store.whenWaiting(), this.done]);
  }
}

function itemOf(position: number, text: string): RecordPart {
  return { kind: 'transaction', body: [Buffer.from(text)], last: true, facts: { pos: positionAt(position) } };
}

type Choice = { readonly writer: number; readonly fate: StepFate } | { readonly repeat: number };

type Setup = {
  readonly writers: number;
  readonly itemsEach: number;
  /** How many answers may be lost and appends repeated in one run. */ readonly faults: number;
};

/** Runs one schedule: `path` says which of the possible choices is taken at each place, 0 beyond its end. Gives how many there were. */
async function runSchedule({ writers: count, itemsEach, faults }: Setup, path: readonly number[]): Promise<readonly number[]> {
  const storage = new MemoryStorage();
  storage.create(STREAM);
  const writers = Array.from({ length: count }, (_, index) => new Writer(storage, 'abc'[index] as string, itemsEach));
  const widths: number[] = [];
  const story: string[] = [];
  let faultsLeft = faults;
  for (;;) {
    await Promise.all(writers.map((writer) => writer.settled()));
    const stored = storage.get(STREAM).messages;
    const choices: Choice[] = writers.flatMap((writer, index): Choice[] => {
      if (writer.ended || writer.store.waiting === null) return [];
      const unheard = faultsLeft > 0 && writer.store.waiting === 'append';
      return [{ writer: index, fate: 'done' }, ...(unheard ? [{ writer: index, fate: 'unheard' } as const] : [])];
    });
    // Once all have ended, nobody is left for whom a repeated message could come too late.
    if (choices.length === 0) break;
    if (faultsLeft > 0) choices.push(...stored.map((_, offset) => ({ repeat: offset })));
    const choice = choices[path[widths.length] ?? 0] as Choice;
    widths.push(choices.length);
    story.push('repeat' in choice ? `repeat ${String(choice.repeat)}` : `${'abc'[choice.writer] ?? ''} ${choice.fate}`);
    if ('repeat' in choice) {
      storage.put(STREAM, [(stored[choice.repeat] as { bytes: Buffer }).bytes]);
      faultsLeft--;
    } else {
      if (choice.fate === 'unheard') faultsLeft--;
      const { store } = writers[choice.writer] as Writer;
      store.step(choice.fate);
    }
  }
  await judge(storage, writers, story);
  return widths;
}

/**
 * What must be read, decided without any of the log's own code but the codec: walk what is stored; the first fence of a higher epoch makes
 * its writer the owner; an item counts if its owner stored it, once.
 */
function modelOf(storage: MemoryStorage): string[] {
  let epoch = 0;
  let owner = '';
  const counted: string[] = [];
  for (const { bytes, offset } of storage.get(STREAM).messages) {
    const { header, body } = decodeMessage(bytes, offset);
    if (header.kind === 'fence') {
      if (header.epoch > epoch) ({ epoch, writerId: owner } = header);
      continue;
    }
    const text = body.toString();
    if (text.endsWith(owner) && !counted.includes(text)) counted.push(text);
  }
  return counted;
}

async function judge(storage: MemoryStorage, writers: readonly Writer[], story: readonly string[]): Promise<void> {
  const told = story.join(', ');
  const log = new SequencedLog(new InMemoryMessageStore(storage), new RandomIdSource());
  const expected = modelOf(storage);
  // Whoever comes last and alone finishes the work.
  const last = await log.openWriter(STREAM, { writerId: 'z', create: false });
  for (let position = Number(last.tail.pos) + 1; position <= SOURCE_ITEMS; position++) {
    await last.append([itemOf(position, `${String(position)} by z`)]);
  }
  const read: string[] = [];
  const abort = new AbortController();
  for await (const batch of log.read(STREAM, null, abort.signal)) {
    for (const item of batch) if (item.type === 'entry') read.push(item.entry.body.toString());
    if (read.length >= SOURCE_ITEMS) break;
  }
  const problems: string[] = [];
  if (read.slice(0, expected.length).join() !== expected.join()) problems.push(`the model counts ${expected.join(' | ')}`);
  if (read.map((text) => text.slice(0, 1)).join() !== '1,2,3') problems.push('an item is lost, double or out of order');
  for (const { acknowledged, disowned, code, name } of writers) {
    for (const text of acknowledged) if (!read.includes(text)) problems.push(`${text} was acknowledged and does not count`);
    for (const text of disowned) if (read.includes(text)) problems.push(`${text} was disowned and counts`);
    if (code !== null && code !== 'FENCED' && code !== 'LOG_UNREACHABLE') problems.push(`${name} ended as ${code}`);
  }
  if (problems.length > 0) throw new Error(`${problems.join('; ')}\nread: ${read.join(' | ')}\nschedule: ${told}`);
}

/** Depth first over all choices: each run tells how wide each of its places was; the next takes the last place that has another choice. */
async function runAllSchedules(setup: Setup): Promise<number> {
  let path: number[] = [];
  for (let runs = 1; ; runs++) {
    const widths = await runSchedule(setup, path);
    const taken = widths.map((_, place) => path[place] ?? 0);
    let place = widths.length - 1;
    while (place >= 0 && (taken[place] as number) + 1 >= (widths[place] as number)) place--;
    if (place < 0) return runs;
    path = [...taken.slice(0, place), (taken[place] as number) + 1];
  }
}

describe('the event log under every schedule', () => {
  it('of two writers, each call of theirs in every order', async () => {
    expect(await runAllSchedules({ writers: 2, itemsEach: 3, faults: 0 })).toBeGreaterThan(50);
  });

  it('of two writers, with one answer lost or one message stored again later', async () => {
    expect(await runAllSchedules({ writers: 2, itemsEach: 2, faults: 1 })).toBeGreaterThan(500);
  }, 60_000);

  it('of three writers', async () => {
    expect(await runAllSchedules({ writers: 3, itemsEach: 1, faults: 0 })).toBeGreaterThan(500);
  }, 60_000);
});
