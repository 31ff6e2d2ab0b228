import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { CRASH_POINTS, ERROR_PAGES } from '@changeover/core';

import { adapters, brokenLinks, placeholders, registryHosts, type SourceFile, unmentioned } from './rules.js';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const WORKSPACES = ['libs', 'apps', 'examples']
  .flatMap((folder) => readdirSync(join(ROOT, folder)).map((name) => `${folder}/${name}`))
  .concat('bench');

/** A port, and a suite that all its adapters run. */
const CONTRACTS = [
  { port: 'MessageStore', contract: 'messageStoreContract' },
  // The log over it, with its fences and late batches: what a store promises is tried by what is built on it.
  { port: 'MessageStore', contract: 'eventLogContract' },
  { port: 'ChangeSource', contract: 'changeSourceContract' },
  { port: 'TargetWriter', contract: 'targetWriterContract' },
  { port: 'HeldRowList', contract: 'heldRowListContract' },
  { port: 'TableCatalogue', contract: 'tableCatalogueContract' },
  { port: 'StateStore', contract: 'stateStoreContract' },
  { port: 'SourceSnapshots', contract: 'sourceSnapshotsContract' },
  { port: 'ColumnProfiler', contract: 'columnProfilerContract' },
] as const;

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

function sources(folder: string, wanted: (path: string) => boolean): SourceFile[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .map((path) => `${folder}/${path}`)
    .filter((path) => path.endsWith('.ts') && wanted(path))
    .map((path) => ({ path, text: read(path) }));
}

const isSpec = (path: string): boolean => path.endsWith('.spec.ts');
const product = WORKSPACES.flatMap((workspace) => sources(`${workspace}/src`, (path) => !isSpec(path)));
const tests = [
  ...WORKSPACES.flatMap((workspace) => sources(`${workspace}/src`, isSpec)),
  ...sources('test', (path) => !path.endsWith('architecture.spec.ts')),
];

describe('ports and adapters', () => {
  const found = adapters(
    product.filter(({ path }) => !path.startsWith('libs/testing/')),
    CONTRACTS.map(({ port }) => port),
  );

  it.each(CONTRACTS)('$port has adapters, and each runs $contract', ({ port, contract }) => {
    const ofPort = found.filter((adapter) => adapter.port === port);
    expect(ofPort).not.toEqual([]);
    const withoutContract = ofPort.filter(({ path }) => {
      const workspace = path.split('/').slice(0, 2).join('/');
      return !tests.some((test) => test.path.startsWith(`${workspace}/`) && test.text.includes(`${contract}(`));
    });
    expect(withoutContract).toEqual([]);
  });

  it('finds an adapter by what it extends', () => {
    expect(adapters([{ path: 'libs/x/src/x.ts', text: 'export class X extends ChangeSource {' }], ['ChangeSource'])).toHaveLength(1);
    expect(adapters([{ path: 'libs/x/src/x.ts', text: 'export class X extends Other {' }], ['ChangeSource'])).toEqual([]);
  });
});

describe('errors', () => {
  it('have their pages in docs/reference/errors.md, and cleaners theirs', async () => {
    await promisify(execFile)(process.execPath, ['scripts/render-reference.mjs', '--check'], { cwd: ROOT });
  });

  it('have no page that nobody throws', () => {
    const throwers = product.filter(({ path }) => path !== 'libs/core/src/error-pages.ts');
    expect(unmentioned(Object.keys(ERROR_PAGES), throwers)).toEqual([]);
    expect(unmentioned(['NO_SUCH_CODE'], throwers)).toEqual(['NO_SUCH_CODE']);
  });
});

describe('crash points', () => {
  it('are each named by a test', () => {
    // A test that walks the whole list names them all.
    const walked = tests.some(({ text }) => text.includes('CRASH_POINTS'));
    expect(walked ? [] : unmentioned(CRASH_POINTS, tests)).toEqual([]);
  });

  it('are each passed by the product', () => {
    const passing = product.filter(({ path }) => path !== 'libs/core/src/crash-points.ts');
    expect(unmentioned(CRASH_POINTS, passing)).toEqual([]);
  });
});

describe('the repository', () => {
  it('has no placeholders in product code', () => {
    // What it writes is a first mapping, in which somebody has to decide things.
    expect(placeholders(product.filter(({ path }) => path !== 'apps/cli/src/analyze/render-mapping.ts'))).toEqual([]);
    const words = ['// TODO later', 'a stub', '// fixme', "'not implemented'"];
    expect(placeholders([{ path: 'x.ts', text: words.join('\n') }])).toHaveLength(words.length);
    expect(placeholders([{ path: 'x.ts', text: "status: 'TODO' | 'DONE'" }])).toEqual([]);
    expect(placeholders([{ path: 'x.ts', text: "'TODO: more'" }])).toHaveLength(1);
  });

  it('names no package registry in its lock file', () => {
    expect(registryHosts(read('package-lock.json'))).toEqual([]);
    expect(registryHosts(JSON.stringify({ packages: { 'node_modules/a': { resolved: 'https://registry.example/a.tgz' } } }))).toEqual([
      'node_modules/a',
    ]);
  });

  it('builds every workspace', () => {
    const { references } = JSON.parse(read('tsconfig.json')) as { references: { path: string }[] };
    expect(references.map(({ path }) => path).sort()).toEqual([...WORKSPACES].sort());
  });

  it('has no link in its pages that leads nowhere', () => {
    const pages = [
      'README.md',
      ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' }).map((path) => `docs/${path}`),
    ].filter((path) => path.endsWith('.md') && existsSync(join(ROOT, path)));
    const broken = pages.flatMap((page) => {
      const exists = (path: string): boolean => existsSync(join(ROOT, dirname(page), path)) || existsSync(join(ROOT, path));
      return brokenLinks(read(page), exists).map((link) => `${page}: ${link}`);
    });
    expect(broken).toEqual([]);
    expect(brokenLinks('[a](nowhere.md) and `libs/x/src/gone.ts`', () => false)).toEqual(['nowhere.md', 'libs/x/src/gone.ts']);
  });
});
