import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { nearest } from './nearest.js';
import { POSTGRES_URL_FORM } from './postgres-url.js';
import { readSettings } from './read-settings.js';
import { renderSettingsReference } from './render-settings.js';
import { completeSettings, needsEmbeddedServices, type App } from './schema.js';

const REFERENCE = new URL('../../../../docs/reference/settings.md', import.meta.url);
const POSTGRES = 'postgresql://ann:s3cret@db/crm';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'changeover-settings-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function read<A extends App>(app: A, content: unknown, environment: Readonly<Record<string, string>> = {}) {
  const file = join(folder, 'changeover.json');
  await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
  return (await readSettings(app, { file, environment })).settings;
}

async function problems(app: App, content: unknown, environment: Readonly<Record<string, string>> = {}): Promise<string[]> {
  const error: unknown = await read(app, content, environment).catch((caught: unknown) => caught);
  expect(error).toMatchObject({ code: 'BAD_SETTINGS' });
  const [, ...lines] = (error as Error).message.split('\n');
  return lines.map((line) => line.trim());
}

const MINIMAL = { migration: 'crm', source: { type: 'postgres', url: POSTGRES }, target: { type: 'postgres', url: POSTGRES } };
const SEPARATE = { ...MINIMAL, log: { type: 'embedded', url: POSTGRES }, control: { url: POSTGRES } };

test('the least a file must say, and what is filled in', async () => {
  const settings = await read('cli', MINIMAL);
  expect(settings).toMatchObject({
    log: { type: 'embedded' },
    control: {},
    http: { host: '127.0.0.1', ports: { capture: 8701 } },
    logging: { level: 'info' },
    source: { tablesWithoutKey: 'refuse' },
  });
  expect(needsEmbeddedServices(settings)).toBe(true);
  const complete = completeSettings(settings, { url: 'postgresql://ours' });
  expect([complete.log, complete.control]).toEqual([{ type: 'embedded', url: 'postgresql://ours' }, { url: 'postgresql://ours' }]);
});

test('an app reads its own sections only: the secrets of the others need not be here', async () => {
  const file = { ...SEPARATE, target: { type: 'postgres', url: 'env:TARGET_URL' } };
  expect(await read('capture', file)).not.toHaveProperty('target');
  expect(await problems('load', file)).toEqual(['target.url: the environment variable TARGET_URL is not set']);
  expect(await read('load', file, { TARGET_URL: POSTGRES })).toHaveProperty('target.url', POSTGRES);
});

test('a process of its own cannot do without the addresses that `up` fills in', async () => {
  expect(await problems('transform', MINIMAL)).toEqual(['control: is missing', 'log: is missing']);
  expect(await problems('transform', { ...SEPARATE, log: { type: 'embedded' } })).toEqual(['log.url: is missing']);
});

test('every problem at once, each with its place and the nearest known key, none with a value', async () => {
  const lines = await problems('cli', {
    migration: 'My-CRM',
    sorce: {},
    source: { type: 'postgres', url: 'mysql://ann:s3cret@db/crm', tabels: ['crm.contact'], schemas: [] },
    target: { type: 'oracle' },
    log: { type: 'kafka', brokers: ['b1'], sasl: { mechanism: 'plain', user: 'ann' } },
    limits: { readAheadBytes: '12 parsecs' },
    http: { ports: { capture: 70000, verify: 1 } },
  });
  const expected = [
    'migration: must begin with a letter and hold at most 31 of a-z, 0-9 and _',
    'sorce: is not an option here; did you mean source?',
    `source.url: ${POSTGRES_URL_FORM}`,
    'source.tabels: is not an option here; did you mean tables?',
    'source.schemas: Too small: expected array to have >=1 items',
    "target.type: Invalid discriminator value. Expected 'postgres'",
    'log.brokers.0: must be of the form host:port',
    'log.sasl.username: is missing',
    'log.sasl.password: is missing',
    'log.sasl.user: is not an option here; did you mean username?',
    'limits.readAheadBytes: must be a size such as "64MB", or a number of bytes',
    'http.ports.capture: Too big: expected number to be <=65535',
    'http.ports.verify: is not an option here; there are capture, transform, load',
  ];
  expect([...lines].sort()).toEqual(expected.sort());
  expect(lines.join()).not.toContain('s3cret');
});

test.each([
  'postgresql://postgres:p@ss:/%#w@db:5432/crm',
  'postgresql://postgres:p@ss@db/crm',
  'postgresql://postgres:12/ss@db/crm',
  'postgresql://postgres:12?ss@db/crm',
  'postgresql://postgres:12#ss@db/crm',
  'postgresql://postgres:ss@db/crm#12',
  'postgresql://postgres:ss%zz@db/crm',
  'postgresql://postgres:ss%e4@db/crm',
])('%s may hold a part of a password anywhere: every setting refuses it, and says how to write it', async (url) => {
  const expected = `url: ${POSTGRES_URL_FORM}`;
  const file = { ...SEPARATE, source: { type: 'postgres', url: 'env:URL' }, target: { type: 'postgres', url }, control: { url } };
  const lines = await problems('cli', { ...file, log: { type: 'embedded', url } }, { URL: url });
  expect(lines.sort()).toEqual(['control', 'log', 'source', 'target'].map((section) => `${section}.${expected}`));
  expect(expected).toContain('@ is %40');
});

test.each([
  'postgresql://ann:p%40ss%3A%2F%25%23w@db:5432/crm?sslmode=require',
  'postgresql://db/crm?user=ann%40corp',
  'postgresql:///crm?host=/run/postgresql',
])('%s is taken as it stands', async (url) => {
  expect(await read('cli', { ...MINIMAL, source: { type: 'postgres', url } })).toHaveProperty('source.url', url);
});

test('a broker is host and port, and no place for a password', async () => {
  const kafka = { type: 'kafka', brokers: ['ann:s3cret@b1:9092', 'SASL_SSL://b1:9092', 'b1:9092', '[::1]:9092'] };
  const words = 'must be of the form host:port';
  expect(await problems('cli', { ...MINIMAL, log: kafka })).toEqual([`log.brokers.0: ${words}`, `log.brokers.1: ${words}`]);
});

test('no file, no JSON, no object: said without the content', async () => {
  await expect(readSettings('cli', { file: join(folder, 'none.json'), environment: {} })).rejects.toThrow(/none\.json cannot be read/);
  await expect(read('cli', `{ "url": "${POSTGRES}", }`)).rejects.toThrow(/^((?!s3cret).)*is not JSON$/);
  await expect(read('cli', '[]')).rejects.toThrow('holds no JSON object');
});

test('the file is found by option, then by environment; paths in it are relative to it', async () => {
  const file = join(folder, 'other.json');
  await writeFile(file, JSON.stringify({ ...MINIMAL, mapping: './mapping.ts' }));
  const { settings } = await readSettings('cli', { environment: { CHANGEOVER_CONFIG: file } });
  expect(settings.mapping).toBe(join(folder, 'mapping.ts'));
  const log = { type: 'kafka', brokers: ['b:9092'], ssl: { caFile: 'ca.pem', keyFile: '/etc/key.pem' } };
  expect(await read('cli', { ...MINIMAL, log })).toMatchObject({
    log: { ssl: { caFile: join(folder, 'ca.pem'), keyFile: '/etc/key.pem' } },
  });
});

test('a table may have dots in its name: the first one ends the schema’s', async () => {
  const source = { ...MINIMAL.source, exclude: ['public.o.d'] };
  expect(await read('cli', { ...MINIMAL, source })).toHaveProperty('source.exclude', ['public.o.d']);
  const words = 'must be of the form schema.table; the first dot separates the two';
  expect(await problems('cli', { ...MINIMAL, source: { ...source, exclude: ['o', '.o', 'public.'] } })).toEqual(
    [0, 1, 2].map((index) => `source.exclude.${String(index)}: ${words}`),
  );
});

test('sizes are powers of 1024', async () => {
  const { limits } = await read('cli', { ...MINIMAL, limits: { readAheadBytes: '64MB', batchBytes: 1000 } });
  expect(limits).toMatchObject({ readAheadBytes: 64 * 1024 * 1024, batchBytes: 1000 });
});

test.each([
  ['tabels', 'tables'],
  ['URL', 'url'],
  ['zzz', null],
])('nearest to %s is %s', (typed, expected) => {
  expect(nearest(typed, ['tables', 'schemas', 'url'])).toBe(expected);
});

test('docs/reference/settings.md is what the schemas say (write it anew with UPDATE_REFERENCE=1)', async () => {
  const rendered = renderSettingsReference();
  if (process.env['UPDATE_REFERENCE'] === '1') await writeFile(REFERENCE, rendered);
  expect(await readFile(REFERENCE, 'utf8')).toBe(rendered);
});
