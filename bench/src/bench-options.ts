import { parseArgs } from 'node:util';

import { ChangeoverError } from '@changeover/core';
import type { LogType } from '@changeover/example-crm';

export type BenchOptions = {
  readonly logs: readonly LogType[];
  readonly quick: boolean;
  readonly runs: number;
  /** Where the JSON goes; undefined: under `bench/results`. */
  readonly json: string | undefined;
  readonly name: string;
};

export const BENCH_USAGE = `npm run bench -- [options]

Measures Changeover, as three separate processes, beside PostgreSQL's native logical replication between the same two
servers, in turns, and prints ratios against the bars. Give the machine nothing else to do meanwhile.

  --first-copy                measures the first copy of a table instead; see --first-copy --help

  --log embedded|kafka|both   (both)
  --runs N                    turns (3); figures are medians with minimum and maximum
  --quick                     a tenth of the rows and one turn: does it work, not how fast
  --name NAME                 of the result (bench): bench/results/NAME.json
  --json PATH                 write the result there instead
  --help                      this text
`;

/**
 * @throws ChangeoverError BAD_SETTINGS
 * @returns undefined when help was asked for.
 */
export function parseBenchOptions(args: readonly string[]): BenchOptions | undefined {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  let values: { log?: string; runs?: string; quick?: boolean; name?: string; json?: string; help?: boolean };
  try {
    values = parseArgs({
      args: [...args],
      options: { log: text, runs: text, quick: flag, name: text, json: text, help: { ...flag, short: 'h' } },
    }).values;
  } catch (cause) {
    throw new ChangeoverError('BAD_SETTINGS', `${cause instanceof Error ? cause.message : String(cause)}. See npm run bench -- --help`, {
      cause,
    });
  }
  if (values.help === true) return undefined;
  const quick = values.quick === true;
  const runs = wholeFrom(1, '--runs', values.runs ?? (quick ? '1' : '3'));
  return { logs: logsOf(values.log ?? 'both'), quick, runs, json: values.json, name: values.name ?? 'bench' };
}

/** A whole number that is not below `least`. */
export function wholeFrom(least: number, option: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least) return value;
  throw new ChangeoverError('BAD_SETTINGS', `${option} takes a whole number from ${String(least)}`);
}

export function logsOf(text: string): readonly LogType[] {
  if (text === 'both') return ['embedded', 'kafka'];
  if (text === 'embedded' || text === 'kafka') return [text];
  throw new ChangeoverError('BAD_SETTINGS', '--log takes embedded, kafka or both');
}
