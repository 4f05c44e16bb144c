import { expect, type Page, test } from '@playwright/test'
import { problemsOf } from './support/accessibility.ts'
import { type Api, findCloud } from './support/cloud.ts'
import { apiOf, newPerson, type Person } from './support/people.ts'
import { newBrowser, row, signIn, visit } from './support/portal.ts'

/** What people write on an instance and set about it; its guest need not boot for it. */
test.describe.configure({ mode: 'serial' })

const cloud = findCloud()
let person: Person
let api: Api
let page: Page
let instanceUrl = ''

test.beforeAll(async ({ browser }) => {
  person = await newPerson(cloud)
  api = await apiOf(cloud, person)
  await api.networking.networks.starter.mutate({})
  await api.compute.keyPairs.create.mutate({ name: 'laptop' })
  page = await browser.newPage()
  await signIn(page, person.name, person.password)
})
test.afterAll(async () => {
  const { items } = await api.compute.instances.list.query({})
  for (const { id } of items) await api.compute.instances.delete.mutate({ id })
  await page.close()
})

const section = (name: string) => page.getByRole('region', { name, exact: true })
const choose = async (item: string) => {
  await page.getByRole('button', { name: 'More actions' }).click()
  await page.getByRole('menuitem', { name: item, exact: true }).click()
}

test('a server group is made, and an instance launched into it with tags, address and config drive', async () => {
  await visit(page, '/server-groups')
  await expect(page.getByRole('heading', { name: 'No server groups yet' })).toBeVisible()
  await page.getByRole('button', { name: 'Create server group' }).click()
  const panel = page.getByRole('dialog')
  await panel.getByRole('button', { name: 'Create' }).click()
  await expect(panel.getByText('Give it a name.')).toBeVisible()
  await panel.getByLabel('Name').fill('apart')
  await panel.getByLabel('Instances a host').fill('0')
  await panel.getByRole('button', { name: 'Create' }).click()
  await expect(panel.getByText('From 1 to 1000, or empty for one.')).toBeVisible()
  await panel.getByLabel('Instances a host').fill('2')
  await expect(panel.getByLabel('The same as CLI')).toContainText('max_server_per_host=2')
  await panel.getByRole('button', { name: 'Create' }).click()
  await expect(row(page, 'apart')).toContainText('Apart, at most 2 a host')
  await page.getByRole('link', { name: 'apart', exact: true }).click()
  await expect(page.getByRole('heading', { name: 'No instances yet' })).toBeVisible()
  expect(await problemsOf(page)).toEqual([])
  await page.getByRole('link', { name: 'Launch an instance into it' }).click()

  const more = page.locator('#launch-more')
  await expect(more.getByRole('combobox', { name: 'Server group' })).toHaveValue(/^apart/)
  await page.getByLabel('Name', { exact: true }).first().fill('web')
  await more.getByRole('combobox', { name: 'Tags' }).fill('front')
  await more.getByRole('combobox', { name: 'Tags' }).press('Enter')
  await more.getByLabel('Address').fill('10.0.0.300')
  await page.getByRole('button', { name: 'Launch', exact: true }).click()
  await expect(more.getByText('Write it as 10.0.0.7.')).toBeVisible()
  await more.getByLabel('Address').fill('10.0.0.77')
  await more.getByLabel('Config drive').check()
  await expect(more.getByLabel('Administrator’s password')).toBeVisible()
  expect(await problemsOf(page)).toEqual([])
  await page.getByRole('button', { name: 'Launch', exact: true }).click()
  await page.waitForURL(/\/instances\/[0-9a-f-]{36}/)
  instanceUrl = new URL(page.url()).pathname
  const facts = section('Facts')
  await expect(facts.getByRole('link', { name: 'apart' })).toBeVisible()
  await expect(facts).toContainText(/Config drive\s*yes/)
  await expect(facts).toContainText(/Host name\s*web/)
  await expect(section('Tags')).toContainText('front')
  await expect(page.getByText('10.0.0.77').first()).toBeVisible()
  await expect(page.getByText('Active', { exact: true }).first()).toBeVisible({ timeout: 120_000 })
})

test('metadata and tags are added, changed and removed, and the list shows the tags', async ({ browser }) => {
  const other = await newBrowser(browser, person.name, person.password)
  await visit(other, '/instances')
  const metadata = section('Metadata')
  await metadata.getByLabel('Key').fill('rolle ä')
  await metadata.getByRole('button', { name: 'Add' }).click()
  await expect(metadata.getByText(/^A key has letters, digits/)).toBeVisible()
  await metadata.getByLabel('Key').fill('role')
  await metadata.getByLabel('Value').fill('db')
  await expect(metadata.getByLabel('The same as CLI')).toContainText('--property role=db')
  await metadata.getByRole('button', { name: 'Add' }).click()
  const item = metadata.getByRole('row').filter({ hasText: 'role' })
  await expect(item).toContainText('db')
  await expect(section('Facts'), 'no longer among the facts').not.toContainText('role')
  await item.getByRole('button', { name: /^Actions of/ }).click()
  await page.getByRole('menuitem', { name: 'Change' }).click()
  await metadata.getByLabel('Value').fill('front')
  await metadata.getByRole('button', { name: 'Change' }).click()
  await expect(item).toContainText('front')
  await item.getByRole('button', { name: /^Actions of/ }).click()
  await page.getByRole('menuitem', { name: 'Remove' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
  await expect(metadata.getByText('Nothing so far.')).toBeVisible()

  const tags = section('Tags').getByRole('combobox', { name: 'Tags' })
  await tags.fill('a/b')
  await tags.press('Enter')
  await expect(section('Tags').getByText(/no comma, slash/)).toBeVisible()
  await tags.fill('blue')
  await tags.press('Enter')
  await expect(row(other, 'web'), 'without a reload').toContainText('blue')
  await tags.press('Backspace')
  await expect(row(other, 'web')).not.toContainText('blue')
  await expect(row(other, 'web')).toContainText('front')
  expect(await problemsOf(page)).toEqual([])
  await other.context().close()
})

test('a lock says why, and holds metadata', async () => {
  await choose('Lock')
  const panel = page.getByRole('dialog')
  await panel.getByLabel('Reason').fill('the demo at noon')
  await panel.getByRole('button', { name: 'Lock' }).click()
  await expect(page.getByRole('img', { name: /^Locked: .* Reason: the demo at noon$/ })).toBeVisible()
  await expect(section('Metadata').getByLabel('Key')).toHaveCount(0)
  await page.getByRole('button', { name: 'Unlock', exact: true }).click()
  await expect(section('Metadata').getByLabel('Key')).toBeVisible()
})

test('a floating IP is associated from the instance and taken off again', async () => {
  const given = (await api.compute.instances.get.query({ id: instanceUrl.split('/').at(-1) ?? '' }))
    .addresses[0]?.floatingIp
  await page.getByRole('tab', { name: 'Interfaces' }).click()
  const first = page.getByRole('region', { name: /^Interface 1/ })
  if (given) {
    await expect(page.getByRole('button', { name: 'Associate floating IP' })).toBeDisabled()
    await first.getByRole('button', { name: 'Disassociate' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Disassociate' }).click()
    await expect(first).not.toContainText(given)
  }
  await page.getByRole('button', { name: 'Associate floating IP' }).click()
  const panel = page.getByRole('dialog')
  await expect(panel.getByRole('combobox', { name: 'Leads to' })).toHaveValue(/10\.0\.0\.77/)
  if (given) await expect(panel.getByRole('combobox', { name: 'Floating IP' })).toHaveValue(new RegExp(given))
  await panel.getByRole('button', { name: 'Associate' }).click()
  await expect(first).toContainText(/floating IP\s*172\.24\./)
})

test('a port that is free is attached', async () => {
  const [network] = (await api.networking.networks.list.query({})).items.filter(({ own }) => own)
  await api.networking.ports.create.mutate({ networkId: network?.id ?? '', name: 'spare' })
  await page.getByRole('button', { name: 'Attach interface' }).click()
  const panel = page.getByRole('dialog')
  await panel.getByText('A port that is free').click()
  await panel.getByRole('button', { name: 'Attach', exact: true }).click()
  await expect(panel.getByText('Choose a port.')).toBeVisible()
  await panel.getByRole('combobox', { name: 'Port' }).click()
  await page.getByRole('option', { name: /^spare/ }).click()
  await panel.getByRole('button', { name: 'Attach', exact: true }).click()
  await expect(page.getByRole('region', { name: /^Interface 2/ })).toBeVisible()
})

test('a console opens in a window of its own', async () => {
  await page.getByRole('tab', { name: 'VNC console' }).click()
  const opened = page.context().waitForEvent('page')
  await page.getByRole('link', { name: 'Own window' }).click()
  const own = await opened
  await expect(
    own.getByRole('region', { name: 'VNC console' }).getByText('Connected', { exact: true }),
  ).toBeVisible()
  await expect(own).toHaveTitle('web · console · Stratolith')
  await expect(own.getByRole('link', { name: 'Own window' })).toHaveCount(0)
  await own.close()
})

test('a key pair shows what to compare it by, and which instances have it', async () => {
  await visit(page, '/key-pairs')
  await page.getByRole('link', { name: 'laptop', exact: true }).click()
  await expect(section('Facts')).toContainText(/SHA256:[\w+/]{43}/)
  await expect(section('Public key')).toContainText('ssh-ed25519 AAAA')
  expect(await problemsOf(page)).toEqual([])
  await page.getByRole('tab', { name: 'Instances' }).click()
  await expect(row(page, 'web')).toBeVisible()
})

test('an administrator resets the state; its owner is not offered that', async ({ browser }) => {
  await visit(page, instanceUrl)
  await page.getByRole('button', { name: 'More actions' }).click()
  await expect(page.getByRole('menuitem', { name: 'Edit' })).toBeVisible()
  await expect(page.getByRole('menuitem', { name: 'Reset state' })).toHaveCount(0)
  const admin = await newBrowser(browser, 'admin', cloud.password('admin'))
  await visit(admin, instanceUrl)
  await admin.getByRole('button', { name: 'More actions' }).click()
  await admin.getByRole('menuitem', { name: 'Reset state' }).click()
  const panel = admin.getByRole('dialog')
  await panel.getByLabel('Error').check()
  await panel.getByRole('button', { name: 'Reset the state' }).click()
  await expect(page.getByText('Error', { exact: true }).first(), 'without a reload').toBeVisible()
  await admin.context().close()
})

test('a server group is deleted, and its instance stays', async () => {
  await visit(page, '/server-groups')
  await page.getByRole('button', { name: 'Actions of apart' }).click()
  await page.getByRole('menuitem', { name: 'Delete' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await expect(page.getByRole('heading', { name: 'No server groups yet' })).toBeVisible()
  await visit(page, instanceUrl)
  await expect(page.getByRole('heading', { name: 'web', level: 1 })).toBeVisible()
  await expect(section('Facts')).not.toContainText('Server group')
})

test('API access shows how programs come in', async () => {
  await visit(page, '/api-access')
  const programs = section('Programs')
  await expect(programs.getByRole('tabpanel')).toContainText('auth_url')
  for (const [tool, text] of [
    ['Terraform', 'terraform-provider-openstack'],
    ['Python', 'openstack.connect'],
    ['curl', 'application_credential'],
  ] as const) {
    await programs.getByRole('tab', { name: tool }).click()
    await expect(programs.getByRole('tabpanel')).toContainText(text)
  }
  expect(await problemsOf(page)).toEqual([])
})
