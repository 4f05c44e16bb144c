import { expect, type Page, test } from '@playwright/test'
import { problemsByDayAndNight, problemsOf } from './support/accessibility.ts'
import { findCloud, signedIn } from './support/cloud.ts'
import { signIn, visit } from './support/portal.ts'
import { routes, thingsOf } from './support/routes.ts'
import { routesShare, shareOf } from './support/share.ts'

const cloud = findCloud()
/** Forms and tabs that are no routes of their own. */
const opened = [
  ...[
    '/images',
    '/volumes',
    '/key-pairs',
    '/server-groups',
    '/networks',
    '/ports',
    '/routers',
    '/security-groups',
  ],
  ...['/floating-ips', '/admin/users', '/admin/projects', '/admin/flavors', '/admin/assignments'],
].map((list) => `${list}?create=1`)
const tabs = {
  '/instances/[id]': ['vnc', 'log', 'interfaces', 'security', 'operations'],
  '/admin/domains/[id]': ['roles'],
  '/admin/projects/[id]': ['members', 'quota', 'contents'],
  '/admin/users/[id]': ['roles', 'groups', 'sessions'],
  '/profile': ['password', 'codes', 'sessions', 'credentials'],
}

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

  test(`axe finds nothing serious on any route, in light and dark; nothing is wider than a phone (share ${routesShare})`, async ({
    page,
  }) => {
    const things = await thingsOf((await signedIn(cloud, 'admin')).api, crypto.randomUUID().slice(0, 8))
    const unfilled = routes().filter((route) => route.includes('[') && !(route in things.pages))
    expect(unfilled, 'routes for which support/routes.ts makes nothing').toEqual([])
    const pages = shareOf(
      [
        ...routes().map((route) => things.pages[route] ?? route),
        ...opened,
        ...Object.entries(tabs).flatMap(([route, ids]) =>
          ids.map((tab) => `${things.pages[route] ?? route}?tab=${tab}`),
        ),
        `${things.pages['/admin/projects/[id]']}?delete=1`,
        '/admin/projects?view=tree',
      ],
      routesShare,
    )
    const found: string[] = []
    const look = async (tab: Page, path: string) => {
      // A console in its own window has no shell, and so no sign of being live.
      await (path.includes('/console') || path === '/sign-in' ? tab.goto(path) : visit(tab, path))
      await expect(tab.getByRole('heading').first()).toBeVisible()
      found.push(...(await problemsByDayAndNight(tab)).map((problem) => `${path}: ${problem}`))
    }
    // A page waits for the server while the browser looks at another one.
    const left = pages.values()
    const lookOn = async () => {
      const tab = await page.context().newPage()
      for (const path of left) await look(tab, path)
      await tab.close()
    }
    await Promise.all([lookOn(), lookOn(), lookOn()])
    await things.remove()
    // The page that is open would leave for the sign-in page by itself, in the middle of ours.
    await page.goto('about:blank')
    await page.context().clearCookies()
    await look(page, '/sign-in')
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
