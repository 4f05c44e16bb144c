import { defineConfig } from 'vitest/config'

const node = { environment: 'node' as const, pool: 'forks' as const }

export default defineConfig({
  test: {
    projects: [
      { test: { ...node, name: 'repo', include: ['tools/*.test.ts'] } },
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
          testTimeout: 30_000,
          hookTimeout: 60_000,
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
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
})
