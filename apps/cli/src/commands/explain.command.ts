import { SystemClock } from '@changeover/core';

import { Command, Option } from '../command.js';
import { COMMAND_WORDS } from '../command-words.js';
import { renderExplanation } from '../explain/explain-view.js';
import { qualified } from '../held/words.js';
import { CliCommand, toJson, type ReadOptionsOf } from './cli-command.js';

type ExplainOptions = ReadOptionsOf & { readonly source?: boolean; readonly json?: boolean };

@Command(COMMAND_WORDS.explain)
export class ExplainCommand extends CliCommand {
  @Option({ flags: '--source', description: 'the table is one of the old database, where the new one has one of that name too' })
  parseSource(): boolean {
    return true;
  }

  @Option({ flags: '--json', description: 'print JSON' })
  parseJson(): boolean {
    return true;
  }

  override async run([name = '', ...key]: string[], { source = false, json = false, ...options }: ExplainOptions): Promise<void> {
    const [{ findOwnServices }, { runExplain }] = await Promise.all([
      import('../services/own-services.js'),
      import('../explain/run-explain.js'),
    ]);
    const { settings: given, folder } = await this.readSettings(options);
    const settings = await findOwnServices(given, folder);
    const explanation = await runExplain(settings, {
      ...{ table: qualified(name), key, clock: new SystemClock(), signal: this.session.signal },
      ...(source && { end: 'source' as const }),
    });
    this.terminal.out(json ? toJson(explanation) : `${renderExplanation(explanation).join('\n')}\n`);
  }
}
