import { ChangeoverError, type ErrorCode } from '@changeover/core';
import { ALLOCATED_TABLE, countLines, tableName, type EventLog, type StreamName, type TargetSnapshot } from '@changeover/events';
import { readWritten, type SnapshotDerivation } from '@changeover/pipeline';

type Told = {
  readonly log: EventLog;
  readonly writes: StreamName;
  readonly target: Pick<TargetSnapshot, 'progress' | 'rows'>;
  /** Told how many of them were read. */
  readonly onRows: (rows: number) => void;
};

/** The log does not tell all of them. */
const NOT_TOLD: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['LOG_TRUNCATED', 'LOG_CORRUPT', 'LOG_GAP']);

/**
 * Which text has which number, as the records of `writes` have told it up to where the target is: so that the target's list can be compared with them as well, and a row that has lost its number there is not
 * given another one. Where the log does not hold its beginning any more, or is damaged, the target's list has to be believed. Gives who was believed.
 */
export async function learnNumbers(
  derivation: Pick<SnapshotDerivation, 'number' | 'forgetNumbers'>,
  { log, writes, target, onRows }: Told,
  signal: AbortSignal,
): Promise<'log' | 'target'> {
  const table = tableName(ALLOCATED_TABLE);
  let rows = 0;
  const learn = async (lines: Buffer): Promise<void> => {
    await derivation.number(lines);
    onRows((rows += countLines(lines)));
  };
  // A record that is derived again may come behind another one, and give other numbers.
  const forget = async (): Promise<void> => {
    rows = 0;
    await derivation.forgetNumbers();
  };
  const stretch = { log, writes, after: null, through: target.progress.writes.seq };
  try {
    await readWritten(
      stretch,
      {
        add: async ({ frames }, schemas) => {
          for (const { schemaSeq, rows: lines } of frames) if (tableName(schemas(schemaSeq)) === table) await learn(lines);
        },
        forget,
      },
      signal,
    );
    return 'log';
  } catch (error) {
    if (!(error instanceof ChangeoverError) || !NOT_TOLD.has(error.code)) throw error;
    await forget();
    for await (const lines of target.rows(ALLOCATED_TABLE)) await learn(lines);
    return 'target';
  }
}
