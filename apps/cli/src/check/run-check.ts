import { asChangeoverError, ChangeoverError, noCrash, RandomIdSource, SystemClock, type Clock } from '@changeover/core';
import { probeControl } from '@changeover/control-postgres';
import type { MessageStore, TableSchema } from '@changeover/events';
import { choosePostgres, inspectMachine } from '@changeover/local-services';
import type { Mapping } from '@changeover/mapping';
import {
  createCheckpoints,
  createLog,
  createSource,
  createTarget,
  withoutPassword,
  type AdapterContext,
  type CliSettings,
  type LogSettings,
  type TargetSettings,
} from '@changeover/shell';

import { checkDeterminism, type DeterminismCheck } from '../determinism/check-determinism.js';
import { checkMapping, writtenTables } from './check-mapping.js';
import { allCopies } from './first-copy.js';
import { keptFindings } from './kept-at-source.js';
import { about, failed, hasErrors, type Finding, type Part } from './finding.js';
import { retentionFindings, type KeptStream } from './retention.js';
import { saying, type Saying } from './saying.js';
import { tryData, type DataCheck } from './try-data.js';

/** A running migration waits longer for its log, as brokers restart; who is looked at now should be there now. */
const LOG_PATIENCE_MS = 10_000;

export type CheckAsked = Pick<Saying, 'say'> & {
  /** Left out: nothing is derived twice. */
  readonly determinism?: Pick<DeterminismCheck, 'values' | 'signal'>;
  /** Left out: of the rows nothing is said. */
  readonly data?: Pick<DataCheck, 'signal' | 'onSizes' | 'onStep'>;
};

type Waiting = <T>(part: Part, where: string, work: () => Promise<T>) => Promise<T>;

/**
 * Everything that could stand in the way, of every part, whatever the others say; `say` hears what is waited for. Looks only: nothing is made or changed.
 * What becomes of rows, and whether it is the same each time, is only tried with a mapping that fits.
 * Parts that `up` would start itself are checked for whether it could.
 */
export async function runCheck(settings: CliSettings, { say, determinism, data }: CheckAsked): Promise<readonly Finding[]> {
  const { migration, limits } = settings;
  const clock = new SystemClock();
  const context: AdapterContext = { migration, limits, clock, logPatienceMs: LOG_PATIENCE_MS };
  const waiting: Waiting = (part, where, work) => saying(`${part}: waiting for ${where}`, { clock, say }, work);
  const [source, services] = await Promise.all([
    waiting('source', withoutPassword(settings.source.url), () => checkSource(settings, context)),
    checkServices(settings, context, waiting),
  ]);
  const mapping = await waiting('mapping', settings.mapping ?? '', () => checkMapping(settings, { sources: source.tables, context }));
  const target = await waiting('target', withoutPassword(settings.target.url), () =>
    checkTarget(settings, { context, tables: mapping.tables }),
  );
  const misfits = hasErrors([...source.findings, ...mapping.findings]);
  const twice =
    determinism === undefined || misfits
      ? []
      : await waiting('mapping', 'two processes that derive a sample', () =>
          checkDeterminism(settings, { ...determinism, tables: source.tables, context }),
        );
  const tried =
    data === undefined || misfits || hasErrors(target) ? [] : await tryData(settings, { ...data, tables: source.tables, context });
  const notTried = [
    ...(determinism !== undefined && misfits ? ['--determinism'] : []),
    ...(data !== undefined && (misfits || hasErrors(target)) ? ['--data'] : []),
  ];
  return [...source.findings, ...mapping.findings, ...twice, ...tried, ...target, ...services, ...notTried.map(leftOut)];
}

/** What was asked for of the rows, and cannot be looked at as long as something does not fit. */
function leftOut(option: string): Finding {
  const message = `${option}: no row was read, as something does not fit; ask again when that is resolved`;
  return { part: 'mapping', severity: 'warning', check: 'not_tried', message };
}

/** What load would stop at, whatever rows come. What a first start asks for as well, of tables that are written already, is settled. */
const STOPS_LOAD: ReadonlySet<string> = new Set(['connection', 'table', 'column', 'ours', 'usage', 'privileges', 'row_security']);

/** What keeps load from writing what a mapping makes into the new database as it is now, or that it does not answer; of what else is wrong with that mapping nothing is said. SOURCE_UNREACHABLE: the source says which tables there are. */
export async function targetMisfits(settings: CliSettings, mapping: Mapping, clock: Clock): Promise<readonly Finding[]> {
  const { migration, limits } = settings;
  const context: AdapterContext = { migration, limits, clock, logPatienceMs: LOG_PATIENCE_MS };
  const source = createSource(settings.source, context);
  const sources = await source.tables().finally(() => source.stop());
  const found = await checkTarget(settings, { context, tables: writtenTables(mapping, sources) });
  return found.filter(({ severity, check }) => severity === 'error' && STOPS_LOAD.has(check));
}

type Checked = { readonly findings: readonly Finding[]; readonly tables: readonly TableSchema[] };

async function checkSource({ source: settings, control }: CliSettings, context: AdapterContext): Promise<Checked> {
  const source = createSource(settings, context);
  try {
    const reached = reachedAt('source', settings.url);
    const found = await source.preflight();
    const lost = await keptFindings(source, { migration: context.migration, controlUrl: control.url });
    return {
      findings: [reached, ...about('source', [...found, ...allCopies(found, settings.copy)]), ...lost],
      tables: await source.tables(),
    };
  } catch (error) {
    return { findings: failed('source', asChangeoverError(error)), tables: [] };
  } finally {
    await source.stop();
  }
}

async function checkTarget(
  { target: settings }: CliSettings,
  { context, tables }: { readonly context: AdapterContext; readonly tables: readonly TableSchema[] },
): Promise<readonly Finding[]> {
  const target = createTarget(settings, { ...context, crashPoint: noCrash });
  try {
    return [reachedAt('target', settings.url), ...about('target', await target.preflight(tables))];
  } catch (error) {
    return failed('target', asChangeoverError(error));
  } finally {
    await target.stop();
  }
}

async function checkServices(settings: CliSettings, context: AdapterContext, waiting: Waiting): Promise<readonly Finding[]> {
  const { log } = settings;
  const { url } = settings.control;
  const logSettings: LogSettings | null = log.type === 'kafka' ? log : log.url === undefined ? null : { type: 'embedded', url: log.url };
  const findings = await Promise.all([
    logSettings === null ? checkOwn('log') : waiting('log', addressOf(logSettings), () => checkLog(logSettings, settings, context)),
    url === undefined ? checkOwn('control') : waiting('control', withoutPassword(url), () => checkControl(url)),
  ]);
  return findings.flat();
}

/** Whether `up` could start a PostgreSQL for this part. */
async function checkOwn(part: Part): Promise<readonly Finding[]> {
  const choice = choosePostgres(18, {}, await inspectMachine(), true);
  if (choice.from === 'missing') return [{ part, severity: 'error', check: 'service', message: choice.enable }];
  return [{ part, severity: 'ok', check: 'service', message: '`changeover up` starts a PostgreSQL of its own' }];
}

async function checkLog(settings: LogSettings, { target }: CliSettings, context: AdapterContext): Promise<readonly Finding[]> {
  const { store } = await createLog(settings, { ...context, ids: new RandomIdSource(), crashPoint: noCrash });
  const found = (message: string): readonly Finding[] => [
    { part: 'log', severity: 'ok', check: 'log', message: `${addressOf(settings)}: ${message}` },
  ];
  try {
    // Not the log's head: that reads everything since the last start.
    const { start, end } = await store.bounds(`${context.migration}.changes`);
    if (end === start) return found('is ready for this migration');
    return [...found('holds this migration'), ...(await checkRetention(store, target, context))];
  } catch (error) {
    if (error instanceof ChangeoverError && error.code === 'LOG_MISSING')
      return found('answers; this migration begins with its first start');
    return failed('log', asChangeoverError(error));
  } finally {
    await store.stop();
  }
}

/** Whether what is kept of the streams reaches back to the oldest checkpoint, and will. A target that cannot be asked is told of by itself. */
async function checkRetention(store: MessageStore, target: TargetSettings, context: AdapterContext): Promise<readonly Finding[]> {
  const checkpoints = createCheckpoints(target, context);
  try {
    const listed = await checkpoints.list().catch(() => []);
    const findings: Finding[] = [];
    for (const stream of [`${context.migration}.changes`, `${context.migration}.writes`]) {
      const kept = await keptOf(store, stream);
      // Their place is one of `writes`.
      if (kept !== null) findings.push(...retentionFindings(kept, stream.endsWith('.writes') ? listed : [], context.clock.now()));
    }
    return findings;
  } finally {
    await checkpoints.stop();
  }
}

/** Null: it is not there yet. */
async function keptOf(store: MessageStore, stream: string): Promise<KeptStream | null> {
  try {
    return { stream, retention: await store.retention(stream), start: (await store.bounds(stream)).start };
  } catch (error) {
    if (error instanceof ChangeoverError && error.code === 'LOG_MISSING') return null;
    throw error;
  }
}

function addressOf(settings: LogSettings): string {
  return settings.type === 'kafka' ? settings.brokers.join(', ') : withoutPassword(settings.url);
}

async function checkControl(url: string): Promise<readonly Finding[]> {
  try {
    const { mayUse, hasSchema, grant } = await probeControl(url);
    const message = hasSchema ? 'holds a control database' : 'takes a control database';
    if (mayUse) return [{ part: 'control', severity: 'ok', check: 'control', message: `${withoutPassword(url)} ${message}` }];
    return [
      {
        part: 'control',
        severity: 'error',
        check: 'privilege',
        message: 'our user may not use or make the schema changeover_control',
        fix: [grant],
      },
    ];
  } catch (error) {
    return failed('control', asChangeoverError(error));
  }
}

function reachedAt(part: Part, url: string): Finding {
  return { part, severity: 'ok', check: 'address', message: withoutPassword(url) };
}
