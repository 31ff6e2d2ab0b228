import { RandomIdSource, SystemClock } from '@changeover/core';

import { Command, CommandGroup, Option } from '../command.js';
import { COMMAND_WORDS } from '../command-words.js';
import { lookIntoOwnServices } from '../services/own-services.js';
import { rebuildState, renderView, viewState } from '../state/rebuild-state.js';
import { CliCommand, toJson, type ReadOptionsOf } from './cli-command.js';

type RebuildOptions = ReadOptionsOf & { readonly dryRun?: boolean; readonly json?: boolean };

@Command({
  name: 'rebuild',
  description: 'Empty the state, so that transform fills it again from the log when it is started next. Refused while transform runs.',
})
export class StateRebuildCommand extends CliCommand {
  @Option({ flags: '--dry-run', description: 'only say what would be done; exits 1 if it would be refused' })
  parseDryRun(): boolean {
    return true;
  }

  @Option({ flags: '--json', description: 'print JSON' })
  parseJson(): boolean {
    return true;
  }

  override async run(_args: string[], { dryRun = false, json = false, ...options }: RebuildOptions): Promise<void> {
    const { settings: given, folder } = await this.readSettings(options);
    await using services = await lookIntoOwnServices(given, folder);
    const context = { clock: new SystemClock(), ids: new RandomIdSource(), signal: this.session.signal };
    const view = await viewState(services.settings, context);
    const rebuilds = !dryRun && view.bytes !== null;
    if (rebuilds) await rebuildState(services.settings, context);
    this.terminal.out(json ? toJson({ ...view, dryRun, rebuilt: rebuilds }) : renderView(view, dryRun ? 'dry run' : 'done'));
    if (view.inUse && dryRun) process.exitCode = 1;
  }
}

@Command({ ...COMMAND_WORDS.state, subCommands: [StateRebuildCommand] })
export class StateCommand extends CommandGroup {}
