import { expect, type Page, test } from '@playwright/test'
import { problemsOf } from './support/accessibility.ts'
import { findCloud } from './support/cloud.ts'
import { newPerson, rightsOf } from './support/people.ts'
import { signIn, visit } from './support/portal.ts'

const cloud = findCloud()

const choosePlace = async (page: Page, name: string) => {
  // The server has drawn the button, which does nothing until the page is live.
  await expect(page.getByRole('status', { name: /^Live/ })).toBeVisible()
  await page.getByRole('button', { name: /Switch the project/ }).click()
  await page.getByPlaceholder('Find a project').fill(name)
  await page.getByRole('option', { name }).click()
}
const keysIn = (page: Page, store: 'localStorage' | 'sessionStorage') =>
  page.evaluate((name) => Object.keys(window[name]), store)

test('who loses the project that they chose last is told so in its tab, and works on in another tab', async ({
  page,
}) => {
  const person = await newPerson(cloud)
  const { api, give } = await rightsOf(cloud, person)
  const name = `second-${crypto.randomUUID().slice(0, 6)}`
  const { id } = await api.directory.projects.create.mutate({ name })
  await give('member', { projectId: id })
  await signIn(page, person.name, person.password)
  await expect(page).toHaveURL(new RegExp(`/${person.projectId}$`))
  const second = await page.context().newPage()
  await visit(second, `/${id}/networks?create=1`)
  await second.getByRole('textbox', { name: 'Name' }).first().fill('half-typed')
  await api.directory.projects.update.mutate({ id: person.projectId, enabled: false })
  await expect(page.getByRole('heading', { name: 'You may not see this project' })).toBeVisible()
  await expect(page, 'not the sign-in page').toHaveURL(new RegExp(`/${person.projectId}$`))
  expect(await problemsOf(page)).toEqual([])
  // The other tab goes on with what was typed.
  await second.getByRole('button', { name: 'Create', exact: true }).click()
  await expect(second.getByRole('heading', { name: 'half-typed', level: 1 })).toBeVisible()
  const others = page.getByRole('navigation', { name: 'Your other projects' })
  await others.getByRole('link', { name }).click()
  await expect(page).toHaveURL(new RegExp(`/${id}$`))
  await expect(page.getByRole('heading', { name: 'Overview', level: 1 })).toBeVisible()
  // A deleted project is no different, and a sign-out still ends everything.
  await api.directory.projects.delete.mutate({ id: person.projectId })
  await visit(second, `/${id}/networks`)
  await page.getByRole('button', { name: `Account of ${person.name}` }).click()
  await page.getByRole('menuitem', { name: 'Sign out' }).click()
  await expect(page).toHaveURL(/sign-in/)
  await expect(second).toHaveURL(/sign-in/)
})

test('who loses the role of a member while they fill in the launch form keeps what they have typed', async ({
  page,
}) => {
  const person = await newPerson(cloud)
  const { give, take } = await rightsOf(cloud, person)
  const here = { projectId: person.projectId }
  await give('reader', here)
  await signIn(page, person.name, person.password)
  await visit(page, '/instances/new')
  const name = page.getByRole('textbox', { name: 'Name', exact: true })
  const launch = page.getByRole('button', { name: 'Launch', exact: true })
  await name.fill('half-typed')
  await expect(launch).toBeEnabled()
  await take('member', here)
  await expect(page.getByText('Your role in this project may only look.')).toBeVisible()
  await expect(launch).toBeDisabled()
  await expect(name).toHaveValue('half-typed')
  await give('member', here)
  await expect(launch).toBeEnabled()
  await expect(name).toHaveValue('half-typed')
})

test('a reader is told at once that a form is not for them, and hears of a new role without loading the page', async ({
  page,
}) => {
  const person = await newPerson(cloud)
  const { give, take } = await rightsOf(cloud, person)
  const here = { projectId: person.projectId }
  await give('reader', here)
  await take('member', here)
  await signIn(page, person.name, person.password)
  await visit(page, '/networks?create=1')
  const panel = page.getByRole('dialog')
  const create = panel.getByRole('button', { name: 'Create', exact: true })
  const refusal = panel.getByRole('alert').filter({ hasText: 'You may not do this' })
  await expect(refusal).toContainText('Your role in this project may only look.')
  await expect(create).toBeDisabled()
  expect(await problemsOf(page)).toEqual([])
  const name = panel.getByRole('textbox', { name: 'Name' }).first()
  await name.fill('by-a-new-member')
  await name.press('Enter')
  await expect(panel, 'Enter is refused like the button').toBeVisible()
  const loads: string[] = []
  page.on('load', () => loads.push(page.url()))
  await give('member', here)
  await expect(create).toBeEnabled()
  await expect(refusal).toHaveCount(0)
  await expect(name, 'what was typed').toHaveValue('by-a-new-member')
  await take('member', here)
  await expect(refusal).toBeVisible()
  await give('member', here)
  await expect(create).toBeEnabled()
  expect(loads).toEqual([])
  await create.click()
  await expect(page.getByRole('heading', { name: 'by-a-new-member', level: 1 })).toBeVisible()
})

test('somebody without any role hears of their first project', async ({ page }) => {
  const person = await newPerson(cloud)
  const { give, take } = await rightsOf(cloud, person)
  const here = { projectId: person.projectId }
  await take('member', here)
  await signIn(page, person.name, person.password)
  await expect(page.getByRole('button', { name: /Project: No project/ })).toBeVisible()
  await expect(page.getByRole('status', { name: /^Live/ })).toBeVisible()
  await give('member', here)
  await expect(page.getByRole('button', { name: `Project: ${person.project}` })).toBeVisible()
})

test('an administrator of the cloud sees one domain when they choose it, and returns', async ({ page }) => {
  const person = await newPerson(cloud)
  const { api, give } = await rightsOf(cloud, person)
  const name = `domain-${crypto.randomUUID().slice(0, 6)}`
  const { id: domainId } = await api.directory.domains.create.mutate({ name })
  await api.directory.users.create.mutate({ name: `only-in-${name}`, domainId })
  await give('admin', { projectId: person.projectId })
  await give('admin', { domainId })
  await signIn(page, person.name, person.password)
  await choosePlace(page, `Domain ${name}`)
  await expect(page).toHaveURL(/\/cloud$/)
  await expect(page.getByRole('button', { name: `Project: Domain ${name}` })).toBeVisible()
  await visit(page, '/cloud/admin/users')
  await expect(page.getByRole('link', { name: `only-in-${name}` })).toBeVisible()
  await expect(page.getByRole('link', { name: 'admin', exact: true })).toHaveCount(0)
  await choosePlace(page, person.project)
  await expect(page).toHaveURL(new RegExp(`/${person.projectId}`))
  await visit(page, '/cloud/admin/users')
  await expect(page.getByRole('link', { name: 'admin', exact: true })).toBeVisible()
})

test('a sign-out removes from the browser what is personal, in every tab', async ({ page }) => {
  const person = await newPerson(cloud)
  await signIn(page, person.name, person.password)
  const account = page.getByRole('button', { name: `Account of ${person.name}` })
  await account.click()
  await page.getByRole('menuitem', { name: 'Comfortable rows' }).click()
  const second = await page.context().newPage()
  await visit(second, '/instances/new')
  await second.getByRole('textbox', { name: 'Name' }).first().fill('half-typed')
  await second.evaluate(() => window.sessionStorage.setItem('stratolith.own somebody draft', 'x'))
  const personal = (keys: string[]) => keys.filter((key) => key.startsWith('stratolith.own '))
  expect(personal(await keysIn(page, 'localStorage')).length).toBeGreaterThan(0)
  await account.click()
  await page.getByRole('menuitem', { name: 'Sign out' }).click()
  for (const tab of [page, second]) {
    await expect(tab).toHaveURL(/sign-in/)
    expect(personal(await keysIn(tab, 'localStorage'))).toEqual([])
    expect(personal(await keysIn(tab, 'sessionStorage'))).toEqual([])
  }
  const kept = (await keysIn(page, 'localStorage')).filter((key) => key.startsWith('stratolith.preference '))
  expect(kept.some((key) => key.endsWith(' density'))).toBe(true)
})

test('a dead session that a page has not heard of leads to the sign-in page and back', async ({ page }) => {
  const person = await newPerson(cloud)
  const { api, userId } = await rightsOf(cloud, person)
  await signIn(page, person.name, person.password)
  await page.route('**/api/events?*', (route) => route.abort())
  await page.goto('/api-access')
  const button = page.getByRole('button', { name: 'Show a token' })
  await expect(button).toBeVisible()
  await page.waitForLoadState('networkidle')
  await api.identity.sessions.revokeAll.mutate({ userId })
  await button.click()
  await expect(page).toHaveURL(/sign-in\?from=.*api-access/)
  await page.unroute('**/api/events?*')
  await page.getByLabel('User name').fill(person.name)
  await page.getByLabel('Password', { exact: true }).fill(person.password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await page.getByRole('button', { name: 'Show a token' }).click()
  await expect(page.getByRole('region', { name: 'Token' }).getByText(/^slt_/)).toBeVisible()
})
