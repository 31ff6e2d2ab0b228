import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';

/** Each has one home, so that a test can put another in its place: time, chance, settings, and errors with a code. */
const CLOCK = 'Take a Clock of @changeover/core.';
const ERROR = 'Throw a ChangeoverError with a code that has a page.';
const clockRules = [
  { selector: "MemberExpression[object.name='Date'][property.name='now']", message: CLOCK },
  { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: CLOCK },
  { selector: "MemberExpression[object.name='performance'][property.name='now']", message: CLOCK },
];
const chanceRules = [
  { selector: "MemberExpression[object.name='Math'][property.name='random']", message: 'Take an IdSource, or a seeded generator.' },
];
const settingsRules = [
  {
    selector: "MemberExpression[object.name='process'][property.name='env']",
    message: 'Settings are read once, by libs/shell; take them as a parameter.',
  },
];
const errorRules = [{ selector: 'ThrowStatement > NewExpression[callee.name=/^(Error|TypeError|RangeError)$/]', message: ERROR }];
const allRules = [...clockRules, ...chanceRules, ...settingsRules, ...errorRules];

export default tseslint.config(
  { ignores: ['**/dist/', '**/node_modules/', '.changeover/', '.cache/', 'coverage/', 'mapping.ts'] },
  {
    files: ['**/*.ts'],
    extends: [eslint.configs.recommended, tseslint.configs.strictTypeChecked],
    languageOptions: {
      // One program for all files: one per workspace takes four times as long.
      parserOptions: { project: ['./tsconfig.eslint.json'], tsconfigRootDir: import.meta.dirname },
    },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      'no-restricted-syntax': ['error', ...allRules],
      'no-console': 'error',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // The project says `type` for data, `interface` or an abstract class for behaviour: which it is, no rule can tell.
      '@typescript-eslint/consistent-type-definitions': 'off',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // A Nest module is a class with a decorator and nothing in it.
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
      // It takes what it saw before an `await` as true after it, and so asks to remove the checks that matter most.
      '@typescript-eslint/no-unnecessary-condition': 'off',
    },
  },
  {
    files: ['libs/core/src/clock.ts'],
    rules: { 'no-restricted-syntax': ['error', ...chanceRules, ...settingsRules, ...errorRules] },
  },
  {
    // Puts others in their places.
    files: ['apps/cli/src/determinism/imposed-surroundings.ts'],
    rules: { 'no-restricted-syntax': ['error', ...settingsRules, ...errorRules] },
  },
  {
    files: ['libs/shell/src/settings/**/*.ts', 'libs/shell/src/settings*.ts', 'libs/local-services/src/**/*.ts'],
    rules: { 'no-restricted-syntax': ['error', ...clockRules, ...chanceRules, ...errorRules] },
  },
  {
    // Programs talk to people.
    files: ['apps/cli/src/**/*.ts', 'examples/*/src/**/*.ts', 'bench/src/**/*.ts'],
    rules: { 'no-console': 'off' },
  },
  {
    // Specs make chaos on purpose; product code never does.
    files: ['**/*.spec.ts', '**/src/test/**/*.ts', 'test/**/*.ts', 'libs/testing/src/**/*.ts'],
    rules: {
      'no-restricted-syntax': ['error', ...chanceRules],
      'no-console': 'off',
      // expect.objectContaining and the like are typed any.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      // A stand-in has the shape of a class and was not made by it; a spy is handed over without its object.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  {
    files: ['**/*.mjs', '**/*.cjs'],
    extends: [eslint.configs.recommended],
    languageOptions: {
      globals: Object.fromEntries(
        [
          'process',
          'console',
          'performance',
          'setTimeout',
          'clearTimeout',
          'setInterval',
          'clearInterval',
          'URL',
          'Buffer',
          'AbortController',
          'module',
        ].map((name) => [name, 'readonly']),
      ),
    },
  },
);
