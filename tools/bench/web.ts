import { type BrowserContext, chromium, type Page } from '@playwright/test'
import { browserProgram } from '../../e2e/support/browser.ts'
import type { Cloud } from '../../e2e/support/cloud.ts'
import { firstCode, mostFirstCode } from '../../e2e/support/first-code.ts'
import { signIn } from '../../e2e/support/portal.ts'
import type { Report } from './report.ts'

const pages = [
  '/',
  '/instances',
  '/instances/new',
  '/images',
  '/key-pairs',
  '/networks',
  '/routers',
  '/security-groups',
  '/floating-ips',
  '/operations',
  '/admin/hosts',
  '/admin/flavors',
  '/admin/instances',
]

/** Measures the JavaScript of the first load and the largest contentful paint of each page, signed in and with an empty cache. */
export async function web(cloud: Cloud, report: Report, instanceId: string | null): Promise<void> {
  const browser = await chromium.launch({
    executablePath: browserProgram,
    chromiumSandbox: process.getuid?.() !== 0,
    args: ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  })
  try {
    const context = await browser.newContext({ baseURL: cloud.url, viewport: { width: 1440, height: 900 } })
    report({ metric: 'page /sign-in first-load JS', ...(await load(context, '/sign-in')) })
    const first = await context.newPage()
    await signIn(first, 'admin', cloud.password('admin'))
    await first.close()
    const all = instanceId ? [...pages, `/instances/${instanceId}`] : pages
    for (const path of all)
      report({
        metric: `page ${path.replace(instanceId ?? ' ', '[id]')} first-load JS`,
        ...(await load(context, path)),
      })
  } finally {
    await browser.close()
  }
}

/** Loads a page in a new browser page without cache, through the front door. */
async function load(context: BrowserContext, path: string) {
  const page = await context.newPage()
  try {
    const session = await context.newCDPSession(page)
    await session.send('Network.setCacheDisabled', { cacheDisabled: true })
    await page.addInitScript(watchPaint)
    const response = await page.goto(path, { waitUntil: 'load' })
    if (response?.status() !== 200) throw new Error(`${path}: ${response?.status()}`)
    const html = await response.text()
    await page.getByRole('heading').first().waitFor()
    const bytes = await firstCode(page.request, html)
    const paint = await largestPaint(page)
    return {
      value: bytes.kilobytes,
      unit: 'KB gzip',
      target: `≤ ${mostFirstCode}`,
      note: `${bytes.count} scripts that the page's HTML names; largest contentful paint ${paint.toFixed(0)} ms`,
    }
  } finally {
    await page.close()
  }
}

function watchPaint(): void {
  const state = window as unknown as { largestPaint: number }
  state.largestPaint = 0
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) state.largestPaint = Math.max(state.largestPaint, entry.startTime)
  }).observe({ type: 'largest-contentful-paint', buffered: true })
}

/** The largest contentful paint in ms since navigation; waits until it has not changed for a second. */
async function largestPaint(page: Page): Promise<number> {
  const read = () => page.evaluate(() => (window as unknown as { largestPaint: number }).largestPaint)
  for (let last = -1, i = 0; i < 20; i++) {
    const now = await read()
    if (now === last && now > 0) return now
    last = now
    await page.waitForTimeout(1000)
  }
  return read()
}
