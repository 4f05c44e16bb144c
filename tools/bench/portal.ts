/**
 * Measures how soon the portal's pages show their data, what they load and how much they shift, in a running cloud:
 *
 *   node tools/bench/portal.ts            first paint and data of three pages, cold and warm
 *   node tools/bench/portal.ts shifts     layout shifts of all pages, at 1280 and 390 px
 *
 * Cold is a browser that has nothing but the session's cookie; warm is a reload. Each figure is the median of five loads.
 */
import { type Browser, type BrowserContext, chromium, type Page } from '@playwright/test'
import { browserProgram } from '../../e2e/support/browser.ts'
import { findCloud, signedIn } from '../../e2e/support/cloud.ts'
import { adminPages, directoryPages, projectPages, thingPages } from '../../e2e/support/pages.ts'
import { firstPaint, shiftOf, watchPaint } from '../../e2e/support/paint.ts'
import { signIn } from '../../e2e/support/portal.ts'

const loads = 5
const cloud = findCloud(process.env.STRATOLITH_DATA)

const median = (values: number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN

async function signedInContext(browser: Browser, width: number): Promise<BrowserContext> {
  const first = await browser.newContext({ baseURL: cloud.url })
  await signIn(await first.newPage(), 'demo', cloud.password('demo'))
  const storageState = await first.storageState()
  await first.close()
  return browser.newContext({ baseURL: cloud.url, storageState, viewport: { width, height: 900 } })
}

async function measured(page: Page, load: () => Promise<unknown>) {
  await load()
  await page.waitForFunction(() => document.readyState === 'complete')
  await page.waitForTimeout(1500)
  return page.evaluate(firstPaint)
}

async function paints(browser: Browser): Promise<void> {
  const { api } = await signedIn(cloud, 'demo')
  const name = (await api.compute.instances.list.query({ limit: 1 })).items[0]?.name
  if (name === undefined) throw new Error('Launch an instance in the project demo first.')
  for (const [path, text] of [
    ['/instances', name],
    ['/', name],
    ['/instances/new', 'm1.nano'],
  ] as const)
    for (const how of ['cold', 'warm'] as const) {
      const all: ReturnType<typeof firstPaint>[] = []
      for (let n = 0; n < loads; n++) {
        const context = await signedInContext(browser, 1280)
        const page = await context.newPage()
        await watchPaint(page, text)
        let figures = await measured(page, () => page.goto(path))
        if (how === 'warm') figures = await measured(page, () => page.reload())
        all.push(figures)
        await context.close()
      }
      const row = Object.keys(all[0] ?? {}).map(
        (key) => `${key} ${Math.round(median(all.map((one) => one[key as keyof typeof one])))}`,
      )
      console.log(`${path} ${how}: ${row.join(', ')}`)
    }
}

async function shifts(browser: Browser): Promise<void> {
  const { api } = await signedIn(cloud, 'demo')
  const pages = {
    demo: [...projectPages, ...(await thingPages(api))],
    admin: [...adminPages, ...(await directoryPages(cloud))],
  }
  for (const width of [1280, 390])
    for (const user of ['demo', 'admin'] as const) {
      const context = await browser.newContext({ baseURL: cloud.url, viewport: { width, height: 900 } })
      const page = await context.newPage()
      await signIn(page, user, cloud.password(user))
      await watchPaint(page)
      for (const path of pages[user]) {
        const { value, sources } = await shiftOf(page, path)
        console.log(`${width} ${path}: ${value.toFixed(3)}`)
        if (value > 0.005) for (const source of sources) console.log(`  ${source}`)
      }
      await context.close()
    }
}

const browser = await chromium.launch({
  executablePath: browserProgram,
  chromiumSandbox: process.getuid?.() !== 0,
})
await (process.argv[2] === 'shifts' ? shifts(browser) : paints(browser))
await browser.close()
