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
    // vitest leaves one core free; half of our time is PostgreSQL's and the kernel's, which need none of ours.
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
          ...atMost(30),
          name: 'api',
          include: ['apps/api/src/**/*.test.ts'],
          exclude: ['**/*.host.test.ts'],
          globalSetup: ['tools/test-database.ts'],
          // One process for many files: half of the time of a file was the engine's warming up. And as in
          // the real process, every room is registered, whatever a file needs. What files share are these
          // registrations and the caches of modules; databases and hosts are each file's own. That nothing else
          // leaks is proven by `npm run test:long`, which runs the files in any order.
          isolate: false,
        },
      },
      { test: { ...node, ...atMost(30), name: 'web', include: ['apps/web/src/**/*.test.ts'] } },
      {
        test: {
          ...node,
          // Real guests, kernels and databases, and waits for what must not come.
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
