import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

import { ChangeoverError } from '@changeover/core';

/**
 * A port of 127.0.0.1 on which nobody listens, below the range that kernels give to outgoing connections:
 * inside that range a client that keeps reconnecting to a killed server can be connected to itself, and holds
 * the port when the server comes back.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = randomInt(20_000, 32_000);
    if (await isFree(port)) return port;
  }
  throw new ChangeoverError('SERVICE_MISSING', 'no free port between 20000 and 32000 on 127.0.0.1');
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(false);
    });
    server.listen(port, '127.0.0.1', () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}
