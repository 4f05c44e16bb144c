import type { Page } from '@playwright/test'

type Watched = { shift: number; sources: string[]; dataAt: number | null }
declare global {
  interface Window {
    stratolithPaint?: Watched
  }
}

/** Makes every document of the page note its layout shifts, and when its main part contains a text. */
export const watchPaint = (page: Page, text: string | null = null): Promise<unknown> =>
  page.addInitScript((text) => {
    const noted: Watched = { shift: 0, sources: [], dataAt: null }
    window.stratolithPaint = noted
    type Shift = PerformanceEntry & {
      value: number
      hadRecentInput: boolean
      sources: { node: Node | null }[]
    }
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as Shift[]) {
        if (entry.hadRecentInput) continue
        noted.shift += entry.value
        const names = entry.sources.map(({ node }) => {
          const element = node instanceof Element ? node : node?.parentElement
          return `${element?.tagName} ${element?.className} “${element?.textContent?.slice(0, 30)}”`
        })
        noted.sources.push(`${entry.value.toFixed(4)} at ${Math.round(entry.startTime)}: ${names.join(', ')}`)
      }
    }).observe({ type: 'layout-shift', buffered: true })
    if (text === null) return
    const look = () => {
      if (document.querySelector('main')?.textContent?.includes(text)) noted.dataAt = performance.now()
      else requestAnimationFrame(look)
    }
    look()
  }, text)

/** Runs in the browser: milliseconds from the navigation, and bytes of scripts. Data is seen at the first paint at the earliest. */
export function firstPaint() {
  const paint = performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Number.NaN
  const resources = performance.getEntriesByType('resource') as PerformanceResourceTiming[]
  const scripts = resources.filter(({ name }) => /\.js(\?|$)/.test(name))
  const sum = (key: 'transferSize' | 'decodedBodySize') =>
    scripts.reduce((total, script) => total + script[key], 0) / 1000
  const navigation = performance.getEntriesByType('navigation')[0] as PerformanceNavigationTiming
  return {
    firstByteMs: navigation.responseStart,
    firstPaintMs: paint,
    dataMs: Math.max(paint, window.stratolithPaint?.dataAt ?? Number.NaN),
    wireKb: sum('transferSize'),
    decodedKb: sum('decodedBodySize'),
    requests: resources.length,
    prefetches: resources.filter(({ name }) => name.includes('_rsc=')).length,
    shift: window.stratolithPaint?.shift ?? Number.NaN,
  }
}

/** Loads the page and returns how far its parts were shifted without anybody's doing. `watchPaint` was called before. */
export async function shiftOf(page: Page, path: string): Promise<{ value: number; sources: string[] }> {
  await page.goto(path)
  // The scripts run, and what the page reads afterwards has some time.
  await page.getByRole('status', { name: /^Live/ }).waitFor()
  await page.waitForTimeout(500)
  return page.evaluate(() => ({
    value: window.stratolithPaint?.shift ?? Number.NaN,
    sources: window.stratolithPaint?.sources ?? [],
  }))
}
