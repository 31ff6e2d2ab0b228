import { ChangeoverError } from '@changeover/core';
import type { ReadOptions, ReadSettings } from '@changeover/shell';

import type { Terminal } from '../cli-session.js';
import { CommandRunner, Option } from '../command.js';

/** A command of `changeover`: every one of them takes `--config`. */
export abstract class CliCommand extends CommandRunner {
  protected get terminal(): Terminal {
    return this.session.terminal;
  }

  @Option({ flags: '-c, --config <file>', description: 'the settings file (default: $CHANGEOVER_CONFIG, else changeover.json)' })
  parseConfig(file: string): string {
    return file;
  }

  protected async readSettings(options: ReadOptionsOf): Promise<ReadSettings<'cli'>> {
    // Whoever asks for help waits for nothing that does the work.
    const { readSettings } = await import('@changeover/shell');
    return readSettings('cli', fileOption(options));
  }
}

/** What every command's options have. */
export type ReadOptionsOf = { readonly config?: string };

export function fileOption({ config }: ReadOptionsOf): ReadOptions {
  return config === undefined ? {} : { file: config };
}

/** One JSON document, readable, with its line end. Milliseconds that were measured (`heldMs`) to a tenth: a clock's other digits mean nothing. */
export function toJson(value: unknown): string {
  const rounded = (key: string, one: unknown): unknown => (typeof one === 'number' && key.endsWith('Ms') ? Math.round(one * 10) / 10 : one);
  return `${JSON.stringify(value, rounded, 2)}\n`;
}

export { INTERRUPTED } from '../interruption.js';

/** Aborts with the signal, or after so many seconds of `--timeout`; undefined: never. */
export function untilTimeout(signal: AbortSignal, seconds: number | undefined): AbortSignal {
  return seconds === undefined ? signal : AbortSignal.any([signal, AbortSignal.timeout(seconds * 1_000)]);
}

/** The value of `--timeout`. */
export function parseSeconds(seconds: string): number {
  const parsed = Number(seconds);
  if (parsed > 0) return parsed;
  throw new ChangeoverError('BAD_SETTINGS', '--timeout is not a number of seconds');
}

/** The value of `--sample`, as a share. */
export function parseShare(percent: string): number {
  const parsed = Number(percent.replace(/ ?%$/, ''));
  if (parsed > 0 && parsed <= 100) return parsed / 100;
  throw new ChangeoverError('BAD_SETTINGS', '--sample is not a percentage above 0 and up to 100');
}

/** The value of `--seed`. */
export function parseSeed(seed: string): number {
  const parsed = Number(seed);
  if (Number.isSafeInteger(parsed) && parsed >= 0) return parsed;
  throw new ChangeoverError('BAD_SETTINGS', '--seed is not a whole number');
}
