import { ChangeoverError, noCrash, RandomIdSource, SystemClock } from '@changeover/core';
import { openControl, type NewRequest } from '@changeover/control-postgres';
import type { BarrierReached } from '@changeover/events';
import { createTarget } from '@changeover/shell';

import { Command, Option } from '../command.js';
import { COMMAND_WORDS } from '../command-words.js';
import { waitForBarrier } from '../barrier/wait-for-barrier.js';
import { totalsWords } from '../held/words.js';
import { findOwnServices } from '../services/own-services.js';
import { CliCommand, parseSeconds, toJson, type ReadOptionsOf } from './cli-command.js';

type BarrierOptions = ReadOptionsOf & { readonly wait?: boolean; readonly timeout?: number; readonly json?: boolean };

@Command(COMMAND_WORDS.barrier)
export class BarrierCommand extends CliCommand {
  @Option({ flags: '--wait', description: 'wait until the target holds it, and so all that was committed before' })
  parseWait(): boolean {
    return true;
  }

  @Option({ flags: '--timeout <seconds>', description: 'give up waiting after so long (default: never)' })
  parseTimeout(seconds: string): number {
    return parseSeconds(seconds);
  }

  @Option({ flags: '--json', description: 'print JSON' })
  parseJson(): boolean {
    return true;
  }

  override async run(_args: string[], { wait = false, timeout, json = false, ...options }: BarrierOptions): Promise<void> {
    const { settings: given, folder } = await this.readSettings(options);
    const { migration, control, target: targetSettings, limits } = await findOwnServices(given, folder);
    const token = new RandomIdSource().uuid();
    await submit(control.url, { migration, id: token, kind: 'barrier', payload: {} });
    if (!wait) {
      this.terminal.out(json ? toJson({ token, reached: false }) : `barrier ${token} is asked for\n`);
      return;
    }
    const { signal: stop } = this.session;
    const signal = timeout === undefined ? stop : AbortSignal.any([stop, AbortSignal.timeout(timeout * 1_000)]);
    const clock = new SystemClock();
    const target = createTarget(targetSettings, { migration, limits, clock, crashPoint: noCrash });
    const reached = await waitForBarrier(target, token, { clock, signal }).finally(() => target.stop());
    if (reached === null)
      throw new ChangeoverError('TIMED_OUT', `barrier ${token} is not in the target yet`, { facts: { migration, token } });
    this.terminal.out(
      json ? toJson({ token, reached: true, ...reached }) : `barrier ${token} is in the target: ${renderReached(reached)}\n`,
    );
  }
}

function renderReached({ position, ...totals }: BarrierReached): string {
  const everything = `everything up to ${position}`;
  const lacking = totalsWords(totals);
  return lacking === null ? everything : `${everything}, but for ${lacking}: changeover held list`;
}

async function submit(url: string, request: NewRequest): Promise<void> {
  await using control = await openControl({ url });
  await control.requests.submit(request);
}
