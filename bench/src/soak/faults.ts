import { readFile } from 'node:fs/promises';

import { ERROR_PAGES, invariant, type Clock } from '@changeover/core';
import type { RunningServer } from '@changeover/local-services';
import type { LogType, Random, ServiceProcess, Stage } from '@changeover/example-crm';

import { exitText, ROLES, type Crew, type Role } from './crew.js';

/** What a fault may touch. */
export type FaultScene = {
  readonly stage: Stage;
  readonly crew: Crew;
  readonly random: Random;
  readonly clock: Clock;
  /** Ends every wait early: the run is over. */
  readonly signal: AbortSignal;
  /** The longest that the target stays away. */
  readonly longestAwayMs: number;
  /** Resolves when a row committed now has arrived: then all three processes work. */
  readonly untilFlowing: () => Promise<void>;
};

/** One way to hurt. `strike` resolves after it saw the effect, and what it hurt is back; it says what happened. */
export type Fault = {
  readonly name: string;
  readonly strike: (scene: FaultScene) => Promise<string>;
};

const ofEachRole = (make: (role: Role) => Fault): Fault[] => ROLES.map(make);

export function faultsOf(log: LogType): readonly Fault[] {
  return [
    ...ofEachRole((role) => ({ name: `kill ${role}`, strike: (scene) => kill(role, scene) })),
    ...ofEachRole((role) => ({ name: `restart ${role}`, strike: (scene) => restart(role, scene) })),
    ...ofEachRole((role) => ({ name: `pause ${role}`, strike: (scene) => pause(role, scene) })),
    ...ofEachRole((role) => ({ name: `replace paused ${role}`, strike: (scene) => replacePaused(role, scene) })),
    { name: 'kill all three', strike: killAll },
    { name: 'source crashes', strike: (scene) => crash(scene.stage.source, 'source', scene, 3_000) },
    { name: 'target away', strike: (scene) => crash(scene.stage.target, 'target', scene, scene.longestAwayMs) },
    log === 'kafka'
      ? { name: 'broker crashes', strike: (scene) => crash(scene.stage.broker, 'broker', scene, 5_000) }
      : { name: 'log server crashes', strike: (scene) => crash(scene.stage.own, 'log server', scene, 5_000) },
    ...(log === 'kafka'
      ? [{ name: 'control server crashes', strike: (scene: FaultScene) => crash(scene.stage.own, 'control server', scene, 5_000) }]
      : []),
  ];
}

async function kill(role: Role, { crew, random, clock, signal }: FaultScene): Promise<string> {
  const victim = crew.member(role);
  await killed(victim, crew);
  const away = random.integer(0, 2_000);
  await clock.sleep(away, signal);
  await crew.start(role);
  return `SIGKILL, started again after ${String(away)} ms`;
}

async function killAll({ crew, random, clock, signal }: FaultScene): Promise<string> {
  await Promise.all(ROLES.map((role) => killed(crew.member(role), crew)));
  const away = random.integer(0, 2_000);
  await clock.sleep(away, signal);
  for (const role of random.shuffled(ROLES)) await crew.start(role);
  return `SIGKILL, started again in any order after ${String(away)} ms`;
}

async function killed(victim: ServiceProcess, crew: Crew): Promise<void> {
  crew.expectEnd(victim);
  await victim.kill();
  invariant(victim.exit?.signal === 'SIGKILL', `${victim.service} was to be killed but had ended: ${exitText(await victim.exited)}`);
}

async function restart(role: Role, { crew, clock, untilFlowing }: FaultScene): Promise<string> {
  // One that has only just been started knows nothing yet that it could drain, and dies of the signal.
  await untilFlowing();
  const member = crew.member(role);
  crew.expectEnd(member);
  const begun = clock.monotonic();
  const exit = await member.stop();
  invariant(exit.code === 0, `${role} did not drain after SIGTERM: ${exitText(exit)}\n${await member.lastWords()}`);
  const drained = clock.monotonic() - begun;
  await crew.start(role);
  return `SIGTERM, drained in ${drained.toFixed(0)} ms, started again`;
}

async function pause(role: Role, { crew, random, clock, signal }: FaultScene): Promise<string> {
  const member = crew.member(role);
  await stopped(member);
  const paused = random.integer(500, 8_000);
  await clock.sleep(paused, signal);
  member.signal('SIGCONT');
  return `SIGSTOP for ${String(paused)} ms, SIGCONT`;
}

/** How long a woken process may take to see that it was replaced. */
const NOTICE_MS = 30_000;

async function replacePaused(role: Role, { crew, clock, signal, untilFlowing }: FaultScene): Promise<string> {
  // One that has only just been started has not taken the role yet, and would take it over when it wakes, as it was told to.
  await untilFlowing();
  const sleeper = crew.member(role);
  await stopped(sleeper);
  await crew.start(role);
  await untilFlowing();
  crew.expectEnd(sleeper);
  sleeper.signal('SIGCONT');
  const woken = clock.monotonic();
  while (sleeper.exit === undefined && !signal.aborted && clock.monotonic() - woken < NOTICE_MS) await clock.sleep(20);
  const exit = sleeper.exit;
  invariant(exit !== undefined, `the replaced ${role} was woken and went on for ${String(NOTICE_MS)} ms`);
  invariant(exit.signal === null && exit.code !== 0, `the replaced ${role} ended without saying why: ${exitText(exit)}`);
  const code = lastCode(await sleeper.lastWords());
  invariant(code !== undefined, `the replaced ${role} ended (${exitText(exit)}) without one of our codes`);
  return `SIGSTOP, replaced, SIGCONT; it stopped by itself as ${code} after ${(clock.monotonic() - woken).toFixed(0)} ms`;
}

function lastCode(words: string): string | undefined {
  return words.match(/\b[A-Z]+(?:_[A-Z]+)*\b/gu)?.findLast((word) => word in ERROR_PAGES);
}

/** SIGSTOP, and the kernel says that it stands. */
async function stopped(victim: ServiceProcess): Promise<void> {
  victim.signal('SIGSTOP');
  for (;;) {
    const stat = await readFile(`/proc/${String(victim.pid)}/stat`, 'utf8');
    if (stat.slice(stat.lastIndexOf(')') + 2).startsWith('T')) return;
  }
}

async function crash(
  server: RunningServer | undefined,
  name: string,
  { random, clock, signal }: FaultScene,
  longestMs: number,
): Promise<string> {
  invariant(server !== undefined, `there is no ${name} to crash`);
  await server.kill();
  invariant(server.pid === undefined, `the ${name} was to be killed and still runs`);
  const away = random.integer(Math.min(500, longestMs), longestMs);
  await clock.sleep(away, signal);
  await server.restart();
  return `SIGKILL, back after ${String(away)} ms`;
}
