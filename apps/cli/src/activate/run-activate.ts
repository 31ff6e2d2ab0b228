import { createHash } from 'node:crypto';

import { ChangeoverError, type Clock, type IdSource } from '@changeover/core';
import { openControl, type RoleStatus } from '@changeover/control-postgres';
import { decodeJsonBody, type RecordRef } from '@changeover/events';
import { mappingHash, type Mapping } from '@changeover/mapping';
import { activationOf, lastActivationOf, type MappingPlan, type PlanStep } from '@changeover/pipeline';
import { loadMapping, lookAtState, type AllSettings } from '@changeover/shell';
import { lastAskedFor } from '@changeover/app-transform';

import { runCreate, withCheckpoints } from '../checkpoint/checkpoint-context.js';
import { untilAtTarget } from '../held/decide.js';
import { streamName, withLog } from '../log/open-log.js';
import { runPlan, type PlanOutcome } from '../plan/run-plan.js';
import { stateHere } from '../state/state-here.js';

type Context = { readonly clock: Clock; readonly ids: IdSource; readonly signal: AbortSignal };

/** The mapping in force, and the record of `changes` that activated it. */
type InForce = RecordRef & { readonly hash: string };

/** A mapping that is to come into force, and where it stands. */
export type Activation = {
  readonly mapping: Mapping;
  readonly hash: string;
  readonly active: InForce;
  /** `asked`: the request is made, and has not led to it yet. */
  readonly state: 'in force' | 'asked' | 'new';
};

/** How far it is, for people. */
export type ActivationStep =
  | PlanStep
  | { readonly doing: 'checkpoint' }
  | { readonly doing: 'going over'; readonly transform: TransformSaying }
  | { readonly doing: 'loading' };

/** What transform said last; null: it never ran. */
type TransformSaying = { readonly health: string; readonly status: RoleStatus | null } | null;

const LOOK_AGAIN_MS = 500;
const CHECKPOINT_PATIENCE_MS = 60_000;
/** Of a hash, in names and for people. */
const SHORT = 12;

/**
 * What `file` (left out: that of the settings) would come to, where transform runs, as it reads the file of the settings when it goes over. BAD_SETTINGS where that holds another mapping; STATE_NOT_HERE on
 * other machines; NOT_FOLLOWING while it copies or derives for the first time; ACTIVATION_IMPOSSIBLE while another one that was asked for is not in force.
 */
export async function findActivation(settings: AllSettings, file: string | undefined, clock: Clock): Promise<Activation> {
  const { migration } = settings;
  const mapping = await loadMapping(settings.mapping);
  const hash = mappingHash(mapping);
  if (file !== undefined && mappingHash(await loadMapping(file)) !== hash)
    throw new ChangeoverError(
      'BAD_SETTINGS',
      `transform reads its mapping from ${settings.mapping ?? 'nowhere: the settings name no file'}, which holds another one than ${file}: put it there first`,
    );
  const active = await inForce(settings, clock);
  await using control = await openControl({ url: settings.control.url, clock });
  const asked = await lastAskedFor(control.requests, migration);
  // Transform takes up the file when it comes to a record: with a third one it could go over to neither.
  if (asked !== null && asked !== active.hash && asked !== hash)
    throw new ChangeoverError(
      'ACTIVATION_IMPOSSIBLE',
      `mapping ${asked.slice(0, SHORT)} was asked for and is not in force yet: put its file in the place of the settings' until it is, and run \`changeover activate\` to follow it`,
      { facts: { migration, asked } },
    );
  return { mapping, hash, active, state: active.hash === hash ? 'in force' : asked === hash ? 'asked' : 'new' };
}

/** What it would change. ACTIVATION_IMPOSSIBLE where the rows that are written cannot be taken over to it; TARGET_PARKED where the target was taken back. */
export async function planActivation(
  settings: AllSettings,
  context: Context & { readonly onStep: (step: ActivationStep) => void },
): Promise<PlanOutcome> {
  const where = await withCheckpoints(settings, context, (checkpoints) => checkpoints.whereabouts());
  if (where?.parked != null)
    throw new ChangeoverError('TARGET_PARKED', `the target is parked at ${where.parked.at}`, { facts: { name: where.parked.at } });
  const plan = await runPlan(settings, { ...context, named: 0, values: false });
  requirePossible(plan);
  return plan;
}

function requirePossible({ tables, withoutKey }: Pick<MappingPlan, 'tables' | 'withoutKey'>): void {
  const rekeyed = tables.filter(({ state }) => state === 'rekeyed').map(({ table }) => table);
  if (rekeyed.length > 0)
    throw new ChangeoverError('ACTIVATION_IMPOSSIBLE', `${rekeyed.join(', ')} would have another key`, {
      facts: { tables: rekeyed.join(', ') },
    });
  const unkeyed = withoutKey.filter(({ state }) => state !== 'stays').map(({ table }) => table);
  if (unkeyed.length > 0) {
    const message = `the rows of ${unkeyed.join(', ')} have no key, and are not remembered`;
    throw new ChangeoverError('ACTIVATION_IMPOSSIBLE', message, { facts: { tables: unkeyed.join(', ') } });
  }
}

/** Makes a checkpoint of what the target holds before it; gives its name. */
export async function checkpointBefore(settings: AllSettings, { hash }: Activation, seq: number, context: Context): Promise<string> {
  const name = `before-${hash.slice(0, SHORT)}-at-${String(seq)}`;
  await runCreate(settings, { ...context, name, read: false, patienceMs: CHECKPOINT_PATIENCE_MS, onStep: () => undefined });
  return name;
}

/** Asks for it. The request's id follows from the mapping and from the one that it takes the place of, so it counts once, however often it is made. */
export async function submitActivation(
  { migration, control }: AllSettings,
  { mapping, hash, active }: Activation,
  clock: Clock,
): Promise<void> {
  const id = idOf(`${migration} ${hash} behind ${String(active.seq)}`);
  await using open = await openControl({ url: control.url, clock });
  await open.requests.submit({ migration, id, kind: 'activate-mapping', payload: { hash, mapping } });
}

/** Until it is in force, and all up to there is at the target. Gives the record of `changes`. Null: nobody waits any more; it goes on. */
export async function followActivation(
  settings: AllSettings,
  { hash, active }: Activation,
  { onStep, ...context }: Context & { readonly onStep: (step: ActivationStep) => void },
): Promise<number | null> {
  const { clock, signal } = context;
  await using control = await openControl({ url: settings.control.url, clock });
  while (!signal.aborted) {
    const now = await lastActivation(settings);
    if (now !== null && now.seq !== active.seq && (await hashAt(settings, now, clock)) === hash) {
      onStep({ doing: 'loading' });
      return (await untilAtTarget(settings, context)) === null ? null : now.seq;
    }
    const transform = (await control.leases.statuses(settings.migration)).find(({ role }) => role === 'transform') ?? null;
    onStep({ doing: 'going over', transform });
    await clock.sleep(LOOK_AGAIN_MS, signal);
  }
  return null;
}

async function inForce(settings: AllSettings, clock: Clock): Promise<InForce> {
  await using look = await stateHere(settings);
  const ref = activationOf(look);
  return { ...ref, hash: await hashAt(settings, ref, clock) };
}

/** As transform has committed it last, whatever it does now. */
async function lastActivation({ state, migration }: AllSettings): Promise<RecordRef | null> {
  await using look = await lookAtState(state, migration);
  return look && lastActivationOf(look);
}

function hashAt(settings: AllSettings, ref: RecordRef, clock: Clock): Promise<string> {
  return withLog(settings, clock, async ({ log }) => {
    return decodeJsonBody('mapping-activated', await log.fetch(streamName(settings, 'changes'), ref)).hash;
  });
}

/** A UUID of version 8 (RFC 9562): of our own making, the same for the same text. */
function idOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
