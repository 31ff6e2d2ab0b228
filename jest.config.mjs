/** @type {import('jest').Config} */
export default {
  rootDir: '.',
  testEnvironment: 'node',
  roots: ['<rootDir>/libs', '<rootDir>/apps', '<rootDir>/examples', '<rootDir>/bench', '<rootDir>/test'],
  testMatch: ['**/*.spec.ts'],
  modulePathIgnorePatterns: ['/dist/', '/.changeover/'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: {
    // Not `data.json.js`, which is a module of its own.
    '^(\\.{1,2}/.*)(?<!\\.json)\\.js$': '$1',
    '^@changeover/example-crm$': '<rootDir>/examples/crm/src/index.ts',
    '^@changeover/app-(.*)$': '<rootDir>/apps/$1/src/index.ts',
    '^@changeover/cli$': '<rootDir>/apps/cli/src/index.ts',
    '^@changeover/bench$': '<rootDir>/bench/src/index.ts',
    '^@changeover/shell/(process|role)$': '<rootDir>/libs/shell/src/$1.ts',
    '^@changeover/(.*)$': '<rootDir>/libs/$1/src/index.ts',
  },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true, dynamicImport: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
        },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  testTimeout: 30_000,
  // Of tests that say so themselves.
  maxConcurrency: 2,
};
