import { defineConfig } from '@playwright/test'
import { browserProgram } from './support/browser.ts'

/** Specs that kill processes of the cloud or change its hosts: no other spec may use the cloud meanwhile. */
const alone = ['failures.e2e.ts', 'hosts.e2e.ts', 'outage.e2e.ts']
const report = process.env.TEST_REPORT
/** The parent of the results; each run of a project empties its own folder there. */
const results = '../test-results'

/**
 * The tests use one real cloud (tools/test/e2e.ts starts it), real browsers and real guests. Each spec makes its own
 * people and projects. Specs of the project `together` do not disturb each other; specs of `alone` run when no other
 * spec uses the cloud.
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
  // The limit is only against a hang, because a busy machine may take ten times as long as an idle one.
  timeout: 900_000,
  expect: { timeout: 60_000 },
  reporter: [['list'], ...(report ? [['json', { outputFile: report }] as const] : [])],
  use: {
    baseURL: process.env.STRATOLITH_URL ?? 'http://127.0.0.1:8080',
    actionTimeout: 60_000,
    // axe measures the colours of the moment: text that is half faded in has too little contrast.
    contextOptions: { reducedMotion: 'reduce' },
    viewport: { width: 1440, height: 900 },
    // Screenshots in the trace took two fifths of the processor time of all tests; snapshots show each page, too.
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
