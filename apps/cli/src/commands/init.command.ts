import { settingsFile } from '@changeover/shell';

import { Command } from '../command.js';
import { COMMAND_WORDS } from '../command-words.js';
import { writeScaffold } from '../init/scaffold.js';
import { CliCommand, fileOption, type ReadOptionsOf } from './cli-command.js';

@Command(COMMAND_WORDS.init)
export class InitCommand extends CliCommand {
  override async run(_args: string[], options: ReadOptionsOf): Promise<void> {
    const written = await writeScaffold(settingsFile(fileOption(options)));
    this.terminal.out(
      [
        ...written.map((file) => `wrote ${file}`),
        '',
        'Next:',
        '  1. Set SOURCE_URL and TARGET_URL in the environment (postgresql://user:password@host:port/database).',
        '  2. npx changeover check   says what is missing, with the exact lines that grant it',
        '  3. npx changeover up      starts everything in one process',
        '',
      ].join('\n'),
    );
  }
}
