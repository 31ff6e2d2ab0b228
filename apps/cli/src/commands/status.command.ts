import { SystemClock } from '@changeover/core';
import { openControl, probeControl, type LeaseView } from '@changeover/control-postgres';
import { Command, Option } from 'nest-commander';

import { findOwnServices } from '../services/own-services.js';
import { renderCopies } from '../status/copy-view.js';
import { LiveBlock } from '../status/live-block.js';
import { renderRoles, roleViews } from '../status/role-view.js';
import { CliCommand, toJson, type ReadOptionsOf } from './cli-command.js';

type StatusOptions = ReadOptionsOf & { readonly json?: boolean; readonly watch?: boolean };

const WATCH_MS = 2_000;

@Command({ name: 'status', description: 'Show how far capture, transform and load are, as they said last.' })
export class StatusCommand extends CliCommand {
  @Option({ flags: '--json', description: 'print JSON; with --watch one document per line' })
  parseJson(): boolean {
    return true;
  }

  @Option({ flags: '-w, --watch', description: 'go on showing it until Ctrl-C' })
  parseWatch(): boolean {
    return true;
  }

  override async run(_args: string[], options: StatusOptions): Promise<void> {
    const { settings, folder } = await this.readSettings(options);
    const { migration, control } = await findOwnServices(settings, folder);
    const show = this.#printer(migration, options);
    const { hasSchema } = await probeControl(control.url);
    if (!hasSchema) {
      // Opening would make the tables: looking must not change anything.
      show([]);
      return;
    }
    await using database = await openControl({ url: control.url });
    const { signal } = this.session;
    const clock = new SystemClock();
    do {
      show(await database.leases.statuses(migration));
      if (options.watch === true) await clock.sleep(WATCH_MS, signal);
    } while (options.watch === true && !signal.aborted);
  }

  #printer(migration: string, { json = false, watch = false }: StatusOptions): (leases: readonly LeaseView[]) => void {
    if (json) {
      return (leases) => {
        const document = { migration, roles: leases };
        this.terminal.out(watch ? `${JSON.stringify(document)}\n` : toJson(document));
      };
    }
    const lines = (leases: readonly LeaseView[]): readonly string[] => [
      `migration ${migration}`,
      ...[...renderRoles(roleViews(leases)), ...renderCopies(roleViews(leases))].map((line) => `  ${line}`),
    ];
    if (watch && this.terminal.isTty) {
      const block = new LiveBlock(this.terminal);
      return (leases) => {
        block.update(lines(leases));
      };
    }
    return (leases) => {
      this.terminal.out(`${lines(leases).join('\n')}\n`);
    };
  }
}
