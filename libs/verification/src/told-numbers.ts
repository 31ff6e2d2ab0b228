import {
  ALLOCATED_TABLE,
  countLines,
  tableName,
  type EventLog,
  type NumbersTold,
  type StreamName,
  type TableDigest,
  type TargetReader,
  type TargetSnapshot,
} from '@changeover/events';
import { readWritten, WrittenForms, type SnapshotDerivation } from '@changeover/pipeline';

import { isNotTold, isReadable } from './base.js';
import { RowDigest, TableDigests } from './table-digests.js';

type Told = {
  readonly log: EventLog;
  readonly writes: StreamName;
  readonly target: Pick<TargetReader, 'numbersTold'>;
  readonly snapshot: Pick<TargetSnapshot, 'progress' | 'rows' | 'asCompared'>;
  /** Told how many of them were read. */
  readonly onRows: (rows: number) => void;
};

/** Which was believed, and what is known of it for another time. `differs`: the target's list had to be believed, though it is known not to be what was told. */
export type LearnedNumbers = { readonly by: 'log' | 'target'; readonly numbers: TableDigest | null; readonly differs: boolean };

const NAME = tableName(ALLOCATED_TABLE);
const NOTHING_TOLD: TableDigest = { form: { seq: 0, at: 0 }, content: { rows: 0, sum: '0' } };

/**
 * Which text has which number, as the records of `writes` have told it up to where the target is: so that the target's list can be compared with them as well, and a row that has lost its number there is not
 * given another one. An earlier verification may have kept a digest of what they told up to its place: where the target's list comes to that digest and what was told since, it is what they told, and only that is read.
 * Else all of `writes` is; and where the log does not hold its beginning any more, or is damaged, the target's list has to be believed.
 */
export async function learnNumbers(
  derivation: Pick<SnapshotDerivation, 'number' | 'forgetNumbers'>,
  told: Told,
  signal: AbortSignal,
): Promise<LearnedNumbers> {
  const { target, snapshot } = told;
  const learning = new Learning(derivation, told);
  const known = await target.numbersTold(snapshot.progress.writes);
  let differs = false;
  // It stands where others can write.
  for (const since of known === null || !isReadable(known) ? [null] : [known, null]) {
    try {
      const numbers = await (since === null ? learning.fromLog(signal) : learning.fromTarget(since, signal));
      if (typeof numbers !== 'string') return { by: 'log', numbers, differs: false };
      differs = numbers === 'others';
    } catch (error) {
      if (!isNotTold(error)) throw error;
    }
    await learning.forget();
  }
  for await (const lines of snapshot.rows(ALLOCATED_TABLE)) await learning.learn(lines);
  return { by: 'target', numbers: null, differs };
}

class Learning {
  readonly #derivation: Pick<SnapshotDerivation, 'number' | 'forgetNumbers'>;
  readonly #told: Told;
  #rows = 0;

  constructor(derivation: Pick<SnapshotDerivation, 'number' | 'forgetNumbers'>, told: Told) {
    this.#derivation = derivation;
    this.#told = told;
  }

  async learn(lines: Buffer): Promise<void> {
    await this.#derivation.number(lines);
    this.#told.onRows((this.#rows += countLines(lines)));
  }

  /** A record that is derived again may come behind another one, and give other numbers. */
  async forget(): Promise<void> {
    this.#rows = 0;
    await this.#derivation.forgetNumbers();
  }

  fromLog(signal: AbortSignal): Promise<TableDigest> {
    return this.#read(
      null,
      {
        learn: (lines) => this.learn(lines),
        forget: () => this.forget(),
      },
      signal,
    );
  }

  /** `others`: these are not what was told; `unknown`: they may be. */
  async fromTarget(known: NumbersTold, signal: AbortSignal): Promise<TableDigest | 'others' | 'unknown'> {
    const told = await this.#read(known, { learn: () => undefined, forget: () => undefined }, signal);
    if (told.content === null) return 'unknown';
    const found = new RowDigest();
    for await (const lines of this.#told.snapshot.rows(ALLOCATED_TABLE)) {
      found.add(lines);
      await this.learn(lines);
    }
    const { rows, sum } = found.value;
    return rows === told.content.rows && sum === told.content.sum ? told : 'others';
  }

  /** Of what was told, with what is known of it at a place from there on. */
  async #read(
    known: NumbersTold | null,
    { learn, forget }: { learn: (lines: Buffer) => void | Promise<void>; forget: () => void | Promise<void> },
    signal: AbortSignal,
  ): Promise<TableDigest> {
    const { log, writes, snapshot } = this.#told;
    const forms = new WrittenForms({ log, writes });
    const begin = (): TableDigests =>
      new TableDigests(known === null ? {} : { [NAME]: known.numbers }, snapshot, (form) => forms.fetch(form));
    let digests = begin();
    await readWritten(
      { log, writes, after: known?.writes ?? null, through: snapshot.progress.writes.seq },
      {
        add: async ({ frames }, schemas, refOf) => {
          const numbers = frames.filter(({ schemaSeq }) => tableName(schemas(schemaSeq)) === NAME);
          await digests.add(numbers, schemas, refOf);
          for (const { rows } of numbers) await learn(rows);
        },
        forget: async () => {
          digests = begin();
          await forget();
        },
      },
      signal,
    );
    return (await digests.digests())[NAME] ?? NOTHING_TOLD;
  }
}
