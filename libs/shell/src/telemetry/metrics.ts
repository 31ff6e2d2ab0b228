import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Every metric, by what it tells. Each has the labels `migration` and `role`. Rendered into `docs/reference/metrics.md`. */
export const METRICS = {
  records: {
    type: 'counter',
    name: 'changeover_records_total',
    help: 'Records (source transactions and our own) finished since the start.',
  },
  rows: { type: 'counter', name: 'changeover_rows_total', help: 'Rows in the records finished since the start.' },
  bytes: { type: 'counter', name: 'changeover_bytes_total', help: 'Bytes of the records finished since the start.' },
  refusedRows: {
    type: 'counter',
    name: 'changeover_refused_rows_total',
    help: 'Rows that the target newly refused since the start (load).',
  },
  releasedRows: {
    type: 'counter',
    name: 'changeover_released_rows_total',
    help: 'Refused rows that the target took after all since the start (load).',
  },
  heldRows: {
    type: 'gauge',
    name: 'changeover_held_rows',
    help: 'Rows that a rule of the mapping holds back, as the target lists them, looked up at most every 10 seconds (load).',
  },
  waitingRows: {
    type: 'gauge',
    name: 'changeover_waiting_rows',
    help: 'Rows that wait for a row they need, as the target lists them, looked up at most every 10 seconds (load).',
  },
  openRefusedRows: {
    type: 'gauge',
    name: 'changeover_open_refused_rows',
    help: 'Rows that the target refuses and has not taken since, whenever they came, looked up at most every 10 seconds (load).',
  },
  copiedRows: {
    type: 'counter',
    name: 'changeover_copied_rows_total',
    help: 'Rows of existing tables that were copied since the start (capture).',
  },
  copiesLeft: {
    type: 'gauge',
    name: 'changeover_copies_left',
    help: 'Tables whose existing rows are not copied whole yet (capture).',
  },
  retries: { type: 'counter', name: 'changeover_retries_total', help: 'Runs that ended in an error and were tried again.' },
  warnings: { type: 'counter', name: 'changeover_warnings_total', help: 'Warnings written to the log.' },
  lagSeconds: {
    type: 'gauge',
    name: 'changeover_lag_seconds',
    help: 'From a source commit until it was finished here: of the last one, or, while nothing is finished, its age now, whoever on the way hangs.',
  },
  lagRecords: { type: 'gauge', name: 'changeover_lag_records', help: 'Captured records that are not finished here, as last measured.' },
  sequence: {
    type: 'gauge',
    name: 'changeover_sequence',
    help: 'Sequence of the last record finished: of changes for capture and transform, of writes for load.',
  },
  retainedBytes: {
    type: 'gauge',
    name: 'changeover_source_retained_bytes',
    help: 'Write-ahead log that the source keeps for us (capture).',
  },
  memoryBytes: {
    type: 'gauge',
    name: 'changeover_memory_bytes',
    help: 'Anonymous memory of the process (RssAnon; its whole resident memory where the system does not tell).',
  },
  running: { type: 'gauge', name: 'changeover_running', help: '1 while the loop runs, 0 while it starts, waits, stops or has ended.' },
  batchRows: {
    type: 'histogram',
    name: 'changeover_batch_rows',
    help: 'Rows per batch committed at the target (load).',
    buckets: [1, 10, 100, 1_000, 5_000, 10_000, 50_000, 100_000],
  },
  batchSeconds: {
    type: 'histogram',
    name: 'changeover_batch_seconds',
    help: 'Seconds to commit a batch at the target (load).',
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  },
} as const;

type Metric = (typeof METRICS)[keyof typeof METRICS];
type NameOf<Type extends Metric['type']> = {
  [Name in keyof typeof METRICS]: (typeof METRICS)[Name]['type'] extends Type ? Name : never;
}[keyof typeof METRICS];

/** Asked when somebody looks, so that counting costs the data path nothing but an addition. Null: not known, not shown. */
export type MetricReaders = Readonly<Record<NameOf<'counter' | 'gauge'>, () => number | null | Promise<number | null>>>;

export type RoleMetrics = {
  readonly registry: Registry;
  observeBatch(rows: number, seconds: number): void;
};

export function createMetrics(labels: { readonly migration: string; readonly role: string }, readers: MetricReaders): RoleMetrics {
  const registry = new Registry();
  registry.setDefaultLabels(labels);
  const registers = [registry];
  for (const [key, metric] of Object.entries(METRICS) as [keyof typeof METRICS, Metric][]) {
    if (metric.type === 'histogram') continue;
    const read = readers[key as keyof MetricReaders];
    const { name, help } = metric;
    if (metric.type === 'counter')
      new Counter({
        name,
        help,
        registers,
        async collect() {
          this.reset();
          this.inc((await read()) ?? 0);
        },
      });
    else
      new Gauge({
        name,
        help,
        registers,
        async collect() {
          const value = await read();
          if (value === null) this.remove();
          else this.set(value);
        },
      });
  }
  const batchRows = new Histogram({ ...histogram(METRICS.batchRows), registers });
  const batchSeconds = new Histogram({ ...histogram(METRICS.batchSeconds), registers });
  return {
    registry,
    observeBatch(rows, seconds) {
      batchRows.observe(rows);
      batchSeconds.observe(seconds);
    },
  };
}

function histogram({ name, help, buckets }: Extract<Metric, { readonly type: 'histogram' }>): {
  name: string;
  help: string;
  buckets: number[];
} {
  return { name, help, buckets: [...buckets] };
}

/** `docs/reference/metrics.md`, whole. A test compares it with the file. */
export function renderMetricsReference(): string {
  return [
    '# Metrics',
    '',
    'Rendered from `libs/shell/src/telemetry/metrics.ts`; change it there. Served on `/metrics` in the Prometheus text format, each with the labels `migration` and `role`.',
    '',
    '| metric | type | meaning |',
    '|---|---|---|',
    ...Object.values(METRICS).map(({ name, type, help }) => `| \`${name}\` | ${type} | ${help} |`),
    '',
  ].join('\n');
}
