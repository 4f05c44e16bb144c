import { expect, type Page } from '@playwright/test'
import axe from 'axe-core'

const wide = { width: 1440, height: 900 }
const phone = { width: 360, height: 740 }

/** The problems that axe calls serious in the present page, and whether the page is wider than a phone; one line each. */
export async function problemsOf(page: Page): Promise<string[]> {
  await page.setViewportSize(wide)
  await expect(page.locator('[aria-busy=true]')).toHaveCount(0)
  const serious = await seriousOf(page)
  await page.setViewportSize(phone)
  const width = await page.evaluate(() => document.documentElement.scrollWidth)
  await page.setViewportSize(wide)
  return [...serious, ...(width > phone.width ? [`${width} px wide`] : [])]
}

/**
 * Runs axe in the page itself, which has no frames. The bridge of axe to Playwright opens a second page for each check
 * and also sends everything that is in order: this took four fifths of the time of these tests.
 */
async function seriousOf(page: Page): Promise<string[]> {
  await page.evaluate(axe.source)
  return page.evaluate(async () => {
    const { violations } = await (window as unknown as { axe: typeof axe }).axe.run(document, {
      resultTypes: ['violations'],
    })
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id} (${nodes[0]?.target.join(' ')})`)
  })
}
