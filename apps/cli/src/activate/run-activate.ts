import { createHash } from 'node:crypto';

import { ChangeoverError, countWords, type Clock, type IdSource } from '@changeover/core';
import { openControl, type RoleStatus } from '@changeover/control-postgres';
import { decodeJsonBody, type MappingActivatedBody, type RecordRef } from '@changeover/events';
import { mappingHash, type Mapping } from '@changeover/mapping';
import {
  activationOf,
  lastActivationOf,
  refusedActivation,
  refusedOf,
  type MappingPlan,
  type PlanStep,
  type RefusedActivation,
} from '@changeover/pipeline';
import { loadMapping, lookAtState, type AllSettings } from '@changeover/shell';
import { mappingsAskedFor } from '@changeover/app-transform';

import { targetMisfits } from '../check/run-check.js';
import { runCreate, withCheckpoints } from '../checkpoint/checkpoint-context.js';
import { untilAtTarget } from '../held/decide.js';
import { streamName, withLog } from '../log/open-log.js';
import { runPlan, type PlanOutcome } from '../plan/run-plan.js';
import { stateHere } from '../state/state-here.js';

type Context = { readonly clock: Clock; readonly ids: IdSource; readonly signal: AbortSignal };

/** The mapping in force, and the record of `changes` that activated it; `requestId`: of who asked for it. */
type InForce = RecordRef & { readonly hash: string; readonly requestId: string };

/** A mapping that is to come into force, and where it stands. */
export type Activation = {
  readonly mapping: Mapping;
  readonly hash: string;
  readonly active: InForce;
  /** Of the request that it is asked for by. */
  readonly requestId: string;
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
/** Of what stands in the way, in an error. */
const NAMED = 5;
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
  const { active, refused } = await known(settings, clock);
  await using control = await openControl({ url: settings.control.url, clock });
  const last = (await mappingsAskedFor(control.requests, migration)).at(-1) ?? null;
  const isSettled = last === null || last.id === active.requestId || refused.some(({ requestId }) => requestId === last.id);
  // Transform takes up the file when it comes to a record: with a third one it could go over to neither.
  if (!isSettled && last.hash !== active.hash && last.hash !== hash)
    throw new ChangeoverError(
      'ACTIVATION_IMPOSSIBLE',
      `mapping ${last.hash.slice(0, SHORT)} was asked for and is not in force yet: put its file in the place of the settings' until it is, and run \`changeover activate\` to follow it`,
      { facts: { migration, asked: last.hash } },
    );
  if (active.hash === hash) return { mapping, hash, active, requestId: active.requestId, state: 'in force' };
  if (!isSettled) return { mapping, hash, active, requestId: last.id, state: 'asked' };
  // One that was refused can be asked for again: that is another request.
  const behind = Math.max(active.seq, ...refused.map(({ seq }) => seq));
  return { mapping, hash, active, requestId: idOf(`${migration} ${hash} behind ${String(behind)}`), state: 'new' };
}

/** What it would change. ACTIVATION_IMPOSSIBLE where the rows that are written cannot be taken over to it, or the target cannot take its rows; TARGET_PARKED where the target was taken back. */
export async function planActivation(
  settings: AllSettings,
  { mapping }: Activation,
  context: Context & { readonly onStep: (step: ActivationStep) => void },
): Promise<PlanOutcome> {
  const where = await withCheckpoints(settings, context, (checkpoints) => checkpoints.whereabouts());
  if (where?.parked != null)
    throw new ChangeoverError('TARGET_PARKED', `the target is parked at ${where.parked.at}`, { facts: { name: where.parked.at } });
  await requireTarget(settings, mapping, context.clock);
  const plan = await runPlan(settings, { ...context, proposed: mapping, named: 0, values: false });
  requirePossible(plan);
  return plan;
}

/** Asked for all the same, load would stop behind its record until the target is as it has to be. */
async function requireTarget(settings: AllSettings, mapping: Mapping, clock: Clock): Promise<void> {
  const misfits = await targetMisfits(settings, mapping, clock);
  if (misfits.length === 0) return;
  const more = misfits.length > NAMED ? `; and ${countWords(misfits.length - NAMED)} more` : '';
  const named = misfits.slice(0, NAMED).map(({ message }) => message);
  throw new ChangeoverError('ACTIVATION_IMPOSSIBLE', `the new database cannot take its rows: ${named.join('; ')}${more}`);
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

/** Asks for it. The request's id follows from the mapping and from the activation that it comes behind, so it counts once, however often it is made. */
export async function submitActivation(
  { migration, control }: AllSettings,
  { mapping, hash, requestId: id }: Activation,
  clock: Clock,
): Promise<void> {
  await using open = await openControl({ url: control.url, clock });
  await open.requests.submit({ migration, id, kind: 'activate-mapping', payload: { hash, mapping } });
}

/** Until it is in force, and all up to there is at the target. Gives the record of `changes`, and how many rows the target refuses then, those from before it too. Null: nobody waits any more; it goes on. ACTIVATION_REFUSED: it came to nothing. */
export async function followActivation(
  settings: AllSettings,
  { hash, active, requestId }: Activation,
  { onStep, ...context }: Context & { readonly onStep: (step: ActivationStep) => void },
): Promise<{ readonly record: number; readonly refused: number } | null> {
  const { clock, signal } = context;
  await using control = await openControl({ url: settings.control.url, clock });
  while (!signal.aborted) {
    const { now, refused } = await lastActivations(settings);
    const refusal = refused.find((one) => one.requestId === requestId);
    if (refusal !== undefined) throw refusedActivation(refusal);
    if (now !== null && now.seq !== active.seq && (await toldAt(settings, now, clock)).hash === hash) {
      onStep({ doing: 'loading' });
      const reached = await untilAtTarget(settings, context);
      return reached && { record: now.seq, refused: reached.refused };
    }
    const transform = (await control.leases.statuses(settings.migration)).find(({ role }) => role === 'transform') ?? null;
    onStep({ doing: 'going over', transform });
    await clock.sleep(LOOK_AGAIN_MS, signal);
  }
  return null;
}

async function known(
  settings: AllSettings,
  clock: Clock,
): Promise<{ readonly active: InForce; readonly refused: readonly RefusedActivation[] }> {
  await using look = await stateHere(settings);
  const ref = activationOf(look);
  const { hash, requestId } = await toldAt(settings, ref, clock);
  return { active: { ...ref, hash, requestId }, refused: refusedOf(look) };
}

/** As transform has committed it last, whatever it does now. */
async function lastActivations({
  state,
  migration,
}: AllSettings): Promise<{ readonly now: RecordRef | null; readonly refused: readonly RefusedActivation[] }> {
  await using look = await lookAtState(state, migration);
  return look === null ? { now: null, refused: [] } : { now: lastActivationOf(look), refused: refusedOf(look) };
}

function toldAt(settings: AllSettings, ref: RecordRef, clock: Clock): Promise<MappingActivatedBody> {
  return withLog(settings, clock, async ({ log }) => {
    return decodeJsonBody('mapping-activated', await log.fetch(streamName(settings, 'changes'), ref));
  });
}

/** A UUID of version 8 (RFC 9562): of our own making, the same for the same text. */
function idOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
