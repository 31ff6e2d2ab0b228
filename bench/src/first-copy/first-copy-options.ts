import { parseArgs, type ParseArgsConfig } from 'node:util';

import { ChangeoverError } from '@changeover/core';
import type { LogType } from '@changeover/example-crm';

import { logsOf, wholeFrom } from '../bench-options.js';
import type { KeyKind } from './contact-rows.js';

/** `contacts`: rules that clean them; `none`: rows go over as they are. */
export type MappingKind = 'contacts' | 'none';

/** A table that somebody has, and the server on which the databases are made that it is copied into. */
export type GivenTable = { readonly sourceUrl: string; readonly targetServerUrl: string | undefined; readonly table: string };

export type FirstCopyOptions = {
  readonly logs: readonly LogType[];
  readonly runs: number;
  /** Of the generated table. */
  readonly rows: number;
  readonly keys: KeyKind;
  readonly mapping: MappingKind;
  readonly given: GivenTable | undefined;
  readonly profile: boolean;
  readonly json: string | undefined;
  readonly name: string;
};

export const FIRST_COPY_USAGE = `npm run bench -- --first-copy [options]

Measures the first copy of a table that is there, end to end: Changeover as three separate processes, from their start to the last row at the
target, beside plain COPY and PostgreSQL's native initial copy of the same rows between the same two servers, in turns.

  --rows N                    generated contacts (1000000), about 250 B each
  --keys ordered|uuid         of the generated table (ordered)
  --mapping contacts|none     clean them by rules, or pass them on as they are (contacts)
  --log embedded|kafka|both   (both)
  --runs N                    turns (3); figures are medians with minimum and maximum
  --source URL                copy a table of this database instead, as it is; nothing but a slot and a publication is made in it, for the time
  --table SCHEMA.TABLE          of each copy, and the table must have a primary key
  --target URL                make the databases to copy into on this server (one of our own)
  --profile                   also say where our processes spend their time, by file; it makes them slower
  --quick                     50000 rows and one turn: does it work, not how fast
  --name NAME                 of the result (first-copy): bench/results/NAME.json
  --json PATH                 write the result there instead
  --help                      this text
`;

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;
const OPTIONS = {
  'first-copy': flag,
  rows: text,
  keys: text,
  mapping: text,
  log: text,
  runs: text,
  source: text,
  target: text,
  table: text,
  profile: flag,
  quick: flag,
  name: text,
  json: text,
  help: { ...flag, short: 'h' },
} as const satisfies ParseArgsConfig['options'];

type Values = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values'];

/**
 * @throws ChangeoverError BAD_SETTINGS
 * @returns undefined when help was asked for.
 */
export function parseFirstCopyOptions(args: readonly string[]): FirstCopyOptions | undefined {
  const values = read(args);
  if (values.help === true) return undefined;
  const quick = values.quick === true;
  const given = givenOf(values);
  return {
    logs: logsOf(values.log ?? 'both'),
    runs: wholeFrom(1, '--runs', values.runs ?? (quick ? '1' : '3')),
    rows: wholeFrom(1_000, '--rows', values.rows ?? (quick ? '50000' : '1000000')),
    keys: oneOf('--keys', ['ordered', 'uuid'], values.keys ?? 'ordered'),
    mapping: given === undefined ? oneOf('--mapping', ['contacts', 'none'], values.mapping ?? 'contacts') : 'none',
    given,
    profile: values.profile === true,
    json: values.json,
    name: values.name ?? 'first-copy',
  };
}

function read(args: readonly string[]): Values {
  try {
    return parseArgs({ args: [...args], options: OPTIONS }).values;
  } catch (cause) {
    const words = cause instanceof Error ? cause.message : String(cause);
    throw new ChangeoverError('BAD_SETTINGS', `${words}. See npm run bench -- --first-copy --help`, { cause });
  }
}

function givenOf({ source, table, target, rows, keys, mapping }: Values): GivenTable | undefined {
  if (source === undefined && table === undefined && target === undefined) return undefined;
  if (source === undefined || table === undefined) throw wrong('--source and --table belong together, and --target to both');
  if ([rows, keys, mapping].some((value) => value !== undefined && value !== 'none'))
    throw wrong('--rows, --keys and --mapping are for the generated table; one that is there is copied as it is');
  if (!/^[^.]+\..+$/u.test(table)) throw wrong('--table takes schema.table');
  for (const [option, url] of Object.entries({ '--source': source, '--target': target }))
    if (url !== undefined && !/^postgres(ql)?:\/\//u.test(url))
      throw wrong(`${option} takes postgresql://user:password@host:port/database`);
  return { sourceUrl: source, targetServerUrl: target, table };
}

function oneOf<T extends string>(option: string, values: readonly [T, T], given: string): T {
  const value = values.find((one) => one === given);
  if (value === undefined) throw wrong(`${option} takes ${values.join(' or ')}`);
  return value;
}

function wrong(words: string): ChangeoverError {
  return new ChangeoverError('BAD_SETTINGS', words);
}
