import { expect, type Locator, type Page, test } from '@playwright/test'
import { problemsOf } from './support/accessibility.ts'
import { type Api, findCloud, signedIn } from './support/cloud.ts'
import { apiOf, newPerson, type Person } from './support/people.ts'
import { newBrowser, row, signIn, visit } from './support/portal.ts'

test.describe.configure({ mode: 'serial' })
const cloud = findCloud()
let person: Person
let api: Api
let page: Page
let admin: Page
let network: { id: string; name: string }
const panel = (): Locator => page.getByRole('dialog')
const cli = (): Locator => panel().getByLabel('The same as CLI')

test.beforeAll(async ({ browser }) => {
  person = await newPerson(cloud)
  api = await apiOf(cloud, person)
  page = await browser.newPage()
  await signIn(page, person.name, person.password)
  admin = await newBrowser(browser, 'admin', cloud.password('admin'))
  network = await api.networking.networks.create.mutate({
    ...{ name: 'office', description: '', external: false, shared: false, mtu: 1500 },
    subnet: { name: 'desks', cidr: '10.40.0.0/24', dhcp: true, dns: [] },
  })
})
test.afterAll(async () => {
  await page.close()
  await admin.context().close()
})

test('a port is made with an address of one’s choice, changed, and deleted', async () => {
  await visit(page, '/ports')
  await expect(page.getByText('No ports yet')).toBeVisible()
  await page.getByRole('button', { name: 'Create port' }).first().click()
  await panel().getByRole('combobox', { name: 'Network' }).click()
  await page.getByRole('option', { name: 'office' }).click()
  await panel().getByRole('textbox', { name: 'Name' }).fill('printer')
  await panel().getByRole('button', { name: 'Add an address' }).click()
  await panel().getByLabel('Address 1', { exact: true }).fill('10.41.0.9')
  await expect(panel().getByText('10.41.0.9 is not a usable address of 10.40.0.0/24.')).toBeVisible()
  await panel().getByLabel('Address 1', { exact: true }).fill('10.40.0.9')
  await expect(cli()).toContainText('ip-address=10.40.0.9')
  await panel().getByRole('button', { name: 'Create', exact: true }).click()
  await expect(page.getByRole('heading', { name: 'printer', level: 1 })).toBeVisible()
  await expect(page.getByText('It keeps its addresses for an instance', { exact: false })).toBeVisible()

  await page.getByRole('button', { name: 'Edit', exact: true }).click()
  await panel().getByRole('textbox', { name: 'Name' }).fill('scanner')
  await panel().getByRole('switch', { name: 'Port security' }).uncheck()
  await panel().getByRole('switch', { name: 'Switched on' }).uncheck()
  await panel().getByRole('button', { name: 'Save' }).click()
  await expect(page.getByRole('heading', { name: 'scanner', level: 1 })).toBeVisible()
  await expect(page.getByText('Off: nothing is filtered')).toBeVisible()
  await expect(page.getByText('No: it carries nothing')).toBeVisible()

  await page.getByRole('button', { name: 'Change addresses' }).click()
  await panel().getByRole('button', { name: 'Add an address' }).click()
  await panel().getByRole('button', { name: 'Save' }).click()
  await expect(page.getByRole('table', { name: 'Addresses' }).getByRole('row')).toHaveCount(3)

  await page.getByRole('button', { name: 'More actions' }).click()
  await page.getByRole('menuitem', { name: 'Delete', exact: true }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await expect(page.getByRole('heading', { name: 'Ports', level: 1 })).toBeVisible()
  await expect(page.getByText('No ports yet')).toBeVisible()
})

test('a subnet gets a name, a gateway, name servers and a range, and a second one comes and goes', async () => {
  await visit(page, `/networks/${network.id}`)
  const menuOf = async (cidr: string, item: string) => {
    await page
      .getByRole('row')
      .filter({ hasText: cidr })
      .getByRole('button', { name: /^Actions of/ })
      .click()
    await page.getByRole('menuitem', { name: item }).click()
  }
  await menuOf('10.40.0.0/24', 'Edit')
  await panel().getByRole('textbox', { name: 'Name', exact: true }).fill('floor')
  await panel().getByLabel('First address given out').fill('10.40.0.100')
  await panel().getByLabel('Last address given out').fill('10.40.0.20')
  await expect(panel().getByText('10.40.0.100 comes after 10.40.0.20.')).toBeVisible()
  await panel().getByLabel('Last address given out').fill('10.40.0.120')
  await panel().getByRole('combobox', { name: 'Name servers' }).fill('9.9.9.9')
  await page.keyboard.press('Enter')
  await expect(cli()).toContainText('--no-allocation-pool')
  await panel().getByRole('button', { name: 'Save' }).click()
  await expect(page.getByText('10.40.0.100 – 10.40.0.120')).toBeVisible()
  await expect(page.getByRole('cell', { name: '9.9.9.9' })).toBeVisible()

  await page.getByRole('button', { name: 'Add subnet' }).click()
  await panel()
    .getByRole('textbox', { name: /^Range/ })
    .fill('10.42.0.0/24')
  await panel().getByRole('button', { name: 'Add', exact: true }).click()
  // The panel shows the range, too, and says so when the subnet was refused.
  await expect(panel()).toHaveCount(0)
  await expect(page.getByRole('row').filter({ hasText: '10.42.0.0/24' })).toBeVisible()
  await menuOf('10.42.0.0/24', 'Delete')
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await expect(page.getByText('10.42.0.0/24')).toHaveCount(0)
})

test('a router is renamed and switched off; a gateway is set where there is none, else cleared', async () => {
  const router = await api.networking.routers.create.mutate({ name: 'edge', description: '' })
  await visit(page, `/routers/${router.id}`)
  await expect(page.getByRole('button', { name: 'Clear gateway' })).toHaveCount(0)
  await page.getByRole('button', { name: 'Set gateway' }).click()
  await panel().getByRole('button', { name: 'Set gateway' }).click()
  await expect(page.getByText(/^172\.24\./).first()).toBeVisible()
  await expect(page.getByRole('button', { name: 'Set gateway' })).toHaveCount(0)
  await page.getByRole('button', { name: 'Clear gateway' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Clear' }).click()
  await expect(page.getByRole('button', { name: 'Set gateway' })).toBeVisible()
  await page.getByRole('button', { name: 'Edit', exact: true }).click()
  await panel().getByRole('textbox', { name: 'Name' }).fill('core')
  await panel().getByRole('switch', { name: 'Switched on' }).uncheck()
  await panel().getByRole('button', { name: 'Save' }).click()
  await expect(page.getByRole('heading', { name: 'core', level: 1 })).toBeVisible()
  await expect(page.getByText('No: it carries nothing')).toBeVisible()
})

test('a network is shared with another project and taken back; both lists tell whose it is', async () => {
  const friend = await newPerson(cloud)
  await visit(page, `/networks/${network.id}?tab=sharing`)
  await expect(page.getByText('Shared with nobody')).toBeVisible()
  await page.getByRole('button', { name: 'Share', exact: true }).click()
  await panel()
    .getByRole('textbox', { name: /^ID of the project/ })
    .fill(person.projectId)
  await panel().getByRole('button', { name: 'Share', exact: true }).click()
  await expect(panel().getByText('The network belongs to this project already.')).toBeVisible()
  await panel()
    .getByRole('textbox', { name: /^ID of the project/ })
    .fill(friend.projectId)
  await expect(cli()).toContainText(`--target-project ${friend.projectId}`)
  await panel().getByRole('button', { name: 'Share', exact: true }).click()
  await expect(page.getByRole('cell', { name: friend.projectId, exact: true })).toBeVisible()

  const other = await newBrowser(page.context().browser() ?? never(), friend.name, friend.password)
  await visit(other, '/networks?whose=others')
  await expect(row(other, 'office')).toContainText('Another project')
  await visit(page, '/networks?whose=own')
  await expect(row(page, 'office')).toContainText('This project')
  await expect(page.getByRole('link', { name: 'public', exact: true })).toHaveCount(0)

  await visit(page, `/networks/${network.id}?tab=sharing`)
  await page.getByRole('button', { name: `Actions of ${friend.projectId}` }).click()
  await page.getByRole('menuitem', { name: 'Share no longer' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Share no longer' }).click()
  await expect(other.getByRole('link', { name: 'office', exact: true })).toHaveCount(0)
  await other.context().close()
})

test('an administrator finds everything of every project, and connects a network to its own project’s router', async () => {
  const group = await api.networking.securityGroups.create.mutate({ name: 'visitors', description: '' })
  const fip = await api.networking.floatingIps.create.mutate({ description: 'the lobby' })
  await api.networking.ports.create.mutate({ networkId: network.id, name: 'lamp' })
  for (const [path, found] of [
    ['/admin/networks?search=office', 'office'],
    ['/admin/routers?search=core', 'core'],
    ['/admin/ports?search=lamp', 'lamp'],
    ['/admin/security-groups?search=visitors', 'visitors'],
    [`/admin/floating-ips?search=${fip.address}`, fip.address],
  ] as const) {
    await visit(admin, path)
    const line = admin.getByRole('row').filter({ hasText: found })
    await expect(line.getByRole('link', { name: person.project })).toBeVisible()
  }
  await visit(admin, `/security-groups/${group.id}?tab=facts`)
  await expect(admin.getByRole('link', { name: 'All security groups' }).first()).toBeVisible()
  await expect(admin.getByRole('link', { name: person.project })).toBeVisible()

  await visit(admin, `/networks/${network.id}?connect=1`)
  const form = admin.getByRole('dialog')
  await expect(form.getByRole('combobox', { name: 'Router' })).toHaveValue(/^core \(/)
  await form.getByRole('button', { name: 'Connect' }).click()
  await expect(admin.getByRole('link', { name: 'core', exact: true })).toBeVisible()
  const { items } = await api.networking.routers.list.query({})
  expect(items.map(({ name, interfaces }) => [name, interfaces.length])).toEqual([['core', 1]])
})

test('a floating IP gets a description, and says that it is free', async () => {
  await visit(page, '/floating-ips')
  const line = page.getByRole('row').filter({ hasText: 'the lobby' })
  await expect(line).toContainText('Free')
  await line.getByRole('button', { name: /^Actions of/ }).click()
  await page.getByRole('menuitem', { name: 'Edit description' }).click()
  await panel().getByRole('textbox', { name: 'Description' }).fill('the door')
  await expect(cli()).toContainText('floating ip set')
  await panel().getByRole('button', { name: 'Save' }).click()
  // Compact rows show the description on hover alone, so the row is looked for and not the text.
  await expect(page.getByRole('row').filter({ hasText: 'the door' })).toBeVisible()
})

test('a rule lets one’s own address in, where the cloud sees one', async () => {
  const { items } = await api.networking.securityGroups.list.query({ search: 'visitors' })
  // The browser of the test is on the cloud's own machine, so the answer is put in its place; others may come in the same batch.
  await page.route(/networking\.myAddress/, async (route) => {
    const names = new URL(route.request().url()).pathname.split('/').at(-1)?.split(',') ?? []
    const response = await route.fetch()
    const json = ((await response.json()) as unknown[]).map((answer, at) =>
      names[at] === 'networking.myAddress' ? { result: { data: { address: '203.0.113.7' } } } : answer,
    )
    await route.fulfill({ response, json })
  })
  await visit(page, `/security-groups/${items[0]?.id}?add=ingress`)
  await panel().getByRole('button', { name: 'My address' }).click()
  await expect(panel().getByRole('textbox', { name: 'Range' })).toHaveValue('203.0.113.7/32')
  await panel().getByRole('button', { name: 'Add rule' }).click()
  await expect(page.getByRole('cell', { name: '203.0.113.7/32', exact: true })).toBeVisible()
})

test('a reader sees everything and is told why nothing can be changed', async ({ browser }) => {
  const { api: root } = await signedIn(cloud, 'admin')
  const [name, password] = [`reader-${crypto.randomUUID().slice(0, 8)}`, `pw-${crypto.randomUUID()}`]
  const { projectId } = person
  const { id: userId } = await root.directory.users.create.mutate({
    name,
    password,
    defaultProjectId: projectId,
  })
  const { items } = await root.directory.roles.list.query({})
  const role = (called: string) => items.find((one) => one.name === called)?.id ?? ''
  await root.directory.assignments.grant.mutate({ userId, roleId: role('reader'), projectId })
  await root.directory.assignments.revoke.mutate({ userId, roleId: role('member'), projectId })
  const reader = await newBrowser(browser, name, password)
  const [port] = (await api.networking.ports.list.query({ use: 'free' })).items
  await visit(reader, `/ports/${port?.id}`)
  for (const called of ['Edit', 'Change addresses'])
    await expect(reader.getByRole('button', { name: called, exact: true })).toHaveAttribute(
      'aria-description',
      /may only look/,
    )
  await reader.getByRole('button', { name: 'More actions' }).click()
  await expect(reader.getByRole('menuitem', { name: 'Delete' })).toContainText(/may only look/)
  await visit(reader, `/networks/${network.id}?tab=sharing`)
  await expect(reader.getByRole('button', { name: 'Share', exact: true })).toHaveAttribute(
    'aria-disabled',
    'true',
  )
  await reader.context().close()
})

test('the pages of networking: axe, and a phone of 360 px', async () => {
  const [port] = (await api.networking.ports.list.query({ use: 'free' })).items
  const [router] = (await api.networking.routers.list.query({})).items
  const found: string[] = []
  for (const path of [
    ...['networks', 'ports', 'routers', 'security-groups', 'floating-ips'].map((list) => `/admin/${list}`),
    ...['/ports', `/ports/${port?.id}`, `/ports/${port?.id}?edit=1`, `/ports/${port?.id}?addresses=1`],
    ...['', '?edit=1', '?tab=ports&create=1', '?tab=sharing&share=1'].map(
      (q) => `/networks/${network.id}${q}`,
    ),
    ...[`/routers/${router?.id}`, `/routers/${router?.id}?edit=1`],
  ]) {
    await visit(admin, path)
    await expect(admin.getByRole('heading').first()).toBeVisible()
    found.push(...(await problemsOf(admin)).map((problem) => `${path}: ${problem}`))
  }
  expect(found).toEqual([])
})

function never(): never {
  throw new Error('The page has no browser.')
}
