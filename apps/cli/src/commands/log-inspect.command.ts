import { ChangeoverError, SystemClock } from '@changeover/core';
import type { LogStream } from '@changeover/events';

import { Command, Option } from '../command.js';
import { qualified } from '../held/words.js';
import { LOG_STREAMS, parseStream } from '../log/open-log.js';
import { renderSummary } from '../log/report-view.js';
import { runAudit } from '../log/run-audit.js';
import { runList, type ListRequest } from '../log/run-list.js';
import { lookIntoOwnServices } from '../services/own-services.js';
import { CliCommand, toJson, type ReadOptionsOf } from './cli-command.js';

type Kind = NonNullable<ListRequest['kind']>;

type LogInspectOptions = ReadOptionsOf & {
  readonly stream?: LogStream;
  readonly from?: number;
  readonly limit?: number;
  readonly follow?: boolean;
  readonly kind?: Kind;
  readonly table?: string;
  readonly rows?: boolean;
  readonly as?: 'debezium';
  readonly json?: boolean;
};

const KINDS: readonly Kind[] = [
  'transaction',
  'snapshot-chunk',
  'schema',
  'progress',
  'mapping-activated',
  'correction',
  'reference-data',
  'barrier',
];
const USUAL_LIMIT = 50;

@Command({
  name: 'inspect',
  description:
    'Say what is in the log. By itself it reads all of it and adds up, per stream; Ctrl-C ends that with what was seen until then. With any option but --stream and --json it lists records, one a line. Changes nothing.',
})
export class LogInspectCommand extends CliCommand {
  @Option({ flags: '-s, --stream <stream>', description: 'changes or writes (default: both are added up, changes is listed)' })
  parseStream(stream: string): LogStream {
    return parseStream(stream);
  }

  @Option({
    flags: '-f, --from <seq>',
    description:
      'list from this record on (default: so that the last ones are listed; with --kind or --table from the first of all). The log has no index: far from its end, all before it is read',
  })
  parseFrom(seq: string): number {
    return whole(seq, '--from');
  }

  @Option({ flags: '-n, --limit <records>', description: `list so many (default: ${String(USUAL_LIMIT)})` })
  parseLimit(records: string): number {
    return whole(records, '--limit');
  }

  @Option({ flags: '--follow', description: 'wait at the end for more, until Ctrl-C; --limit then only says how far back to begin' })
  parseFollow(): boolean {
    return true;
  }

  @Option({ flags: '-k, --kind <kind>', description: `only records of this kind: ${KINDS.join(', ')}` })
  parseKind(kind: string): Kind {
    const known = KINDS.find((one) => one === kind);
    if (known !== undefined) return known;
    throw new ChangeoverError('BAD_SETTINGS', `--kind is one of ${KINDS.join(', ')}`);
  }

  @Option({ flags: '-t, --table <table>', description: 'only records with rows, or the form, of this table, and of their rows only these' })
  parseTable(table: string): string {
    return qualified(table);
  }

  @Option({ flags: '--rows', description: 'list the rows too, WITH THEIR VALUES, as the log holds them' })
  parseRows(): boolean {
    return true;
  }

  @Option({
    flags: '--as <format>',
    description: 'debezium: one JSON line per row change in Debezium’s envelope, WITH ALL VALUES, as text',
  })
  parseAs(format: string): 'debezium' {
    if (format === 'debezium') return format;
    throw new ChangeoverError('BAD_SETTINGS', '--as knows debezium only');
  }

  @Option({ flags: '--json', description: 'print JSON; of a list one document a line' })
  parseJson(): boolean {
    return true;
  }

  override async run(_args: string[], options: LogInspectOptions): Promise<void> {
    const { settings: given, folder } = await this.readSettings(options);
    await using services = await lookIntoOwnServices(given, folder);
    const context = { clock: new SystemClock(), session: this.session };
    const { stream, json = false, ...list } = options;
    if (isList(list)) {
      await runList(services.settings, listRequest(options), context);
      return;
    }
    const report = await runAudit(services.settings, stream === undefined ? LOG_STREAMS : [stream], context);
    const { complete, streams, missing } = report;
    this.terminal.out(json ? toJson({ complete, streams, missing }) : renderSummary(report));
  }
}

function isList({ from, limit, follow, kind, table, rows, as }: LogInspectOptions): boolean {
  return [from, limit, follow, kind, table, rows, as].some((option) => option !== undefined);
}

function listRequest({
  stream = 'changes',
  from,
  limit = USUAL_LIMIT,
  follow = false,
  kind,
  table,
  rows = false,
  as,
  json = false,
}: LogInspectOptions): ListRequest {
  return {
    stream,
    limit,
    follow,
    rows,
    format: as ?? (json ? 'json' : 'lines'),
    ...(from !== undefined && { from }),
    ...(kind !== undefined && { kind }),
    ...(table !== undefined && { table }),
  };
}

function whole(text: string, option: string): number {
  const parsed = Number(text);
  if (Number.isSafeInteger(parsed) && parsed > 0) return parsed;
  throw new ChangeoverError('BAD_SETTINGS', `${option} is not a whole number from 1 on`);
}
