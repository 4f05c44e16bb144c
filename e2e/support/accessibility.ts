import { AxeBuilder } from '@axe-core/playwright'
import { expect, type Page } from '@playwright/test'

const wide = { width: 1440, height: 900 }
const phone = { width: 360, height: 740 }

/** What axe calls serious in the page as it stands, and whether it is wider than a phone. One line each. */
export async function problemsOf(page: Page): Promise<string[]> {
  await page.setViewportSize(wide)
  await expect(page.locator('[aria-busy=true]')).toHaveCount(0)
  // Descriptions of all that is well would take most of the time.
  const { violations } = await new AxeBuilder({ page }).options({ resultTypes: ['violations'] }).analyze()
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
  await page.setViewportSize(phone)
  const width = await page.evaluate(() => document.documentElement.scrollWidth)
  await page.setViewportSize(wide)
  return [
    ...serious.map(({ id, nodes }) => `${id} (${nodes[0]?.target.join(' ')})`),
    ...(width > phone.width ? [`${width} px wide`] : []),
  ]
}
