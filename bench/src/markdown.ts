import type { MachineFacts } from './machine.js';
import type { Bar } from './bars.js';
import type { Spread } from './statistics.js';

/** What was run, when and on what. */
export function headLines({
  command,
  startedAt,
  machine,
}: {
  readonly command: string;
  readonly startedAt: string;
  readonly machine: MachineFacts;
}): string[] {
  return [
    `\`${command}\`, ${startedAt}`,
    `${String(machine.cores)} cores (${machine.processor}), ${String(machine.memoryGiB)} GiB, ${machine.platform}, Node ${machine.node}, ` +
      `PostgreSQL ${machine.postgres}, Kafka ${machine.kafka ?? 'not used'}`,
    '',
    'Median (minimum – maximum) over the turns.',
    '',
  ];
}

export function barsTable(bars: readonly Bar[]): string[] {
  return table([
    ['bar', 'measured', 'limit', ''],
    ...bars.map((bar) => [
      bar.what,
      `${spreadText(bar.measured, bar.unit === 'ratio' ? 2 : 1)} ${bar.unit === 'ratio' ? '' : bar.unit}`.trim(),
      `${bar.at === 'least' ? '≥' : '≤'} ${String(bar.limit)}`,
      bar.met ? 'met' : 'MISSED',
    ]),
  ]);
}

export function spreadText(values: Spread, digits: number): string {
  if (values.min === values.max) return number(values.median, digits);
  return `${number(values.median, digits)} (${number(values.min, digits)} – ${number(values.max, digits)})`;
}

export function number(value: number, digits: number): string {
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export function table(rows: readonly (readonly string[])[]): string[] {
  const columns = rows[0]?.length ?? 0;
  const widths = Array.from({ length: columns }, (_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  // A bar inside a cell would end it.
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, column) => (cells[column] ?? '').replaceAll('|', '/').padEnd(width)).join(' | ')} |`;
  const [head = [], ...body] = rows;
  return [line(head), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...body.map(line)];
}
