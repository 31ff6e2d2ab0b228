import type { GenericContainer } from 'testcontainers';

import type { ServerLife } from './running-server.js';

/**
 * A container on a fixed port of the host, so that its address outlives kill and restart. Testcontainers' reaper
 * removes it when our process is gone.
 */
export async function containerLife(container: GenericContainer, untilItAnswers: () => Promise<void>): Promise<ServerLife> {
  // Loaded only where an engine runs: it costs a third of a second.
  const { getContainerRuntimeClient } = await import('testcontainers');
  const started = await container.start();
  const { container: containers } = await getContainerRuntimeClient();
  const handle = containers.getById(started.getId());
  const isRunning = async (): Promise<boolean> => (await handle.inspect()).State.Running;
  let removed = false;
  const life: ServerLife = {
    origin: 'docker',
    pid: () => undefined,
    kill: async () => {
      if (await isRunning()) await handle.kill({ signal: 'SIGKILL' });
      await handle.wait();
    },
    start: async () => {
      await handle.start();
      await untilItAnswers();
    },
    stop: async () => {
      if (await isRunning()) await handle.stop({ t: 30 });
    },
    remove: async () => {
      if (removed) return;
      removed = true;
      await started.stop({ remove: true, removeVolumes: true, timeout: 10_000 });
    },
  };
  try {
    await untilItAnswers();
  } catch (error) {
    await life.remove();
    throw error;
  }
  return life;
}

/** The host under which containers' ports are reached. */
export async function containerHost(): Promise<string> {
  const { getContainerRuntimeClient } = await import('testcontainers');
  return (await getContainerRuntimeClient()).info.containerRuntime.host;
}
