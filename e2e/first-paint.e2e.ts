import { expect, type Page, test } from '@playwright/test'
import { findCloud, signedIn } from './support/cloud.ts'
import { firstCode, mostFirstCode } from './support/first-code.ts'
import { adminPages, directoryPages, projectPages, thingPages } from './support/pages.ts'
import { shiftOf, watchPaint } from './support/paint.ts'
import { apiOf, newPerson, type Person } from './support/people.ts'
import { signIn, watchProblems } from './support/portal.ts'

const cloud = findCloud()
const most = 0.02
const names = ['first-of-all', 'second-of-all'] as const
/** When the API of a busy machine is slow, a page comes without its data, so a page that moved is opened again. */
const chances = 4
/** Other specs make users and networks meanwhile, which appear live in these lists and move rows: a search leaves them out. */
const searches: Record<string, string> = {
  '/admin/users': 'demo',
  '/admin/projects': 'demo',
  '/admin/networks': 'their-starter',
  '/admin/ports': names[0],
}
let person: Person

test.beforeAll(async () => {
  person = await newPerson(cloud)
  const { networking, compute } = await apiOf(cloud, person)
  const network = await networking.networks.starter.mutate({ name: 'their-starter' })
  for (const name of names) {
    await compute.keyPairs.create.mutate({ name })
    await networking.ports.create.mutate({ name, networkId: network.id })
  }
})

/** Opens each page at these widths; returns the pages whose parts move, and the problems of the console. */
async function moving(page: Page, paths: string[], widths = [1280, 390]): Promise<string[]> {
  const problems = watchProblems(page)
  await watchPaint(page)
  const found: string[] = []
  for (const width of widths) {
    await page.setViewportSize({ width, height: 900 })
    for (const path of paths) {
      let moved = ''
      for (let chance = 0; chance < chances; chance++) {
        const { value, sources } = await shiftOf(page, path)
        // Written so that NaN is found, too.
        moved = value <= most ? '' : `${width} px ${path}: ${value.toFixed(3)} ${sources.join(' | ')}`
        if (!moved) break
      }
      if (moved) found.push(moved)
      found.push(...problems.splice(0).map((problem) => `${width} px ${path}: ${problem}`))
    }
  }
  return found
}

test('nothing moves on the pages of a project while they load', async ({ page }) => {
  await signIn(page, person.name, person.password)
  const things = await thingPages(await apiOf(cloud, person))
  expect(await moving(page, [...projectPages, ...things])).toEqual([])
})

test('nothing moves on the first pages of an empty project', async ({ page }) => {
  const newcomer = await newPerson(cloud)
  await signIn(page, newcomer.name, newcomer.password)
  expect(await moving(page, ['/', '/networks', '/instances', '/images'])).toEqual([])
})

test('nothing moves on the administrators’ pages on a phone while they load', async ({ page }) => {
  await signIn(page, 'admin', cloud.password('admin'))
  // On a phone more is below each other, and more can be pushed down.
  const lists = adminPages.map((path) => (searches[path] ? `${path}?search=${searches[path]}` : path))
  expect(await moving(page, [...lists, ...(await directoryPages(cloud))], [390])).toEqual([])
})

test('no page loads more code at first than it may', async ({ page }) => {
  await signIn(page, 'admin', cloud.password('admin'))
  const { api } = await signedIn(cloud, 'demo')
  const pages = [...projectPages, ...adminPages, ...(await directoryPages(cloud)), ...(await thingPages(api))]
  const heavy: string[] = []
  for (const path of pages) {
    const answer = await page.request.get(path, { headers: { accept: 'text/html' } })
    const { kilobytes, count } = await firstCode(page.request, await answer.text())
    expect(count, path).toBeGreaterThan(5)
    if (kilobytes > mostFirstCode) heavy.push(`${path}: ${kilobytes.toFixed(1)} KB`)
  }
  expect(heavy).toEqual([])
})

test('without scripts the HTML has the rows, in the order and with the search of the address', async ({
  browser,
  page,
}) => {
  await signIn(page, person.name, person.password)
  const bare = await browser.newContext({
    javaScriptEnabled: false,
    storageState: await page.context().storageState(),
  })
  const reader = await bare.newPage()
  const shown = async (path: string) => {
    await reader.goto(path)
    return (await reader.locator('td[data-first]').allInnerTexts()).map((text) => text.trim())
  }
  // On a busy machine the API may be slower than the portal's server waits.
  await expect(async () => {
    expect(await shown('/key-pairs?sort=name')).toEqual(names)
    expect(await shown('/key-pairs?sort=-name')).toEqual(names.toReversed())
    expect(await shown('/key-pairs?search=second')).toEqual(['second-of-all'])
    expect(await shown('/networks?whose=own')).toEqual(['their-starter'])
    await reader.goto('/networks')
    await reader.getByRole('link', { name: 'their-starter', exact: true }).click()
    expect(await reader.getByRole('heading', { level: 1 }).innerText()).toBe('their-starter')
  }).toPass()
  await bare.close()
})

test('the HTML of the list of instances has them, and the browser neither asks again nor prefetches', async ({
  page,
}) => {
  const { api } = await signedIn(cloud, 'demo')
  const { items } = await api.compute.instances.list.query({ limit: 50 })
  await signIn(page, 'demo', cloud.password('demo'))
  const asked: string[] = []
  page.on('request', (request) => asked.push(request.url()))
  await expect(async () => {
    asked.length = 0
    const answer = await page.goto('/instances')
    const html = (await answer?.text()) ?? ''
    for (const { name } of items) expect(html).toContain(`>${name}<`)
    // An empty list is a list, too.
    expect(html).toContain(items.length === 0 ? 'No instances yet' : 'data-first')
    await expect(page.getByRole('status', { name: /^Live/ })).toBeVisible()
    await page.waitForTimeout(1000)
    expect(asked.filter((url) => /instances\.list|_rsc=/.test(url))).toEqual([])
  }).toPass()
})

test('columns and density of the person are there at the first paint', async ({ page }) => {
  await signIn(page, person.name, person.password)
  await page.goto('/key-pairs')
  await page.getByRole('button', { name: 'Columns and download' }).click()
  await page.getByRole('checkbox', { name: 'Fingerprint' }).uncheck()
  await page.evaluate(() => {
    const key = Object.keys(localStorage).find((name) => name.endsWith(' columns Key pairs')) ?? ''
    localStorage.setItem(key.replace('columns Key pairs', 'density'), 'comfortable')
  })
  // The portal's own scripts do not arrive, so the page stays as the server has made it.
  await page.route('**/_next/static/**/*.js', (route) => route.abort())
  await page.reload()
  await expect(page.getByRole('columnheader', { name: 'Name' })).toBeVisible()
  await expect(page.locator('th[data-column=fingerprint]')).toBeHidden()
  await expect(page.locator('html')).toHaveAttribute('data-density', 'comfortable')
})
