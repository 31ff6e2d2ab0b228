// A thread that loads a mapping for a process that has loaded one before: started by loadMapping.
import { parentPort, workerData } from 'node:worker_threads';

import { asChangeoverError } from '@changeover/core';

import { loadMapping, type LoadedElsewhere } from './load-mapping.js';

try {
  parentPort?.postMessage({ mapping: await loadMapping(workerData as string) } satisfies LoadedElsewhere);
} catch (error) {
  const { code, message, facts } = asChangeoverError(error);
  parentPort?.postMessage({ failed: { code, message, facts } } satisfies LoadedElsewhere);
}
