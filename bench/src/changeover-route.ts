import { invariant, type Clock } from '@changeover/core';
import { ServiceProcess, untilFollowed, type LogType, type Service, type Stage } from '@changeover/example-crm';

import type { Route } from './route.js';
import { createBenchTables } from './workload.js';

const SERVICES = ['capture', 'transform', 'load'] as const satisfies readonly Service[];

/** Changeover as three separate processes on one of the two logs. */
export async function openChangeoverRoute(stage: Stage, log: LogType, clock: Clock): Promise<Route> {
  const { sourceUrl, targetUrl, settingsFile } = await stage.addMigration({ id: `bench_${log}`, log });
  await createBenchTables(sourceUrl);
  await createBenchTables(targetUrl);
  let processes: ServiceProcess[] = [];
  return {
    name: log,
    sourceUrl,
    targetUrl,
    start: async () => {
      for (const service of SERVICES)
        processes.push(await ServiceProcess.start({ service, settingsFile, logFile: stage.logFile(`${log}-${service}`), clock }));
      await Promise.race([untilFollowed(sourceUrl, clock), ...processes.map((started) => started.failure())]);
    },
    stop: async () => {
      const running = processes;
      processes = [];
      for (const { service, exit } of running) invariant(exit === undefined, `${service} ended by itself during the measurement`);
      await Promise.all(running.map((started) => started.stop()));
    },
    steps: () => ({
      source: stage.source.pid,
      target: stage.target.pid,
      log: log === 'kafka' ? stage.broker?.pid : stage.own.pid,
      ...Object.fromEntries(processes.map(({ service, pid }) => [service, pid])),
    }),
    ours: SERVICES,
  };
}
