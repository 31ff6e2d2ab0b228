import { createInterface } from 'node:readline';

import { ChangeoverError } from '@changeover/core';

import { openDatabase } from '../database.js';
import { LmdbStateStore } from '../lmdb-state-store.js';
import { NUMBERED_ENTRIES, SPILLED_ENTRIES } from './numbers.js';

/**
 * A process that owns a state, for tests that stop or kill it. Argument 1 is the folder. It says `open`, and then answers each line:
 * `put <key> <value>`, `commit <place>` (with `committed` or the error's code), `spill`, `discard`, `commitOn` (commits numbers for ever, and says each),
 * `spillOn` (the same, with spills; it says what it is about to do).
 * With `hold` as argument 2 it opens the numbered folder itself, and stops inside a transaction.
 */
const [, , folder = '', what] = process.argv;

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function codeOf(error: unknown): string {
  return error instanceof ChangeoverError ? error.code : String(error);
}

async function commitOn(store: LmdbStateStore): Promise<void> {
  for (let number = 1; ; number++) {
    const value = Buffer.from(String(number));
    for (let i = 0; i < NUMBERED_ENTRIES; i++) {
      store.put(Buffer.from(`key ${String(i)}`), value);
      store.addMember(Buffer.from(`set ${String(number)}`), Buffer.from(`member ${String(i)}`));
    }
    await store.commit(value);
    say(String(number));
  }
}

/** For each number it spills what it then discards, and spills a half of what it then commits. */
async function spillOn(store: LmdbStateStore): Promise<void> {
  for (let number = 1; ; number++) {
    for (let i = 0; i < SPILLED_ENTRIES; i++) {
      if (i % 3 === 0) store.remove(Buffer.from(`key ${String(i)}`));
      else store.put(Buffer.from(`${i % 3 === 1 ? 'key' : 'given up'} ${String(i)}`), Buffer.from('given up'));
      store.addMember(Buffer.from('given up'), Buffer.from(`member ${String(i)}`));
      store.removeMember(Buffer.from('set'), Buffer.from(`member ${String(i)} of ${String(number - 1)}`));
    }
    say(`spill ${String(number)}`);
    await store.spill();
    say(`discard ${String(number)}`);
    await store.discard();
    for (let i = 0; i < SPILLED_ENTRIES; i++) {
      store.put(Buffer.from(`key ${String(i)}`), Buffer.from(String(number)));
      store.addMember(Buffer.from('set'), Buffer.from(`member ${String(i)} of ${String(number)}`));
      store.removeMember(Buffer.from('set'), Buffer.from(`member ${String(i)} of ${String(number - 1)}`));
      if (i === SPILLED_ENTRIES / 2) await store.spill();
    }
    say(`commit ${String(number)}`);
    await store.commit(Buffer.from(String(number)));
    say(`committed ${String(number)}`);
  }
}

if (what === 'hold') {
  const { root } = openDatabase(folder, { readOnly: false });
  root.transactionSync(() => {
    process.kill(process.pid, 'SIGSTOP');
  });
  say('released');
} else {
  const store = await LmdbStateStore.open({ folder, name: 'test' });
  say('open');
  for await (const line of createInterface(process.stdin)) {
    const [command, first = '', second = ''] = line.split(' ');
    try {
      if (command === 'put') store.put(Buffer.from(first), Buffer.from(second));
      if (command === 'commit') await store.commit(Buffer.from(first));
      if (command === 'spill') await store.spill();
      if (command === 'discard') await store.discard();
      if (command === 'commitOn') await commitOn(store);
      if (command === 'spillOn') await spillOn(store);
      say(command === 'commit' ? 'committed' : 'done');
    } catch (error) {
      say(codeOf(error));
    }
  }
}
