import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

import { ChangeoverError } from '@changeover/core';
import type { z } from 'zod';

import { describeIssues } from './describe-issues.js';
import { ENVIRONMENT, resolveEnvironment, type Environment } from './environment.js';
import { APP_SCHEMAS, type App, type CliSettings, type SettingsOf, type StateSettings } from './schema.js';

export const SETTINGS_FILE = 'changeover.json';

export type ReadOptions = {
  /** The settings file. Default: the environment's CHANGEOVER_CONFIG, else `changeover.json` in the working directory. */
  readonly file?: string;
  /** Default: this process's environment. */
  readonly environment?: Environment;
};

export type ReadSettings<A extends App> = {
  readonly settings: SettingsOf<A>;
  /** Absolute path of the file that was read. */
  readonly file: string;
  /** Its folder, which relative paths in it are relative to. */
  readonly folder: string;
};

/** Where the settings are, with nothing read yet. */
export function settingsFile({ file, environment = ENVIRONMENT }: ReadOptions = {}): string {
  return resolve(file ?? environment['CHANGEOVER_CONFIG'] ?? SETTINGS_FILE);
}

/**
 * Reads, completes and checks what `app` needs of the settings file.
 * Sections that only other apps read are passed over, so that their secrets need not be here.
 * BAD_SETTINGS lists every problem with its path, and never a value.
 */
export async function readSettings<A extends App>(app: A, options: ReadOptions = {}): Promise<ReadSettings<A>> {
  const file = settingsFile(options);
  const whole = parseJson(await readText(file), file);
  const schema: z.ZodType<SettingsOf<A>> = APP_SCHEMAS[app] as never;
  const { value, problems } = resolveEnvironment(withoutForeignSections(whole, app), options.environment ?? ENVIRONMENT);
  const parsed = schema.safeParse(value);
  if (parsed.success && problems.length === 0) {
    const folder = dirname(file);
    return { settings: withAbsolutePaths(parsed.data, folder), file, folder };
  }
  const missing = new Set(problems.map(({ path }) => path));
  const others = parsed.success ? [] : describeIssues(schema, parsed.error, value).filter(({ path }) => !missing.has(path));
  const lines = [...problems, ...others].map(({ path, words }) => `  ${path}: ${words}`);
  const count = lines.length === 1 ? 'a problem' : `${String(lines.length)} problems`;
  throw new ChangeoverError('BAD_SETTINGS', `${file} has ${count}:\n${lines.join('\n')}`, { facts: { file, problems: lines.length } });
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new ChangeoverError('BAD_SETTINGS', `the settings file ${file} cannot be read; \`changeover init\` makes one`, { cause });
  }
}

function parseJson(text: string, file: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's own message quotes the text around the fault, which may be a password.
    throw new ChangeoverError('BAD_SETTINGS', `${file} is not JSON`);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Readonly<Record<string, unknown>>;
  throw new ChangeoverError('BAD_SETTINGS', `${file} holds no JSON object`);
}

/** The file is one for all apps: what is known to another app is left out here, what nobody knows stays and is a problem. */
function withoutForeignSections(whole: Readonly<Record<string, unknown>>, app: App): Readonly<Record<string, unknown>> {
  const own = APP_SCHEMAS[app].shape;
  return Object.fromEntries(Object.entries(whole).filter(([section]) => section in own || !(section in APP_SCHEMAS.cli.shape)));
}

/** Paths in the file are relative to it, wherever the process was started. */
function withAbsolutePaths<
  T extends { readonly mapping?: string | undefined; readonly state?: StateSettings; readonly log: CliSettings['log'] },
>(settings: T, folder: string): T {
  const { mapping, state, log } = settings;
  const ssl = log.type === 'kafka' && typeof log.ssl === 'object' ? log.ssl : null;
  const absolute =
    ssl === null
      ? null
      : Object.fromEntries(Object.entries(ssl).map(([key, file]) => [key, file === undefined ? file : resolve(folder, file)]));
  return {
    ...settings,
    ...(mapping !== undefined && { mapping: resolve(folder, mapping) }),
    ...(state !== undefined && { state: { ...state, folder: resolve(folder, state.folder) } }),
    ...(absolute !== null && { log: { ...log, ssl: absolute } }),
  };
}
