import { RandomIdSource, SystemClock, type ErrorCode } from '@changeover/core';
import { openControl, probeControl, type LeaseView } from '@changeover/control-postgres';
import type { HeldTotals, Verified, Whereabouts } from '@changeover/events';
import { createCheckpoints, createHeldRowList, createTargetReader, HeldCounts, withoutPassword } from '@changeover/shell';

import { Command, Option } from '../command.js';
import { COMMAND_WORDS } from '../command-words.js';
import { mappingView, type MappingView } from '../activate/asked-for.js';
import { saying } from '../check/saying.js';
import { findOwnServices } from '../services/own-services.js';
import { renderCopies } from '../status/copy-view.js';
import { heldLine, mappingLines, parkedLine, verifiedLine } from '../status/held-line.js';
import { LiveBlock } from '../status/live-block.js';
import { renderRoles, roleViews } from '../status/role-view.js';
import { CliCommand, toJson, type ReadOptionsOf } from './cli-command.js';

type StatusOptions = ReadOptionsOf & { readonly json?: boolean; readonly watch?: boolean };

/** What is shown at once. */
type Shown = {
  readonly leases: readonly LeaseView[];
  readonly mapping: MappingView | null;
  readonly heldRows: HeldTotals | null;
  readonly heldError: ErrorCode | null;
  /** Null: nothing was ever loaded, or the target does not answer. */
  readonly where: Whereabouts | null;
  readonly verified: Verified | null;
};

const WATCH_MS = 2_000;
/** Who looks once waits for the target's answer; who watches goes on without it. */
const PATIENCE_MS = { once: 15_000, watch: 1_000 };

@Command(COMMAND_WORDS.status)
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
    const { migration, control, target, limits } = await findOwnServices(settings, folder);
    const print = this.#printer(migration, options);
    const clock = new SystemClock();
    const counts = new HeldCounts(createHeldRowList(target, { migration, limits, clock }), clock);
    const checkpoints = createCheckpoints(target, { migration, limits, clock });
    const reader = createTargetReader(target, { migration, limits, clock, ids: new RandomIdSource() });
    await using _stopped = {
      [Symbol.asyncDispose]: async () => {
        await Promise.all([checkpoints.stop(), reader.stop()]);
      },
    };
    const say = (line: string): void => {
      this.terminal.err(`${line}\n`);
    };
    const show = async ({ leases, mapping }: Pick<Shown, 'leases' | 'mapping'>): Promise<void> => {
      const heldRows =
        options.watch === true
          ? await counts.now(PATIENCE_MS.watch)
          : await saying(`target: waiting for ${withoutPassword(target.url)}`, { clock, say }, () => counts.now(PATIENCE_MS.once));
      // Who does not count its rows does not say where it is, either.
      const where = heldRows === null ? null : await checkpoints.whereabouts().catch(() => null);
      const verified = heldRows === null ? null : await reader.lastVerified('any').catch(() => null);
      print({ leases, mapping, heldRows, heldError: counts.lastError, where, verified });
    };
    const { hasSchema } = await probeControl(control.url);
    if (!hasSchema) {
      // Opening would make the tables: looking must not change anything.
      await show({ leases: [], mapping: null });
      return;
    }
    await using database = await openControl({ url: control.url });
    const { signal } = this.session;
    do {
      const leases = await database.leases.statuses(migration);
      await show({ leases, mapping: await mappingView(database, migration, leases) });
      if (options.watch === true) await clock.sleep(WATCH_MS, signal);
    } while (options.watch === true && !signal.aborted);
  }

  #printer(migration: string, { json = false, watch = false }: StatusOptions): (shown: Shown) => void {
    if (json) {
      return ({ leases, mapping, heldRows, where, verified }) => {
        const document = { migration, roles: leases, mapping, heldRows, parked: where?.parked ?? null, verified };
        this.terminal.out(watch ? `${JSON.stringify(document)}\n` : toJson(document));
      };
    }
    const lines = ({ leases, mapping, heldRows, heldError, where, verified }: Shown): readonly string[] => [
      `migration ${migration}`,
      ...[
        ...renderRoles(roleViews(leases)),
        ...mappingLines(mapping),
        heldLine(heldRows, heldError),
        ...verifiedLine(verified),
        ...parkedLine(where),
        ...renderCopies(roleViews(leases)),
      ].map((line) => `  ${line}`),
    ];
    if (watch && this.terminal.isTty) {
      const block = new LiveBlock(this.terminal);
      return (shown) => {
        block.update(lines(shown));
      };
    }
    return (shown) => {
      this.terminal.out(`${lines(shown).join('\n')}\n`);
    };
  }
}
