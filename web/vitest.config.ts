import { defineConfig } from 'vitest/config';

/** `npm run test:web`: the logic of the dashboard, and the dashboard in a browser against the built service. */
export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', environment: 'happy-dom', include: ['src/**/*.spec.{ts,tsx}'] } },
      {
        test: {
          name: 'browser',
          environment: 'node',
          include: ['test/**/*.e2e.ts'],
          // The helpers that start a service (test/support) are for Jest, whose functions are global.
          globals: true,
          globalSetup: 'test/support/global-setup.ts',
          // One after the other: each file starts a service, a Postgres and a browser.
          fileParallelism: false,
          maxWorkers: 1,
          testTimeout: 90_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
