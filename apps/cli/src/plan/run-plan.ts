import { derivationThreads } from '@changeover/app-transform';
import { CONVERTERS } from '@changeover/cleaning';
import type { Clock, IdSource } from '@changeover/core';
import { decodeJsonBody } from '@changeover/events';
import { mappingHash, parseMapping, type Mapping } from '@changeover/mapping';
import { activationOf, planMapping, type MappingPlan, type PlanStep } from '@changeover/pipeline';
import { openScratchState, type AllSettings } from '@changeover/shell';

import { streamName, withLog } from '../log/open-log.js';
import { stateHere, toldForms } from '../state/state-here.js';
import { openScratchFolder } from '../verify/scratch-state.js';

export type PlanRequest = {
  readonly proposed: Mapping;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly signal: AbortSignal;
  /** Tables of the target; left out: all. */
  readonly only?: ReadonlySet<string>;
  /** Rows of each kind that are named of a table, and whether with their values. */
  readonly named: number;
  readonly values: boolean;
  readonly onStep: (step: PlanStep) => void;
};

/** What would change, with the two mappings' hashes. */
export type PlanOutcome = MappingPlan & {
  readonly migration: string;
  readonly active: string;
  readonly proposed: string;
  readonly seconds: number;
};

/** Asks where transform runs, as what it remembers is on that machine. Changes nothing. */
export async function runPlan(settings: AllSettings, request: PlanRequest): Promise<PlanOutcome> {
  const { migration, state, limits } = settings;
  const { proposed, clock, ids, signal } = request;
  const began = clock.monotonic();
  await using look = await stateHere(settings);
  await using scratch = await openScratchFolder(state, `${migration}.plan`);
  return await withLog(settings, clock, async ({ log }) => {
    const changes = streamName(settings, 'changes');
    const told = decodeJsonBody('mapping-activated', await log.fetch(changes, activationOf(look)));
    const active = parseMapping(told.mapping, CONVERTERS);
    await using scratchState = await openScratchState(await scratch.empty(), { migration, clock, ids });
    const plan = await planMapping(
      {
        ...request,
        ...{ migration, active, look, converters: CONVERTERS, state: scratchState, maxStateBytes: limits.stateBytes },
        startThreads: derivationThreads(limits.derivationThreads),
        fetch: toldForms(settings, log),
      },
      signal,
    );
    const seconds = (clock.monotonic() - began) / 1000;
    return { migration, active: mappingHash(active), proposed: mappingHash(proposed), ...plan, seconds };
  });
}
