/**
 * Imports point one way: apps → shell, adapters, logic → events → core; adapters never meet (docs/architecture.md).
 * What a folder may reach is listed here; whatever is not listed is an error.
 */
const ADAPTERS = 'source-postgres|target-postgres|log-kafka|log-postgres|control-postgres|state-lmdb|profiler-duckdb';
const LOGIC = 'mapping|cleaning|pipeline|verification|analysis|migration';
const PURE = `core|events|${LOGIC}`;
/** Specs, and in `src/test/` what only they use. */
const SPECS = '\\.spec\\.ts$|/src/test/';

/** `@changeover/x` is resolved to the workspace's own files. */
const lib = (names) => `^libs/(${names})/`;

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      comment: 'Two files that need each other when they run are one file, or lack a third. (Types are gone by then.)',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'resolves',
      severity: 'error',
      comment: 'An import that leads nowhere, or to a package that the workspace does not declare.',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'declared',
      severity: 'error',
      comment: 'Each workspace declares what its product code imports.',
      from: { path: '^(apps|libs|examples|bench)/', pathNot: SPECS },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'npm-dev'], dependencyTypesNot: ['npm-peer'] },
    },
    {
      name: 'no-deep-imports',
      severity: 'error',
      comment: 'Another workspace is imported through its index.',
      from: { path: '^((?:apps|libs|examples)/[^/]+|bench)/' },
      to: {
        path: '^((?:apps|libs|examples)/[^/]+|bench)/',
        pathNot: [
          '^$1/',
          '^((?:apps|libs|examples)/[^/]+|bench)/(src|dist)/index\\.(d\\.ts|js|ts)$',
          '^libs/shell/(src|dist)/(process|role)\\.(d\\.ts|js|ts)$',
        ],
      },
    },
    {
      name: 'core-knows-nobody',
      severity: 'error',
      from: { path: lib('core'), pathNot: SPECS },
      to: { path: '^(libs|apps|examples|bench)/', pathNot: lib('core') },
    },
    {
      name: 'events-know-core',
      severity: 'error',
      from: { path: lib('events'), pathNot: SPECS },
      to: { path: '^(libs|apps|examples|bench)/', pathNot: lib('core|events') },
    },
    {
      name: 'logic-speaks-to-ports',
      severity: 'error',
      from: { path: lib(LOGIC), pathNot: SPECS },
      to: { path: '^(libs|apps|examples|bench)/', pathNot: lib(PURE) },
    },
    {
      name: 'pure-libs-do-no-io',
      severity: 'error',
      comment:
        'No Nest, no driver, no I/O of Node. Hashing, compressing and bytes are arithmetic; a realm in which a function finds nothing does none either, nor does importing a library late.',
      from: { path: lib(PURE), pathNot: SPECS },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?(crypto|zlib|buffer|util|vm|module)$' },
    },
    {
      name: 'pure-libs-use-no-driver',
      severity: 'error',
      from: { path: lib(PURE), pathNot: SPECS },
      to: {
        path: 'node_modules/(@nestjs|pg|pg-copy-streams|kafkajs|typeorm|lmdb|@duckdb|rxjs|reflect-metadata|pino|prom-client|testcontainers)/',
      },
    },
    {
      name: 'adapters-never-meet',
      severity: 'error',
      comment: 'Each adapter is one technology in one role.',
      from: { path: `^libs/(${ADAPTERS})/`, pathNot: SPECS },
      to: { path: '^(libs|apps|examples|bench)/', pathNot: [lib('core|events|pipeline|mapping|analysis'), '^libs/$1/'] },
    },
    {
      name: 'apps-never-meet',
      severity: 'error',
      comment: 'The cli starts the others in one process; no other app knows one.',
      from: { path: '^apps/(capture|transform|load)/', pathNot: SPECS },
      to: { path: '^apps/', pathNot: '^apps/$1/' },
    },
    {
      name: 'nobody-imports-apps',
      severity: 'error',
      from: { path: '^libs/' },
      to: { path: '^(apps|examples|bench)/' },
    },
    {
      name: 'testing-only-in-tests',
      severity: 'error',
      from: { path: '^(apps|libs|examples|bench)/', pathNot: [SPECS, '^libs/testing/'] },
      to: { path: '^libs/testing/|node_modules/fast-check/' },
    },
    {
      name: 'local-services-only-where-servers-are-started',
      severity: 'error',
      comment: 'The product never starts a database by itself.',
      from: { path: '^(apps|libs)/', pathNot: [SPECS, '^libs/(testing|local-services)/', '^apps/cli/'] },
      to: { path: '^libs/local-services/' },
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules', '/dist/'] },
    exclude: { path: '/dist/.*\\.(map|tsbuildinfo)$' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.eslint.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'node', 'default'] },
    cache: { folder: 'node_modules/.cache/dependency-cruiser', strategy: 'content' },
  },
};
