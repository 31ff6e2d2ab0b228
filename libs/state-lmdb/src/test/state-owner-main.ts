import { createInterface } from 'node:readline';

import { ChangeoverError } from '@changeover/core';

import { openDatabase } from '../database.js';
import { LmdbStateStore } from '../lmdb-state-store.js';
import { NUMBERED_ENTRIES } from './numbers.js';

/**
 * A process that owns a state, for tests that stop or kill it. Argument 1 is the folder. It says `open`, and then answers each line:
 * `put <key> <value>`, `commit <place>` (with `committed` or the error's code), `commitOn` (commits numbers for ever, and says each).
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
      if (command === 'commitOn') await commitOn(store);
      say(command === 'commit' ? 'committed' : 'done');
    } catch (error) {
      say(codeOf(error));
    }
  }
}
