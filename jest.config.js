/** `*.long.spec.ts` has a script of its own, so that `npm test` stays a thing to run before every commit. */
const { TEST_LONG } = process.env;
const ending = TEST_LONG === 'only' ? '*.long.spec.ts' : '*.spec.ts';

/** @type {import('jest').Config} */
export default {
  testMatch: [`<rootDir>/src/**/${ending}`, `<rootDir>/test/**/${ending}`],
  testPathIgnorePatterns: TEST_LONG ? ['/node_modules/'] : ['/node_modules/', '\\.long\\.spec\\.ts$'],
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
