import { ChangeoverError, SystemClock } from '@changeover/core';
import { openControl, probeControl } from '@changeover/control-postgres';
import { createHeldRowList, HeldCounts, type AllSettings } from '@changeover/shell';
import { aborted } from '@changeover/shell/process';
import { lineDestination, Log } from '@changeover/shell/role';

import { Command, Option } from '../command.js';
import { COMMAND_WORDS } from '../command-words.js';
import { hasErrors, renderFindings, summary } from '../check/finding.js';
import { runCheck } from '../check/run-check.js';
import { startOwnServices } from '../services/own-services.js';
import { LiveStatus } from '../up/live-status.js';
import { CliCommand, type ReadOptionsOf } from './cli-command.js';

type UpOptions = ReadOptionsOf & { readonly takeOver?: boolean };

@Command(COMMAND_WORDS.up)
export class UpCommand extends CliCommand {
  @Option({ flags: '--take-over', description: 'start although another process runs: its sessions are ended and it is fenced' })
  parseTakeOver(): boolean {
    return true;
  }

  override async run(_args: string[], options: UpOptions): Promise<void> {
    const { signal } = this.session;
    const { settings: given, folder, file } = await this.readSettings(options);
    const live = new LiveStatus(this.terminal);
    const destination = lineDestination((line) => {
      live.line(line);
    });
    const log = Log.open({ level: given.logging.level, migration: given.migration, role: 'cli', destination });
    log.info('starting', { file });
    await using services = await startOwnServices(given, folder);
    const { settings, started } = services;
    if (started !== null) log.info(`started ${started}`);
    if (await isFirstStart(settings)) await this.#refuseUnlessReady(settings, log);
    if (signal.aborted) return;
    // The three roles, with all that only they need: no other command loads it.
    const { AllInOne } = await import('../up/all-in-one.js');
    await using all = await AllInOne.start(settings, { log, signal, takeOver: options.takeOver ?? false });
    const stop = new AbortController();
    const clock = new SystemClock();
    const { migration, limits, target } = settings;
    const counts = new HeldCounts(createHeldRowList(target, { migration, limits, clock }), clock);
    const showing = live.show({ roles: all.roles, counts }, { clock, signal: stop.signal });
    try {
      await Promise.race([all.done(), aborted(signal), services.watch(clock, stop.signal)]);
      log.info('stopping');
    } finally {
      stop.abort();
      await showing;
    }
  }

  /** At the first start a wrong setting is the likeliest trouble, and trying again would not help. Later, trying again is right. */
  async #refuseUnlessReady(settings: AllSettings, log: Log): Promise<void> {
    const findings = await runCheck(settings, { say: (line) => log.info(line) });
    if (!hasErrors(findings)) return;
    this.terminal.err(renderFindings(findings.filter(({ severity }) => severity !== 'ok')));
    throw new ChangeoverError('NOT_READY', summary(findings).trim());
  }
}

async function isFirstStart({ control, migration }: AllSettings): Promise<boolean> {
  const { hasSchema } = await probeControl(control.url);
  if (!hasSchema) return true;
  await using database = await openControl({ url: control.url });
  return (await database.leases.statuses(migration)).length === 0;
}
