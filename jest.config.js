/** `*.long.spec.ts` has a script of its own, so that `npm test` stays a thing to run before every commit. */
const { TEST_LONG, TEST_PGBOUNCER } = process.env;
const ending = TEST_LONG === 'only' ? '*.long.spec.ts' : '*.spec.ts';
const ignored = ['/node_modules/'];
if (!TEST_LONG) ignored.push('\\.long\\.spec\\.ts$');

/**
 * What a run through PgBouncer leaves out: specs about the build, the documents, files, Redis, or what HTTP requests and
 * callbacks look like. They start a service, but the way to the database cannot change their results, and other specs
 * run the same statements. A spec that is not listed runs.
 */
const DIRECT_ONLY = [
  'app/(dev|npm-start|private-files|redis-refuses)',
  'benchmark/cli',
  'callbacks/(demo-receiver|name-waits|ping|signatures)',
  'docker',
  'docs/',
  'edge/(anonymous-flood|authentication|bad-input|body|dashboard|edge|hardening|openapi|rate-limit|raw-requests)\\.',
  'edge/(root-aliases|safe-methods|shared-limits)\\.',
];
if (TEST_PGBOUNCER) ignored.push(...DIRECT_ONLY.map((path) => `/test/${path}`));

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
