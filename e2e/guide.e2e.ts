import { expect, type Page, test } from '@playwright/test'
import { problemsOf } from './support/accessibility.ts'
import { findCloud } from './support/cloud.ts'
import { signIn, visit, watchProblems } from './support/portal.ts'

const cloud = findCloud()
/** A page that has everything that it waited for. */
async function open(page: Page, path: string): Promise<void> {
  await visit(page, path)
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
  await expect(page.getByRole('status', { name: 'Loading' })).toHaveCount(0)
}

test('the help of a page leads to what the guide says of it, in light and dark, on a phone, too', async ({
  page,
}) => {
  const problems = watchProblems(page)
  await signIn(page, 'admin', cloud.password('admin'))
  await open(page, '/security-groups')
  const opened = page.waitForEvent('popup')
  await page.getByRole('link', { name: 'Help for this page' }).click()
  const guide = await opened
  await expect(guide).toHaveURL(/\/help\/networking#security-groups$/)
  await expect(guide.getByRole('heading', { name: 'Networking', level: 1 })).toBeVisible()
  await expect(guide.getByRole('heading', { name: 'Security groups', exact: true })).toBeInViewport()
  const contents = guide.getByRole('navigation', { name: 'On this page' })
  await contents.getByRole('link', { name: 'Why does SSH not answer?' }).click()
  await expect(guide.getByRole('heading', { name: 'Why does SSH not answer?' })).toBeInViewport()
  await contents.getByRole('link', { name: 'All pages of the guide' }).click()
  await expect(guide.getByRole('heading', { name: 'Guide', level: 1 })).toBeVisible()
  await guide.getByRole('article').getByRole('link', { name: 'Compute' }).click()
  await expect(guide.getByRole('heading', { name: 'Compute', level: 1 })).toBeVisible()
  for (const colorScheme of ['light', 'dark'] as const) {
    await guide.emulateMedia({ colorScheme })
    expect(await problemsOf(guide)).toEqual([])
  }
  expect(problems).toEqual([])
  await guide.goto('/help/nowhere')
  await expect(guide.getByText('There is no such page')).toBeVisible()
})
