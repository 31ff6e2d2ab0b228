// Prints what the state in LMDB takes (after a build): entries a second, CPU, memory of both processes and bytes on disk, for keys in their order and in none.
//   node scripts/bench-state.mjs [--entries N,N] [--keys ordered|uuid|both] [--bytes N]
import { hash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { bytesBelow } from '../bench/dist/disk-usage.js';
import { anonymousBytes, childRunning, ownCpuSeconds } from '../bench/dist/process-usage.js';
import { LmdbStateStore } from '../libs/state-lmdb/dist/index.js';

const { values: args } = parseArgs({
  options: {
    entries: { type: 'string', default: '1000000,5000000' },
    keys: { type: 'string', default: 'both' },
    bytes: { type: 'string', default: '250' },
  },
});
const COMMIT_BYTES = 8e6;
const BATCH = 1000;
const READS = 200_000;
const CHANGES = 200_000;
const SAMPLE = 20_000;

const KINDS = {
  ordered: (number) => String(number + 1_000_000_000),
  uuid: (number) => {
    const hex = hash('md5', `entry ${number}`);
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`;
  },
};
const VALUE = Buffer.alloc(Number(args.bytes), 'value ');
const place = Buffer.from('place');

console.log(`values of ${VALUE.length} B, a commit each ${COMMIT_BYTES / 1e6} MB\n`);
console.log(
  '| keys | entries | step | a second | µs of CPU each: ours | the writer’s | memory in MB: ours | the writer’s | B an entry on disk |',
);
console.log('|---|---|---|---|---|---|---|---|---|');
for (const entries of args.entries.split(',').map(Number)) {
  for (const keys of args.keys === 'both' ? Object.keys(KINDS) : [args.keys]) await measure(keys, entries);
}

async function measure(keys, entries) {
  const folder = await mkdtemp(join(tmpdir(), 'changeover-state-'));
  const state = await LmdbStateStore.open({ folder, name: 'bench' });
  try {
    await steps(keys, entries, { folder, state, writer: await childRunning(process.pid, '{"task":"write"') });
  } finally {
    await state[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  }
}

async function steps(keys, entries, { folder, state, writer }) {
  const key = (number) => Buffer.from(`m\0\0${KINDS[keys](number)}`);
  // Any order that is none of the keys'.
  const somewhere = (number) => (number * 7_368_787) % entries;
  let committing = Promise.resolve();
  /** As transform does: beside the work, one behind the other. */
  const commit = async () => {
    await committing;
    committing = state.commit(place);
  };
  const timed = async (step, count, work) => {
    const peaks = [0, 0];
    const look = async () => {
      for (const [index, pid] of [process.pid, writer].entries()) peaks[index] = Math.max(peaks[index], (await anonymousBytes(pid)) ?? 0);
    };
    const [begun, ...cpu] = [performance.now(), await ownCpuSeconds(process.pid), await ownCpuSeconds(writer)];
    for (let done = 0; done < count; done += BATCH) {
      for (let number = done; number < Math.min(done + BATCH, count); number++) work(number);
      if (done % SAMPLE === 0) await look();
      if (state.pendingBytes >= COMMIT_BYTES) await commit();
    }
    await commit();
    await committing;
    await look();
    const seconds = (performance.now() - begun) / 1000;
    const micros = [process.pid, writer].map(async (pid, index) => (((await ownCpuSeconds(pid)) - cpu[index]) / count) * 1e6);
    const figures = [(count / seconds).toFixed(0), ...(await Promise.all(micros)).map((one) => one.toFixed(1))];
    const memory = peaks.map((bytes) => (bytes / 1e6).toFixed(0));
    console.log(`| ${[keys, entries, step, ...figures, ...memory, ((await bytesBelow(folder)) / entries).toFixed(0)].join(' | ')} |`);
  };
  await timed('put', entries, (number) => state.put(key(number), VALUE));
  await timed('get, anywhere', READS, (number) => {
    if (state.get(key(somewhere(number))) === undefined) throw new Error('an entry is not there');
  });
  await timed('put again, anywhere', CHANGES, (number) => state.put(key(somewhere(number)), VALUE));
  await timed('members of sets, ten each', CHANGES, (number) => state.addMember(key(Math.floor(somewhere(number) / 10)), key(number)));
}
