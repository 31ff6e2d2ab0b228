import { Command, Option } from 'nest-commander';

import { hasErrors, renderFindings, summary } from '../check/finding.js';
import { runCheck } from '../check/run-check.js';
import { lookIntoOwnServices } from '../services/own-services.js';
import { CliCommand, toJson, type ReadOptionsOf } from './cli-command.js';

type CheckOptions = ReadOptionsOf & { readonly json?: boolean };

@Command({
  name: 'check',
  description:
    'Look at settings, mapping, source, target, log and control database; say what is missing and the exact lines that grant it. Changes nothing.',
})
export class CheckCommand extends CliCommand {
  @Option({ flags: '--json', description: 'print the findings as JSON' })
  parseJson(): boolean {
    return true;
  }

  override async run(_args: string[], options: CheckOptions): Promise<void> {
    const { settings: given, file, folder } = await this.readSettings(options);
    await using services = await lookIntoOwnServices(given, folder);
    const checked = await runCheck(services.settings, (line) => {
      this.terminal.err(`${line}\n`);
    });
    const findings = [{ part: 'settings', severity: 'ok', check: 'settings', message: file } as const, ...checked];
    const failed = hasErrors(findings);
    this.terminal.out(options.json === true ? toJson({ ok: !failed, findings }) : `${renderFindings(findings)}\n${summary(findings)}`);
    if (failed) process.exitCode = 1;
  }
}
