import os from 'node:os'
import { defineConfig } from 'vitest/config'

const node = { environment: 'node' as const, pool: 'forks' as const }
/**
 * How long a test and a hook of a layer may take. These limits are against a hang: on a busy machine everything may
 * take some times as long, which is no defect (npm run bench tells speed). A test that needs more says so, and why.
 */
const atMost = (seconds: number) => ({ testTimeout: seconds * 1_000, hookTimeout: seconds * 2_000 })

export default defineConfig({
  test: {
    // By default vitest leaves one core free. We use all cores, because PostgreSQL and the kernel take half of the time.
    maxWorkers: Math.max(2, os.availableParallelism()),
    projects: [
      {
        test: {
          ...node,
          ...atMost(120),
          name: 'repo',
          include: ['tools/**/*.test.ts'],
          exclude: ['**/*.host.test.ts'],
        },
      },
      {
        test: {
          ...node,
          ...atMost(30),
          name: 'drivers',
          include: [
            'packages/drivers/src/**/*.test.ts',
            'apps/agent/src/**/*.test.ts',
            'apps/console-proxy/src/**/*.test.ts',
          ],
          exclude: ['**/*.host.test.ts'],
        },
      },
      {
        test: {
          ...node,
          ...atMost(120),
          name: 'api',
          include: ['apps/api/src/**/*.test.ts'],
          exclude: ['**/*.host.test.ts'],
          globalSetup: ['tools/test-database.ts'],
          // One process runs many files, because the engine's warm-up took half of the time of a file. As in
          // the real process, every room is registered, whatever a file needs. Files share these
          // registrations and the caches of modules; each file has its own databases and hosts. `npm run
          // test:long` runs the files in random order and so proves that nothing else leaks.
          isolate: false,
        },
      },
      { test: { ...node, ...atMost(30), name: 'web', include: ['apps/web/src/**/*.test.ts'] } },
      {
        test: {
          ...node,
          // These tests use real guests, kernels and databases, and wait to see that something does not happen.
          ...atMost(180),
          name: 'host',
          include: ['**/*.host.test.ts'],
          exclude: ['**/node_modules/**'],
          globalSetup: ['tools/test-database.ts'],
          fileParallelism: false,
        },
      },
    ],
  },
})
