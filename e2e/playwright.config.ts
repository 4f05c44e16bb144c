import { defineConfig } from '@playwright/test'

/** One real cloud (tools/test/e2e.ts starts it), one real browser, real guests: so one worker. */
export default defineConfig({
  testDir: '.',
  testMatch: '*.e2e.ts',
  workers: 1,
  fullyParallel: false,
  retries: 0,
  // Only against a hang: a busy machine may take ten times as long.
  timeout: 900_000,
  expect: { timeout: 60_000 },
  reporter: [['list']],
  outputDir: '../test-results',
  use: {
    baseURL: process.env.STRATOLITH_URL ?? 'http://127.0.0.1:8080',
    actionTimeout: 60_000,
    // axe measures colours as they are at that moment: half faded in they have no contrast.
    contextOptions: { reducedMotion: 'reduce' },
    viewport: { width: 1440, height: 900 },
    trace: 'retain-on-failure',
    launchOptions: {
      executablePath: '/usr/bin/chromium',
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
