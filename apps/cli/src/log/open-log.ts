import { ChangeoverError, noCrash, RandomIdSource, type Clock } from '@changeover/core';
import type { LogStream } from '@changeover/events';
import { createLog, type CliSettings, type LogSettings } from '@changeover/shell';

type OpenLog = Awaited<ReturnType<typeof createLog>>;

export const LOG_STREAMS: readonly LogStream[] = ['changes', 'writes'];

/** The log of the settings, for who only reads it. */
export async function withLog<T>(settings: CliSettings, clock: Clock, work: (open: OpenLog) => Promise<T>): Promise<T> {
  const { migration, limits } = settings;
  const context = { migration, limits, clock, ids: new RandomIdSource(), crashPoint: noCrash };
  const open = await createLog(addressed(settings), context);
  try {
    return await work(open);
  } finally {
    await open.store.stop();
  }
}

export function streamName({ migration }: Pick<CliSettings, 'migration'>, stream: LogStream): string {
  return `${migration}.${stream}`;
}

export function parseStream(stream: string): LogStream {
  const known = LOG_STREAMS.find((one) => one === stream);
  if (known !== undefined) return known;
  throw new ChangeoverError('BAD_SETTINGS', `--stream is one of ${LOG_STREAMS.join(', ')}`);
}

function addressed({ log, migration }: CliSettings): LogSettings {
  if (log.type === 'kafka') return log;
  if (log.url !== undefined) return { type: 'embedded', url: log.url };
  throw new ChangeoverError('LOG_MISSING', `${migration} has no log here yet: \`changeover up\` begins one`, { facts: { migration } });
}
