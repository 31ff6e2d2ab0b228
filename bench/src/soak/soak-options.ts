import { parseArgs } from 'node:util';

import { ChangeoverError, type Clock } from '@changeover/core';

import type { SoakOptions } from './run-soak.js';

export const SOAK_USAGE = `npm run soak -- [options]

The example CRM's users work while Changeover's three processes are killed, paused, replaced and restarted and the
servers crash. Exit code 0 only if both databases are equal in the end and every kind of fault happened.

  --minutes N                 at least this long (10); every kind of fault has its turn even if that takes longer
  --seed S                    what users do and which fault comes when (a number; default: another one each time)
  --log embedded|kafka        (embedded)
  --users N                   (20)
  --faults A,B                only faults whose names hold one of these words
  --json                      one JSON object on standard output at the end, everything else on standard error
  --help                      this text
`;

/**
 * @throws ChangeoverError BAD_SETTINGS
 * @returns undefined when help was asked for.
 */
export function parseSoakOptions(args: readonly string[], clock: Clock): (SoakOptions & { readonly json: boolean }) | undefined {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const options = { minutes: text, seed: text, log: text, users: text, faults: text, json: flag, help: { ...flag, short: 'h' } } as const;
  let values: { minutes?: string; seed?: string; log?: string; users?: string; faults?: string; json?: boolean; help?: boolean };
  try {
    values = parseArgs({ args: [...args], options }).values;
  } catch (cause) {
    throw new ChangeoverError('BAD_SETTINGS', `${cause instanceof Error ? cause.message : String(cause)}. See npm run soak -- --help`, {
      cause,
    });
  }
  if (values.help === true) return undefined;
  const log = values.log ?? 'embedded';
  if (log !== 'embedded' && log !== 'kafka') throw new ChangeoverError('BAD_SETTINGS', '--log takes embedded or kafka');
  return {
    minutes: positive('minutes', values.minutes ?? '10'),
    seed: values.seed === undefined ? Math.floor(clock.now()) % 1_000_000 : positive('seed', values.seed),
    log,
    users: positive('users', values.users ?? '20'),
    ...(values.faults === undefined ? {} : { faults: values.faults.split(',') }),
    json: values.json === true,
  };
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new ChangeoverError('BAD_SETTINGS', `--${name} takes a number above 0, not "${text}"`);
}
