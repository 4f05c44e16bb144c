import { expect, type Page } from '@playwright/test'
import axe from 'axe-core'

const wide = { width: 1440, height: 900 }
const tablet = { width: 1024, height: 768 }
const phone = { width: 360, height: 740 }

/** The problems that axe calls serious in the present page, and whether the page is wider than a phone; one line each. */
export async function problemsOf(page: Page): Promise<string[]> {
  await page.setViewportSize(wide)
  await expect(page.locator('[aria-busy=true]')).toHaveCount(0)
  const serious = await seriousOf(page)
  await page.setViewportSize(phone)
  const width = await settledWidth(page)
  await page.setViewportSize(wide)
  return [...serious, ...(width > phone.width ? [`${width} px wide`] : [])]
}

/** The width of the page on a phone. An open menu finds its new place a moment after the window has changed. */
async function settledWidth(page: Page): Promise<number> {
  const widthOf = () => page.evaluate(() => document.documentElement.scrollWidth)
  for (const end = Date.now() + 5_000; Date.now() < end; await page.waitForTimeout(50))
    if ((await widthOf()) <= phone.width) break
  return widthOf()
}

/**
 * Also says which tables are wider than their frames on a small screen, and whether more than one button of the page is
 * the primary one. A dialog has its own primary button.
 */
async function looksOf(page: Page): Promise<string[]> {
  await page.setViewportSize(tablet)
  const looks = await page.evaluate(() => {
    const wide = [...document.querySelectorAll('main [data-frame]')].filter(
      (frame) => frame.scrollWidth > frame.clientWidth + 1,
    )
    const primary = [...document.querySelectorAll('main [data-variant=filled]')].flatMap((button) =>
      button.matches('button, a') ? [button.textContent] : [],
    )
    return [
      ...wide.map((frame) => `a table of ${frame.scrollWidth} px in ${frame.clientWidth} px`),
      ...(primary.length > 1 ? [`${primary.length} primary buttons: ${primary.join(', ')}`] : []),
    ]
  })
  await page.setViewportSize(wide)
  return looks
}

/** Also says which words are hard to read in the dark scheme; nothing but colours differs there. */
export async function problemsByDayAndNight(page: Page): Promise<string[]> {
  const scheme = async (colorScheme: 'light' | 'dark') => {
    await page.emulateMedia({ colorScheme })
    await expect(page.locator('html')).toHaveAttribute('data-mantine-color-scheme', colorScheme)
  }
  await scheme('light')
  const byDay = [...(await problemsOf(page)), ...(await looksOf(page))]
  await scheme('dark')
  const byNight = await seriousOf(page, ['color-contrast'])
  return [...byDay, ...byNight.map((problem) => `in the dark: ${problem}`)]
}

/**
 * Runs axe in the page itself, which has no frames. The bridge of axe to Playwright opens a second page for each check
 * and also sends everything that is in order: this took four fifths of the time of these tests.
 */
async function seriousOf(page: Page, rules?: string[]): Promise<string[]> {
  await page.evaluate(axe.source)
  return page.evaluate(async (runOnly) => {
    const { violations } = await (window as unknown as { axe: typeof axe }).axe.run(document, {
      resultTypes: ['violations'],
      ...(runOnly ? { runOnly } : {}),
    })
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id} (${nodes[0]?.target.join(' ')})`)
  }, rules)
}
