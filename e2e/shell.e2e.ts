import { expect, type Page, test } from '@playwright/test'
import { problemsOf } from './support/accessibility.ts'
import { type Api, findCloud, signedIn } from './support/cloud.ts'
import { apiOf, newPerson, type Person } from './support/people.ts'
import { newBrowser, signIn, visit } from './support/portal.ts'

const cloud = findCloud()

/** Makes a member of two projects; returns the person and the second project. */
async function inTwoProjects(): Promise<{ person: Person; other: { id: string; name: string } }> {
  const person = await newPerson(cloud)
  const { directory } = (await signedIn(cloud, 'admin')).api
  const name = `second-${crypto.randomUUID().slice(0, 6)}`
  const { id } = await directory.projects.create.mutate({ name })
  const [user] = (await directory.users.list.query({ search: person.name })).items
  const roles = (await directory.roles.list.query({ search: 'member' })).items
  const roleId = roles.find((role) => role.name === 'member')?.id ?? ''
  await directory.assignments.grant.mutate({ userId: user?.id ?? '', roleId, projectId: id })
  return { person, other: { id, name } }
}

const networksOf = async (api: Api) =>
  (await api.networking.networks.list.query({})).items
    .filter(({ external }) => !external)
    .map(({ name }) => name)

async function makeNetwork(page: Page, name: string): Promise<void> {
  const panel = page.getByRole('dialog')
  await panel.getByRole('textbox', { name: 'Name' }).first().fill(name)
  await panel.getByRole('button', { name: 'Create', exact: true }).click()
  await expect(page.getByRole('heading', { name, level: 1 })).toBeVisible()
}

const chooseProject = async (page: Page, name: string) => {
  await page.getByRole('button', { name: /Switch the project/ }).click()
  await page.getByPlaceholder('Find a project').fill(name)
  await page.getByRole('option', { name }).click()
}

test('each of two tabs acts in the project of its address', async ({ page }) => {
  const { person, other } = await inTwoProjects()
  await signIn(page, person.name, person.password)
  await expect(page).toHaveURL(new RegExp(`/${person.projectId}$`))
  await visit(page, '/networks?create=1')
  await expect(page).toHaveURL(new RegExp(`/${person.projectId}/networks\\?create=1$`))
  // The second tab opens the other project while a form in the first tab is half filled in.
  const second = await page.context().newPage()
  await visit(second, '/networks')
  await chooseProject(second, other.name)
  await expect(second, 'the same kind of page').toHaveURL(new RegExp(`/${other.id}/networks$`))
  await expect(second.getByRole('button', { name: new RegExp(`Project: ${other.name}`) })).toBeVisible()
  await makeNetwork(page, 'of-the-first')
  await visit(second, `/${other.id}/networks?create=1`)
  await makeNetwork(second, 'of-the-second')
  expect(await networksOf(await apiOf(cloud, person))).toEqual(['of-the-first'])
  // A change in one project appears live only in the tab of that project.
  await visit(page, `/${person.projectId}/networks`)
  await expect(page.getByRole('link', { name: 'of-the-first', exact: true })).toBeVisible()
  await expect(page.getByRole('link', { name: 'of-the-second', exact: true })).toHaveCount(0)
  // The switcher lists pinned and recent projects.
  await page.getByRole('button', { name: /Switch the project/ }).click()
  await page.getByRole('button', { name: 'Pin this project' }).click()
  await expect(page.getByRole('button', { name: 'Unpin this project' })).toBeVisible()
  await expect(page.getByText('Pinned', { exact: true })).toBeVisible()
  expect(await problemsOf(page)).toEqual([])
})

test('a link opens in its project, or says who may open it', async ({ page, browser }) => {
  const { person, other } = await inTwoProjects()
  const link = `/${other.id}/networks`
  // The link works before the sign-in, too, because the sign-in leads on to the link.
  await page.goto(link)
  await page.getByLabel('User name').fill(person.name)
  await page.getByLabel('Password', { exact: true }).fill(person.password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await expect(page.getByRole('heading', { name: 'Networks', level: 1 })).toBeVisible()
  await expect(page.getByRole('button', { name: new RegExp(`Project: ${other.name}`) })).toBeVisible()
  const stranger = await newPerson(cloud)
  const theirs = await newBrowser(browser, stranger.name, stranger.password)
  await theirs.goto(link)
  await expect(theirs.getByRole('heading', { name: 'You may not see this project' })).toBeVisible()
  await expect(theirs.getByText('Ask whoever sent you the link')).toBeVisible()
  expect(await problemsOf(theirs)).toEqual([])
  await theirs.getByRole('link', { name: 'Go to the overview' }).click()
  await expect(theirs).toHaveURL(new RegExp(`/${stranger.projectId}$`))
  await theirs.context().close()
})

test('an administrator lands on the cloud, and sees all of its pages at once', async ({ page }) => {
  const { person } = await inTwoProjects()
  const network = await (await apiOf(cloud, person)).networking.networks.create.mutate({ name: 'theirs' })
  await signIn(page, 'admin', cloud.password('admin'))
  await expect(page).toHaveURL(/\/cloud$/)
  const bar = page.getByRole('navigation', { name: 'Main navigation' })
  for (const link of await bar.getByRole('link').all()) await expect(link).toBeInViewport({ ratio: 1 })
  await expect(bar.getByRole('link', { name: 'Hosts' })).toBeVisible()
  await expect(bar.getByRole('link', { name: 'Routers', exact: true })).toHaveCount(0)
  // An administrator without a role in the project sees a single thing of the project below /cloud/.
  await visit(page, `/${person.projectId}/networks/${network.id}`)
  await expect(page).toHaveURL(new RegExp(`/cloud/networks/${network.id}$`))
  await expect(page.getByRole('heading', { name: 'theirs', level: 1 })).toBeVisible()
  await bar.getByRole('link', { name: 'Project', exact: true }).click()
  await expect(bar.getByRole('link', { name: 'Routers', exact: true })).toBeVisible()
  await expect(bar.getByRole('link', { name: 'Hosts' })).toHaveCount(0)
  for (const link of await bar.getByRole('link').all()) await expect(link).toBeInViewport({ ratio: 1 })
  await bar.getByRole('link', { name: 'Cloud', exact: true }).click()
  await expect(page).toHaveURL(/\/cloud$/)
})

test('the overview shows the quota of the project, and that of the cloud says how full its hosts are', async ({
  page,
  browser,
}) => {
  const person = await newPerson(cloud)
  await signIn(page, person.name, person.password)
  await expect(page.getByRole('region', { name: 'Your first instance' })).toBeVisible()
  const quota = page.getByRole('region', { name: 'Quota' })
  await expect(quota.getByRole('progressbar')).toHaveCount(4)
  await quota.getByRole('button', { name: /Show all/ }).click()
  await expect(quota.getByText('Routers', { exact: true })).toBeVisible()
  const admin = await newBrowser(browser, 'admin', cloud.password('admin'))
  const hosts = admin.getByRole('region', { name: 'Hosts' })
  await expect(hosts.getByText('vCPUs given out')).toBeVisible()
  await expect(admin.getByRole('region', { name: 'Projects with the most instances' })).toBeVisible()
  await admin.context().close()
})

test('the palette finds IDs and kinds and runs actions, the bell reports a finished operation, and ? shows help', async ({
  page,
}) => {
  const person = await newPerson(cloud)
  const api = await apiOf(cloud, person)
  const network = await api.networking.networks.create.mutate({ name: 'a-net' })
  await api.networking.routers.create.mutate({ name: 'a-router' })
  await signIn(page, person.name, person.password)
  await expect(page.getByRole('status', { name: /^Live/ })).toBeVisible()
  const find = async (typed: string) => {
    await page.keyboard.press('Control+k')
    await expect(page.getByRole('dialog', { name: 'Find or do' }).getByPlaceholder(/A name/)).toBeFocused()
    await page.keyboard.type(typed)
  }
  const line = (text: string | RegExp) =>
    page.getByRole('dialog', { name: 'Find or do' }).getByRole('button', { name: text })
  await find('a-router')
  await expect(line(/a-router.*Router/)).toBeVisible()
  await page.keyboard.press('Escape')
  await find(network.id)
  await expect(line(/a-net.*Network/)).toBeVisible()
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { name: 'a-net', level: 1 })).toBeVisible()
  await find('dark')
  await page.keyboard.press('Enter')
  await expect(page.locator('html')).toHaveAttribute('data-mantine-color-scheme', 'dark')
  // An operation ends while the user looks at another page.
  await visit(page, '/images')
  await api.networking.networks.delete.mutate({ id: network.id })
  const bell = page.getByRole('button', { name: /^Notifications/ })
  await expect(bell).toHaveAccessibleName('Notifications: 1 unread')
  await bell.click()
  await expect(page.getByRole('link', { name: 'Delete network “a-net” (new)' })).toBeVisible()
  // An open list stays at its place for a moment when the window becomes that of a phone.
  expect((await problemsOf(page)).filter((problem) => !problem.endsWith('px wide'))).toEqual([])
  await page.keyboard.press('Escape')
  await expect(bell).toHaveAccessibleName('Notifications')
  await page.keyboard.press('Shift+?')
  const help = page.getByRole('dialog', { name: 'Help' })
  await expect(help.getByText('Search in the list')).toBeVisible()
  await expect(help.getByText(/Stratolith \d/)).toBeVisible()
  expect(await problemsOf(page)).toEqual([])
  await page.keyboard.press('Escape')
  await find('sign out')
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(/sign-in/)
})

test('a menu whose code does not arrive says so, and opens when the connection is back', async ({ page }) => {
  const person = await newPerson(cloud)
  const api = await apiOf(cloud, person)
  await api.networking.networks.create.mutate({ name: 'a-net' })
  await signIn(page, person.name, person.password)
  await visit(page, '/networks')
  const menus = [
    page.getByRole('button', { name: 'Actions of a-net' }),
    page.getByRole('button', { name: `Account of ${person.name}` }),
  ]
  for (const menu of menus) await expect(menu).toBeVisible()
  // The code of toasts is loaded after the page. Meanwhile no pointer may come near a menu.
  await page.waitForTimeout(2_000)
  await page.context().setOffline(true)
  for (const menu of menus) {
    await menu.click()
    const toast = page.locator('.mantine-Notification-root', {
      hasText: 'This part of the portal did not arrive.',
    })
    await expect(toast).toBeVisible()
    // Each menu is waited for: a toast of the menu before would hide that the code of this one is still on its way.
    await toast.getByRole('button').click()
    await expect(toast).toHaveCount(0)
    await expect(menu).toBeVisible()
    await expect(page.getByRole('heading', { name: 'Networks', level: 1 })).toBeVisible()
  }
  await page.context().setOffline(false)
  for (const menu of menus) {
    await menu.click()
    await expect(page.getByRole('menu')).toBeVisible()
    await page.keyboard.press('Escape')
    await expect(page.getByRole('menu')).toHaveCount(0)
  }
})
