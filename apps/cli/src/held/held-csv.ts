import { formatRows, type ListedRow } from '@changeover/events';

const NAMES = ['state', 'table', 'key', 'refusal', 'reason', 'column', 'kept', 'since_record', 'since'];
/** Lines that are written in one go. */
const RUN_LINES = 1_000;

/** The list for a spreadsheet, by RFC 4180, some lines at a time: a line of names, then one of each row. `key`: COPY text, so that the columns of one are told apart. */
export async function* csvOf(rows: AsyncIterable<ListedRow>): AsyncGenerator<string> {
  let lines = [csvLine(NAMES)];
  for await (const { state, table, key, refusal, reason, column, kept, sinceSeq, sinceMs } of rows) {
    const keyText = key === null ? '' : formatRows([key]).toString().slice(0, -1);
    const since = sinceMs === null ? '' : new Date(sinceMs).toISOString();
    lines.push(csvLine([state, table, keyText, refusal ?? '', reason, column ?? '', kept ? 'yes' : 'no', String(sinceSeq), since]));
    if (lines.length < RUN_LINES) continue;
    yield lines.join('');
    lines = [];
  }
  if (lines.length > 0) yield lines.join('');
}

function csvLine(cells: readonly string[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`;
}

/** What a spreadsheet would take for a formula is text to it behind an apostrophe. */
function csvCell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
