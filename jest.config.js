/** `*.long.spec.ts` has a script of its own, so that `npm test` stays a thing to run before every commit. */
const { TEST_LONG, TEST_PGBOUNCER } = process.env;
const ending = TEST_LONG === 'only' ? '*.long.spec.ts' : '*.spec.ts';
const ignored = ['/node_modules/'];
if (!TEST_LONG) ignored.push('\\.long\\.spec\\.ts$');
// It compiles for minutes, and the way to the database makes no difference to it.
if (TEST_PGBOUNCER) ignored.push('/test/app/dev\\.long');

/** @type {import('jest').Config} */
export default {
  testMatch: [`<rootDir>/src/**/${ending}`, `<rootDir>/test/**/${ending}`],
  testPathIgnorePatterns: ignored,
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
          target: 'es2023',
        },
        module: { type: 'es6' },
      },
    ],
  },
  globalSetup: '<rootDir>/test/support/global-setup.js',
  globalTeardown: '<rootDir>/test/support/global-teardown.js',
  testTimeout: 60_000,
  maxWorkers: 3,
};
