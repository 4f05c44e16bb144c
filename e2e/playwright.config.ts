import { defineConfig } from '@playwright/test'
import { browserProgram } from './support/browser.ts'

/** These kill processes of the cloud or change what its hosts are: nobody else may use the cloud meanwhile. */
const alone = ['hosts.e2e.ts', 'outage.e2e.ts']
const report = process.env.TEST_REPORT
/** Each run of a project empties its own. */
const results = '../test-results'

/**
 * One real cloud (tools/test/e2e.ts starts it), real browsers and real guests. Each spec has people and projects of
 * its own. Those of the project `together` disturb nobody; those of `alone` are run when nobody else uses the cloud.
 */
export default defineConfig({
  testDir: '.',
  testMatch: '*.e2e.ts',
  workers: 1,
  fullyParallel: false,
  projects: [
    { name: 'together', testIgnore: alone, outputDir: `${results}/together` },
    { name: 'alone', testMatch: alone, outputDir: `${results}/alone` },
  ],
  retries: 0,
  // Only against a hang: a busy machine may take ten times as long.
  timeout: 900_000,
  expect: { timeout: 60_000 },
  reporter: [['list'], ...(report ? [['json', { outputFile: report }] as const] : [])],
  use: {
    baseURL: process.env.STRATOLITH_URL ?? 'http://127.0.0.1:8080',
    actionTimeout: 60_000,
    // axe measures colours as they are at that moment: half faded in they have no contrast.
    contextOptions: { reducedMotion: 'reduce' },
    viewport: { width: 1440, height: 900 },
    // The film that a trace can have took two fifths of the processor time of all tests; the trace shows each page.
    trace: { mode: 'retain-on-failure', screenshots: false, snapshots: true, sources: true },
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: browserProgram,
      chromiumSandbox: process.getuid?.() !== 0,
      args: [
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
})
