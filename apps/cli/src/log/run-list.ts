import type { Clock } from '@changeover/core';
import { listRecords, type ListedRecord, type LogStream } from '@changeover/events';
import type { CliSettings } from '@changeover/shell';

import type { CliSession } from '../cli-session.js';
import { visible } from '../held/words.js';
import { debeziumEnvelope } from './debezium.js';
import { streamName, withLog } from './open-log.js';
import { recordJson, recordLine, rowJson, rowLine } from './record-view.js';
import { findingLine } from './report-view.js';

export type ListRequest = {
  readonly stream: LogStream;
  /** Left out: the last `limit` records; with `kind` or `table`, from the first record of all. */
  readonly from?: number;
  readonly limit: number;
  readonly follow: boolean;
  readonly kind?: ListedRecord['header']['kind'];
  readonly table?: string;
  readonly rows: boolean;
  readonly format: 'lines' | 'json' | 'debezium';
};

/** Prints records, one a line, until the limit, the end, or, where it follows, until it is told to stop. */
export async function runList(
  settings: CliSettings,
  request: ListRequest,
  { clock, session }: { readonly clock: Clock; readonly session: CliSession },
): Promise<void> {
  const { terminal, signal } = session;
  const { kind, table, limit, follow } = request;
  const stream = streamName(settings, request.stream);
  const print = printing(settings.migration, request, (line) => {
    terminal.out(`${line}\n`);
  });
  await withLog(settings, clock, async ({ log, store }) => {
    const isChosen = kind !== undefined || table !== undefined;
    const from = request.from ?? (isChosen ? 1 : Math.max(1, (await log.head(stream)).seq - limit + 1));
    let isDamaged = false;
    const records = listRecords({
      store,
      log,
      stream,
      from,
      follow,
      signal,
      ...(kind !== undefined && { kind }),
      ...(table !== undefined && { table }),
      onFinding: (finding) => {
        isDamaged = true;
        terminal.err(`${findingLine(finding)}\n`);
      },
    });
    let listed = 0;
    for await (const record of records) {
      await print(record);
      if (++listed === limit && !follow) break;
    }
    // Of a damaged log the findings say why.
    if (listed > 0 || follow || signal.aborted || isDamaged) return;
    const { seq } = await log.head(stream);
    terminal.err(`${nothingListed(request, { from, seq })}\n`);
  });
}

/** Why nothing is listed of a stream that ends with the record `seq`. */
export function nothingListed(
  { stream, kind, table }: Pick<ListRequest, 'stream' | 'kind' | 'table'>,
  { from, seq }: { readonly from: number; readonly seq: number },
): string {
  if (from > seq) return `nothing is listed: ${stream} ends with record ${String(seq)}`;
  const chosen = [...(kind === undefined ? [] : [` of kind ${kind}`]), ...(table === undefined ? [] : [` about ${visible(table)}`])].join(
    '',
  );
  return `nothing is listed: no record${chosen} from record ${String(from)} to ${String(seq)} of ${stream}; \`changeover log inspect\` says which tables and kinds there are`;
}

/** A large record's rows go out as they are read. */
function printing(migration: string, { rows, format }: ListRequest, out: (line: string) => void): (record: ListedRecord) => Promise<void> {
  return async (record) => {
    const { header } = record;
    if (format === 'json') out(JSON.stringify(recordJson(record)));
    if (format === 'lines') out(recordLine(record));
    if (!rows && format !== 'debezium') return;
    const orders = new Map<string, number>();
    let total = 0;
    for await (const change of record.changes()) {
      const { schema, table } = change.table;
      const name = `${schema}.${table}`;
      const ofTable = (orders.get(name) ?? 0) + 1;
      orders.set(name, ofTable);
      total++;
      if (format === 'lines') out(rowLine(change));
      else
        out(
          JSON.stringify(format === 'json' ? rowJson(header.seq, change) : debeziumEnvelope(header, change, { migration, total, ofTable })),
        );
    }
  };
}
