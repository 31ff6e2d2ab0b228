import { ChangeoverError, type Clock } from '@changeover/core';
import { decodeJsonBody, type EventLog, type RecordRef, type StateLook, type TableSchema } from '@changeover/events';
import { loadMapping, lookAtState, type AllSettings, type createLog } from '@changeover/shell';
import { CONVERTERS } from '@changeover/cleaning';
import { mappingHash, type Converters, type Mapping } from '@changeover/mapping';
import { activationOf } from '@changeover/pipeline';

import { requireActiveMapping } from '../check/active-mapping.js';
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
  /** What it takes to open what is in there: the mapping is the active one. */
  readonly opening: {
    readonly migration: string;
    readonly mapping: Mapping;
    readonly converters: Converters;
    readonly fetch: ReturnType<typeof toldForms>;
  };
};

/** Asks where transform runs. STATE_NOT_HERE where its state is on another machine; MAPPING_NOT_ACTIVE where the mapping is not the one that made the rows. */
export async function withRemembered<Answer>(
  settings: AllSettings,
  clock: Clock,
  work: (remembered: Remembered) => Promise<Answer>,
): Promise<Answer> {
  const { migration, control } = settings;
  const mapping = await loadMapping(settings.mapping);
  await requireActiveMapping(mapping, { migration, controlUrl: control.url });
  await using look = await stateHere(settings);
  return await withLog(settings, clock, async (open) => {
    await requireMappingOf(look, mapping, settings, open.log);
    return work({ ...open, look, opening: { migration, mapping, converters: CONVERTERS, fetch: toldForms(settings, open.log) } });
  });
}

/** Another one may be asked for, and not have come. MAPPING_NOT_ACTIVE. */
async function requireMappingOf(look: StateLook, mapping: Mapping, settings: AllSettings, log: EventLog): Promise<void> {
  const { hash: active } = decodeJsonBody('mapping-activated', await log.fetch(streamName(settings, 'changes'), activationOf(look)));
  const ours = mappingHash(mapping);
  if (active === ours) return;
  const message = `what transform remembers was made by the mapping ${active.slice(0, 12)}, not by ${ours.slice(0, 12)}`;
  throw new ChangeoverError('MAPPING_NOT_ACTIVE', message, { facts: { active, ours } });
}
