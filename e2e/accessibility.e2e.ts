import { expect, test } from '@playwright/test'
import { problemsOf } from './support/accessibility.ts'
import { findCloud } from './support/cloud.ts'
import { signIn, visit } from './support/portal.ts'

const cloud = findCloud()
const pages = [
  '/',
  '/instances',
  '/instances/new',
  '/images',
  '/images?create=1',
  '/volumes',
  '/volumes?create=1',
  '/key-pairs',
  '/server-groups?create=1',
  '/networks',
  '/networks?create=1',
  '/routers',
  '/security-groups',
  '/floating-ips',
  '/operations',
  '/help',
  '/help/networking',
  '/admin/hosts',
  '/admin/unknown',
  '/admin/flavors',
  '/admin/instances',
  '/admin/images',
  '/admin/volumes',
  '/profile',
  '/api-access',
  '/admin/domains',
  '/admin/projects',
  '/admin/users',
  '/admin/groups',
  '/admin/roles',
  '/admin/assignments',
  '/admin/quotas',
  '/admin/operations',
  '/admin/audit',
  '/admin/catalog',
  '/admin/policy',
  '/admin/system',
]

test('the checks find planted faults: a serious one of axe, and a page wider than a phone', async ({
  page,
}) => {
  await page.setContent(`<!doctype html><html lang="en"><title>Wrong</title><main><h1>Wrong</h1>
    <img src="data:,"><p style="color: #bbb; background: #fff; width: 500px">Hardly to be seen</p></main></html>`)
  const found = await problemsOf(page)
  expect(found.map((problem) => problem.split(' (')[0])).toEqual([
    'color-contrast',
    'image-alt',
    '508 px wide',
  ])
})

test.describe('of the portal', () => {
  test.beforeEach(async ({ page }) => signIn(page, 'admin', cloud.password('admin')))

  test('axe finds nothing serious on any page, in light and dark; nothing is wider than a phone', async ({
    page,
  }) => {
    const found: string[] = []
    for (const scheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme: scheme })
      // Only colours differ in the dark theme, and a list, a form and the overview contain all of them.
      for (const path of scheme === 'light' ? pages : ['/', '/instances', '/instances/new']) {
        await visit(page, path)
        await expect(page.getByRole('heading').first()).toBeVisible()
        found.push(...(await problemsOf(page)).map((problem) => `${scheme} ${path}: ${problem}`))
      }
    }
    expect(found).toEqual([])
  })

  test('the launch form works by keyboard alone, from the palette', async ({ page }) => {
    // Before the page is live, it ignores the keyboard.
    await expect(page.getByRole('status', { name: /^Live/ })).toBeVisible()
    await page.keyboard.press('Control+k')
    const search = page
      .getByRole('dialog', { name: 'Find or do' })
      .getByRole('searchbox')
      .or(page.getByRole('dialog', { name: 'Find or do' }).getByRole('textbox'))
      .first()
    await expect(search).toBeFocused()
    await page.keyboard.press('Escape')
    await expect(search).toHaveCount(0)
    await page.keyboard.press('Control+k')
    await expect(search).toBeFocused()
    await page.keyboard.type('launch')
    await page.keyboard.press('Enter')
    await expect(page.getByRole('heading', { name: 'Launch instance' })).toBeVisible()
    await expect(page.getByLabel('Name', { exact: true }).first()).toBeFocused()
  })

  test('the focus goes back to the button that opened a menu or a panel', async ({ page }) => {
    await visit(page, '/admin/hosts')
    const actions = page.getByRole('button', { name: /^Actions/ }).first()
    await actions.focus()
    await page.keyboard.press('Enter')
    await expect(page.getByRole('menuitem').first()).toBeFocused()
    expect(await problemsOf(page)).toEqual([])
    await page.keyboard.press('Escape')
    await expect(actions).toBeFocused()
    await page.keyboard.press('Enter')
    await expect(page.getByRole('menuitem').first()).toBeFocused()
    await page.keyboard.press('Enter')
    await expect(page.getByRole('dialog', { name: 'Host' })).toBeVisible()
    await page.keyboard.press('Escape')
    await expect(actions).toBeFocused()
  })
})
