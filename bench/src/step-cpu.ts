import { ownCpuSeconds, treeCpuSeconds } from './process-usage.js';

/** A step's process, with its children but those that are steps themselves; `alone`: without any of them. Undefined: no process of this machine. */
export type StepProcess = number | { readonly alone: number } | undefined;

export type StepCpu = Readonly<Record<string, number | null>>;

/** CPU seconds that each step has used; null where it is not a process of this machine. */
export async function cpuByStep(steps: Readonly<Record<string, StepProcess>>): Promise<StepCpu> {
  const apart = new Set(Object.values(steps).filter((step) => typeof step === 'number'));
  const seconds: Record<string, number | null> = {};
  for (const [name, step] of Object.entries(steps)) {
    if (step === undefined) seconds[name] = null;
    else seconds[name] = typeof step === 'number' ? await treeCpuSeconds(step, apart) : await ownCpuSeconds(step.alone);
  }
  return seconds;
}

/** Microseconds a row. What began in between has used nothing before. */
export function cpuPerRow(before: StepCpu, after: StepCpu, rows: number): StepCpu {
  return Object.fromEntries(
    Object.entries(after).map(([step, seconds]) => [step, seconds === null ? null : ((seconds - (before[step] ?? 0)) / rows) * 1e6]),
  );
}
