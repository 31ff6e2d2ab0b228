import { parseArgs } from 'node:util';

import { ChangeoverError, type Clock } from '@changeover/core';

export type DemoOptions = {
  /** About how many the old CRM has. */
  readonly rows: number;
  readonly seconds: number;
  readonly users: number;
  /** Chooses what the old CRM holds and what the users do. */
  readonly seed: number;
  readonly log: 'embedded' | 'kafka';
  /** Chooses the damage; undefined: no damage. */
  readonly sabotage: number | undefined;
  /** Threads that derive large tables; undefined: as many as Changeover itself decides on. */
  readonly threads: number | undefined;
  readonly keep: boolean;
  readonly json: boolean;
};

export const DEMO_USAGE = `npm run demo -- [options]

A company moves from its old CRM to a new one while people keep working. Starts PostgreSQL servers and Changeover,
fills an old CRM with half a million rows, dirt and all, lets simulated users write from the first second on, and moves
it by a mapping with rules: joined, cleaned, held back where it must be. While they go on \`changeover verify\` compares
every row. Then the users stop, and every row of the new CRM, and every row that was held and why, is compared with what
independent SQL says there must be.
Exit code 0: equal. 1: a difference was found, or something failed. 2: wrong options, or the judge itself failed.

  --kafka            keep the events in Kafka instead of the embedded log: the broker at KAFKA_BROKERS,
                     else one in Docker, else one started here with Java and Maven
  --sabotage [seed]  damage the new CRM before the comparison, which must find it: exit code 1
  --rows N           about how many rows the old CRM has (500000)
  --seconds N        how long the users work on when the new CRM has all rows, before it is verified (15)
  --users N          how many there are (20)
  --threads N        how many threads derive large tables (what suits the machine)
  --seed S           what the old CRM holds and what the users do (a number; default: another one each time)
  --keep             leave everything running afterwards until Ctrl-C, with addresses
  --json             one JSON object on standard output at the end, everything else on standard error
  --help             this text
`;

/**
 * @throws ChangeoverError BAD_SETTINGS
 * @returns undefined when help was asked for.
 */
export function parseDemoOptions(args: readonly string[], clock: Clock): DemoOptions | undefined {
  // `--sabotage` may stand alone; then its seed comes from the clock.
  const spelled = args.flatMap((arg, index) =>
    arg === '--sabotage' && !/^\d+$/u.test(args[index + 1] ?? '') ? ['--sabotage', 'any'] : [arg],
  );
  const values = parsed(spelled);
  if (values.help === true) return undefined;
  const chance = Math.floor(clock.now()) % 1_000_000;
  return {
    rows: number('rows', values.rows, 500_000, 2_000, 20_000_000),
    seconds: number('seconds', values.seconds, 15, 1, 86_400),
    users: number('users', values.users, 20, 2, 150),
    seed: number('seed', values.seed, chance, 0, 0xffffffff),
    log: values.kafka === true ? 'kafka' : 'embedded',
    sabotage:
      values.sabotage === undefined
        ? undefined
        : number('sabotage', values.sabotage === 'any' ? undefined : values.sabotage, chance, 0, 0xffffffff),
    threads: values.threads === undefined ? undefined : number('threads', values.threads, 0, 0, 16),
    keep: values.keep === true,
    json: values.json === true,
  };
}

type Values = {
  readonly [name in 'rows' | 'seconds' | 'users' | 'threads' | 'seed' | 'sabotage']?: string;
} & { readonly [name in 'kafka' | 'keep' | 'json' | 'help']?: boolean };

function parsed(args: string[]): Values {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  try {
    return parseArgs({
      args,
      options: {
        rows: text,
        seconds: text,
        users: text,
        threads: text,
        seed: text,
        sabotage: text,
        kafka: flag,
        keep: flag,
        json: flag,
        help: { ...flag, short: 'h' },
      },
    }).values;
  } catch (cause) {
    throw new ChangeoverError('BAD_SETTINGS', `${cause instanceof Error ? cause.message : String(cause)}. See npm run demo -- --help`, {
      cause,
    });
  }
}

function number(name: string, text: string | undefined, otherwise: number, low: number, high: number): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (Number.isInteger(value) && value >= low && value <= high) return value;
  throw new ChangeoverError('BAD_SETTINGS', `--${name} takes a whole number from ${String(low)} to ${String(high)}, not "${text}"`);
}
