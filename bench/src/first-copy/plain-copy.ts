import { pipeline } from 'node:stream/promises';

import { connectTo, type Stage } from '@changeover/example-crm';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';

import { quoted } from './arrival.js';
import { NOTHING_LEFT, type CopyRoute } from './copy-route.js';
import type { CopyScene } from './copy-scene.js';
import { targetDatabase } from './target-database.js';

/** `COPY … TO STDOUT` of the one database into `COPY … FROM STDIN` of the other, through this process: as fast as it gets. */
export function plainCopy(stage: Stage, scene: CopyScene): CopyRoute {
  const { sourceUrl, targetServerUrl, tables, asTheyAre } = scene;
  return {
    name: 'copy',
    prepare: async (turn) => {
      const database = await targetDatabase(targetServerUrl ?? stage.target.url, `first_copy_copy_${String(turn)}`, asTheyAre);
      return {
        targetUrl: database.url,
        arrivals: asTheyAre.arrivals,
        begin: async () => {
          await using source = await connectTo(sourceUrl);
          await using target = await connectTo(database.url);
          for (const table of tables) {
            const name = quoted(table);
            await pipeline(source.query(copyTo(`COPY ${name} TO STDOUT`)), target.query(copyFrom(`COPY ${name} FROM STDIN`)));
          }
        },
        failure: () => new Promise(() => undefined),
        steps: () =>
          Promise.resolve({
            source: localPid(scene, stage, 'source'),
            target: localPid(scene, stage, 'target'),
            pipe: { alone: process.pid },
          }),
        ours: [],
        finish: () => Promise.resolve(NOTHING_LEFT),
        [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
      };
    },
  };
}

/** The server's process, where the server is the stage's. */
export function localPid({ sourceUrl, targetServerUrl }: CopyScene, stage: Stage, end: 'source' | 'target'): number | undefined {
  const used = end === 'source' ? sourceUrl : (targetServerUrl ?? stage.target.url);
  return new URL(used).host === new URL(stage[end].url).host ? stage[end].pid : undefined;
}
