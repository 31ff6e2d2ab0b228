import { SystemClock } from '@changeover/core';
import type { LogStream } from '@changeover/events';

import { Command, Option } from '../command.js';
import { LOG_STREAMS, parseStream } from '../log/open-log.js';
import { damaged, renderVerdict } from '../log/report-view.js';
import { runAudit } from '../log/run-audit.js';
import { lookIntoOwnServices } from '../services/own-services.js';
import { CliCommand, toJson, type ReadOptionsOf } from './cli-command.js';

type LogVerifyOptions = ReadOptionsOf & { readonly stream?: LogStream; readonly json?: boolean };

@Command({
  name: 'verify',
  description:
    'Read the whole log and check every message of it: checksums, the chain, sequences, positions, parts, rows, references, and what writes was made from. Names all that it finds, and exits 1 if that is anything. Changes nothing.',
})
export class LogVerifyCommand extends CliCommand {
  @Option({
    flags: '-s, --stream <stream>',
    description: 'only what is wrong with changes, or with writes, for which changes is read as well (default: both)',
  })
  parseStream(stream: string): LogStream {
    return parseStream(stream);
  }

  @Option({ flags: '--json', description: 'print JSON' })
  parseJson(): boolean {
    return true;
  }

  override async run(_args: string[], { stream, json = false, ...read }: LogVerifyOptions): Promise<void> {
    const { settings: given, folder } = await this.readSettings(read);
    await using services = await lookIntoOwnServices(given, folder);
    const which = stream === undefined ? LOG_STREAMS : [stream];
    const report = await runAudit(services.settings, which, { clock: new SystemClock(), session: this.session });
    this.terminal.out(json ? toJson({ ok: report.complete && report.found === 0, ...report }) : renderVerdict(report));
    const error = damaged(report);
    if (error !== null) throw error;
    // Who was told to stop has not found that all is well.
    if (!report.complete) process.exitCode = 1;
  }
}
