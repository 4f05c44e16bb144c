import { expect, type Page, test } from '@playwright/test'
import { findCloud } from './support/cloud.ts'
import { signIn, visit } from './support/portal.ts'
import { nextCode, totp } from './support/totp.ts'

const cloud = findCloud()
const tag = crypto.randomUUID().slice(0, 6)
const project = `team-${tag}`
const user = { name: `worker-${tag}`, password: `pw-${crypto.randomUUID()}` }

const panel = (page: Page) => page.getByRole('dialog')

test('a new user with a second factor hits the quota of a new project, and is signed out once the role is revoked', async ({
  page,
  browser,
}) => {
  await signIn(page, 'admin', cloud.password('admin'))

  await visit(page, '/admin/projects?create=1')
  await panel(page).getByLabel('Name').fill(project)
  await panel(page).getByRole('button', { name: 'Create', exact: true }).click()
  await expect(page.getByRole('heading', { name: project, level: 1 })).toBeVisible()
  const projectPath = new URL(page.url()).pathname

  await visit(page, '/admin/users?create=1')
  await panel(page).getByLabel('Name').fill(user.name)
  await panel(page).getByLabel('Password', { exact: true }).fill(user.password)
  await panel(page).getByRole('combobox', { name: 'First project' }).fill(project)
  await page.getByRole('option', { name: project }).click()
  await panel(page).getByRole('button', { name: 'Create', exact: true }).click()
  await expect(panel(page)).toBeHidden()
  await expect(page.getByRole('link', { name: user.name, exact: true })).toBeVisible()

  await visit(page, `${projectPath}?tab=quota`)
  await page.getByRole('button', { name: 'Change limits' }).click()
  await panel(page).getByRole('textbox', { name: 'Limit: Networks' }).fill('1')
  await panel(page).getByRole('button', { name: 'Save' }).click()
  await expect(panel(page)).toBeHidden()
  await expect(page.getByRole('row', { name: /^Networks 0 1\b/ })).toBeVisible()

  const theirs = await browser.newContext()
  const worker = await theirs.newPage()
  await signIn(worker, user.name, user.password)
  await expect(worker.getByRole('link', { name: 'Hosts' }), 'no pages of administrators').toHaveCount(0)
  const seed = await enrol(worker)
  await signOut(worker)
  await nextCode()
  await worker.goto('/')
  await worker.getByLabel('User name').fill(user.name)
  await worker.getByLabel('Password', { exact: true }).fill(user.password)
  await worker.getByRole('button', { name: 'Sign in', exact: true }).click()
  await worker.getByLabel('Code').fill('000000')
  await worker.getByRole('button', { name: 'Sign in', exact: true }).click()
  await expect(worker.getByRole('alert').filter({ hasText: 'not right' })).toBeVisible()
  await worker.getByLabel('Code').fill(totp(seed))
  await worker.getByRole('button', { name: 'Sign in', exact: true }).click()
  await expect(worker.getByRole('heading', { name: 'Overview', level: 1 })).toBeVisible()

  await makeNetwork(worker, 'first')
  await expect(panel(worker)).toBeHidden()
  await makeNetwork(worker, 'second')
  await expect(panel(worker).getByRole('alert'), 'the quota says why').toContainText(/1 of 1|limit|quota/i)

  await visit(page, '/admin/users')
  await page.getByRole('link', { name: user.name, exact: true }).click()
  await page.getByRole('tab', { name: 'Sessions and tokens' }).click()
  await page.getByRole('button', { name: 'End all' }).click()
  await panel(page).getByRole('button', { name: 'Sign out everywhere' }).click()
  await expect(worker, 'out at once').toHaveURL(/sign-in/)
  await expect(page.getByText('No session', { exact: true })).toBeVisible()
  await theirs.close()
})

/** Turns codes on in the profile; returns the seed that the page shows. */
async function enrol(page: Page): Promise<string> {
  await visit(page, '/profile?tab=codes')
  await page.getByRole('button', { name: 'Set up codes' }).click()
  await expect(page.getByRole('img', { name: /QR code/ })).toBeVisible()
  const seed = await page
    .locator('code')
    .filter({ hasText: /^[A-Z2-7]{16,}$/ })
    .innerText()
  await page.getByLabel('2. Type the code that it shows').fill(totp(seed))
  await page.getByRole('button', { name: 'Turn codes on' }).click()
  await expect(page.getByRole('button', { name: 'Turn codes off' })).toBeVisible()
  return seed
}

async function signOut(page: Page): Promise<void> {
  await page.getByRole('button', { name: /Account of/ }).click()
  await page.getByRole('menuitem', { name: 'Sign out' }).click()
  await expect(page).toHaveURL(/sign-in/)
}

async function makeNetwork(page: Page, name: string): Promise<void> {
  await visit(page, '/networks?create=1')
  await panel(page).getByRole('textbox', { name: 'Name' }).first().fill(name)
  await panel(page).getByRole('button', { name: 'Create', exact: true }).click()
}
