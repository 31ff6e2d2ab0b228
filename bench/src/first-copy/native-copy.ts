import { connectTo, type Stage } from '@changeover/example-crm';
import { escapeLiteral } from 'pg';

import { connectionText } from '../native-route.js';
import { quoted } from './arrival.js';
import { NOTHING_LEFT, type CopyRoute } from './copy-route.js';
import type { CopyScene } from './copy-scene.js';
import { localPid } from './plain-copy.js';
import { targetDatabase } from './target-database.js';

/** Names the publication, the subscription and the slot. */
const NAME = 'changeover_bench_native';

/** PostgreSQL's own logical replication: a subscription that copies what is there. */
export function nativeCopy(stage: Stage, scene: CopyScene): CopyRoute {
  const { sourceUrl, targetServerUrl, tables, asTheyAre } = scene;
  const atSource = async (sql: string): Promise<void> => {
    await using client = await connectTo(sourceUrl);
    await client.query(sql);
  };
  return {
    name: 'native',
    prepare: async (turn) => {
      const database = await targetDatabase(targetServerUrl ?? stage.target.url, `first_copy_native_${String(turn)}`, asTheyAre);
      const atTarget = async (sql: string): Promise<void> => {
        await using client = await connectTo(database.url);
        await client.query(sql);
      };
      await atSource(`CREATE PUBLICATION ${NAME} FOR TABLE ${tables.map(quoted).join()}`);
      return {
        targetUrl: database.url,
        arrivals: asTheyAre.arrivals,
        begin: async () => {
          // Made by itself: where both databases are on one server, CREATE SUBSCRIPTION would wait for its own transaction.
          await atSource(`SELECT pg_create_logical_replication_slot(${escapeLiteral(NAME)}, 'pgoutput')`);
          await atTarget(
            `CREATE SUBSCRIPTION ${NAME} CONNECTION ${escapeLiteral(connectionText(sourceUrl))} PUBLICATION ${NAME} WITH (copy_data = true, create_slot = false)`,
          );
        },
        failure: () => new Promise(() => undefined),
        steps: () => Promise.resolve({ source: localPid(scene, stage, 'source'), target: localPid(scene, stage, 'target') }),
        ours: [],
        finish: () => Promise.resolve(NOTHING_LEFT),
        [Symbol.asyncDispose]: async () => {
          await endSubscription(database.url);
          await database[Symbol.asyncDispose]();
          await atSource(releaseSlot(NAME));
          await atSource(`DROP PUBLICATION IF EXISTS ${NAME}`);
        },
      };
    },
  };
}

/** Without a word to the source: the slot is dropped there by itself. */
async function endSubscription(url: string): Promise<void> {
  await using client = await connectTo(url);
  const { rowCount } = await client.query('SELECT FROM pg_subscription WHERE subname = $1', [NAME]);
  if (rowCount === 0) return;
  for (const how of [
    `ALTER SUBSCRIPTION ${NAME} DISABLE`,
    `ALTER SUBSCRIPTION ${NAME} SET (slot_name = NONE)`,
    `DROP SUBSCRIPTION ${NAME}`,
  ])
    await client.query(how);
}

/** Ends whoever still reads from the slot, and drops it. */
export function releaseSlot(name: string): string {
  const slot = `FROM pg_replication_slots WHERE slot_name = ${escapeLiteral(name)}`;
  return `SELECT pg_terminate_backend(active_pid, 10000) ${slot} AND active; SELECT pg_drop_replication_slot(slot_name) ${slot}`;
}
