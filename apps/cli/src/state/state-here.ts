import { ChangeoverError, type Clock } from '@changeover/core';
import { decodeJsonBody, type EventLog, type RecordRef, type StateLook, type TableSchema } from '@changeover/events';
import { lookAtState, type AllSettings, type createLog } from '@changeover/shell';
import { CONVERTERS } from '@changeover/cleaning';
import type { Converters, Mapping } from '@changeover/mapping';
import { activationOf, mappingAt } from '@changeover/pipeline';

import { streamName, withLog } from '../log/open-log.js';

/** What transform has committed last, on its machine; STATE_NOT_HERE on others. To be disposed of. */
export async function stateHere({ state, migration }: AllSettings): Promise<StateLook> {
  const look = await lookAtState(state, migration);
  if (look !== null) return look;
  throw new ChangeoverError('STATE_NOT_HERE', `there is no state of migration ${migration} in the folder of the settings`);
}

/** Gives forms that `changes` has told. */
export function toldForms(settings: AllSettings, log: EventLog): (ref: RecordRef) => Promise<TableSchema> {
  const changes = streamName(settings, 'changes');
  return async (ref) => decodeJsonBody('schema', await log.fetch(changes, ref)).table;
}

type Remembered = Awaited<ReturnType<typeof createLog>> & {
  readonly look: StateLook;
  /** What it takes to open what is in there: the mapping is the one in force. */
  readonly opening: {
    readonly migration: string;
    readonly mapping: Mapping;
    readonly converters: Converters;
    readonly fetch: ReturnType<typeof toldForms>;
  };
};

/**
 * Asks where transform runs, under the mapping that is in force where it reads: the log tells that one, whatever the file of the settings holds meanwhile. STATE_NOT_HERE where
 * transform's state is on another machine.
 */
export async function withRemembered<Answer>(
  settings: AllSettings,
  clock: Clock,
  work: (remembered: Remembered) => Promise<Answer>,
): Promise<Answer> {
  const { migration } = settings;
  await using look = await stateHere(settings);
  return await withLog(settings, clock, async (open) => {
    const { mapping } = await mappingAt(open.log, streamName(settings, 'changes'), activationOf(look), CONVERTERS);
    return work({ ...open, look, opening: { migration, mapping, converters: CONVERTERS, fetch: toldForms(settings, open.log) } });
  });
}
