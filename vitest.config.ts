import os from 'node:os'
import { defineConfig } from 'vitest/config'

const node = {
  environment: 'node' as const,
  pool: 'forks' as const,
  // Only against a hang: on a busy machine everything may take ten times as long, which is no defect
  // (npm run bench tells speed).
  testTimeout: 300_000,
  hookTimeout: 300_000,
}

export default defineConfig({
  test: {
    // vitest leaves one core free; half of our time is PostgreSQL's and the kernel's, which need none of ours.
    maxWorkers: Math.max(2, os.availableParallelism()),
    projects: [
      { test: { ...node, name: 'repo', include: ['tools/**/*.test.ts'], exclude: ['**/*.host.test.ts'] } },
      {
        test: {
          ...node,
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
          name: 'api',
          include: ['apps/api/src/**/*.test.ts'],
          exclude: ['**/*.host.test.ts'],
          globalSetup: ['tools/test-database.ts'],
          // One process for many files: half of the time of a file was the engine's warming up. And as in
          // the real process, every room is registered, whatever a file needs.
          isolate: false,
        },
      },
      { test: { ...node, name: 'web', include: ['apps/web/src/**/*.test.ts'] } },
      {
        test: {
          ...node,
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
