import { expect, type Page } from '@playwright/test'
import axe from 'axe-core'

const wide = { width: 1440, height: 900 }
const phone = { width: 360, height: 740 }

/** What axe calls serious in the page as it stands, and whether it is wider than a phone. One line each. */
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
 * Axe in the page itself, which has no frames. Its own bridge to Playwright opens a second page for each look and
 * sends everything that is well, too: that took four fifths of the time of these tests.
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
