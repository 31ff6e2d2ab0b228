import { LagProbe, type LagSummary } from '../lag-probe.js';
import type { MoveTraffic } from '../move/traffic/move-traffic.js';
import { connectTo } from '../stage/connect.js';
import type { StagedMigration } from '../stage/stage.js';
import type { StatusWatch } from '../stage/status-watch.js';
import { CopyStory } from './copy-story.js';
import { heldNow } from './held-now.js';
import { duration, whole } from './narrator.js';
import type { DemoContext } from './run-demo.js';

export type Play = DemoContext & {
  readonly migration: StagedMigration;
  readonly traffic: MoveTraffic;
  readonly watch: StatusWatch;
  readonly guarded: <T>(work: Promise<T>) => Promise<T>;
};

const PROBE_PAUSE_MS = 50;
/** Markers of about the last ten seconds. */
const RECENT_MARKERS = 150;
/** A marker that is there so soon shows that nothing is left to catch up with. */
const CAUGHT_UP_MS = 1_000;
/** Who has not caught up by then will not: the machine is too slow for so many people. */
const PATIENCE_MS = 45_000;

export type FirstRows = {
  /** From the start until all rows that were there then were in the new CRM, people writing meanwhile. */
  readonly arrivedMs: number;
  /** Until nothing was left to catch up with; null: that did not happen. */
  readonly caughtUpMs: number | null;
};

/**
 * Until all rows are in the new CRM and it has caught up. It is known from outside: a marker that was committed after the start arrives when everything
 * before it has.
 */
export async function bringFirstRows(play: Play): Promise<FirstRows> {
  const { migration, traffic, watch, narrator, clock, signal } = play;
  narrator.title('The rows that are there are copied while people go on writing.');
  await using probe = await LagProbe.open({
    source: migration.sourceUrl,
    target: migration.targetUrl,
    clock,
    lookEveryMs: 50,
    sender: 'first rows',
  });
  const story = new CopyStory(watch, narrator);
  const begun = clock.monotonic();
  const since = (): number => clock.monotonic() - begun;
  let arrivedMs: number | undefined;
  let caughtUpMs: number | null | undefined;
  const follow = async (): Promise<void> => {
    while (caughtUpMs === undefined) {
      const lag = await probe.measure(signal);
      if (lag === undefined) return;
      arrivedMs ??= since();
      if (lag < CAUGHT_UP_MS) caughtUpMs = since();
      else if (since() - arrivedMs > PATIENCE_MS) caughtUpMs = null;
    }
  };
  const following = follow();
  // Told by the await below.
  following.catch(() => undefined);
  while (caughtUpMs === undefined && !signal.aborted && !traffic.ended) {
    await Promise.race([clock.sleep(1_000, signal), following]);
    const now = arrivedMs === undefined ? story.now() : `catching up: ${story.behind()}`;
    narrator.live(`  ${String(Math.round(since() / 1_000)).padStart(3)} s   ${now}   (${whole(traffic.rows)} rows written meanwhile)`);
  }
  signal.throwIfAborted();
  // What went wrong is told by its stop().
  if (!traffic.ended) await following;
  const first: FirstRows = { arrivedMs: arrivedMs ?? since(), caughtUpMs: caughtUpMs ?? null };
  narrator.say(
    first.caughtUpMs === null
      ? `All of it is in the new CRM after ${duration(first.arrivedMs)}; this machine is too slow to catch up with so many people.`
      : `All of it is in the new CRM after ${duration(first.arrivedMs)}, and caught up with the people after ${duration(first.caughtUpMs)}.`,
  );
  narrator.say();
  return first;
}

/** Follows for some seconds, with lag and held rows. */
export async function keepUp(
  { migration, traffic, narrator, clock, signal }: Play,
  seconds: number,
): Promise<{ readonly lag: LagSummary; readonly rowsPerSecond: number }> {
  narrator.title(`It keeps up, for ${String(seconds)} s.`);
  traffic.arrived();
  await using modern = await connectTo(migration.targetUrl);
  await using probe = await LagProbe.open({
    source: migration.sourceUrl,
    target: migration.targetUrl,
    clock,
    pauseMs: PROBE_PAUSE_MS,
    lookEveryMs: 2,
    sender: 'demo',
    // Above those of the first rows.
    firstId: 1_000_000,
  });
  probe.run();
  const [begun, before] = [clock.monotonic(), traffic.rows];
  let rows = before;
  for (let second = 1; second <= seconds && !signal.aborted && !traffic.ended; second++) {
    await clock.sleep(1_000, signal);
    const recent = probe.summary(RECENT_MARKERS);
    const { held, waiting } = await heldNow(modern);
    narrator.live(
      `  ${String(second).padStart(3)} s   ${whole(traffic.rows - rows).padStart(6)} rows/s   commit → visible: p50 ${duration(recent.p50)}, p99 ${duration(recent.p99)}` +
        `   ${whole(held)} rows held, ${whole(waiting)} waiting`,
    );
    rows = traffic.rows;
  }
  const worked = (clock.monotonic() - begun) / 1_000;
  return { lag: await probe.stop(), rowsPerSecond: (traffic.rows - before) / worked };
}
