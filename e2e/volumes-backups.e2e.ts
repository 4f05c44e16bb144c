import { expect, type Page, test } from '@playwright/test'
import { problemsOf } from './support/accessibility.ts'
import { type Api, findCloud, until } from './support/cloud.ts'
import { apiOf, newPerson, type Person } from './support/people.ts'
import { row, signIn, visit, watchProblems } from './support/portal.ts'
import { rootScript, rootShell, says as saysOn, serial, typeLine } from './support/root-shell.ts'

/** A file is backed up, changed, and found again as it was; everything is clicked and typed. */
test.describe.configure({ mode: 'serial' })

const bootMs = 600_000
const copyMs = 300_000
const cloud = findCloud()
let person: Person
let api: Api
let page: Page
let problems: string[]
let guest = ''

test.beforeAll(async ({ browser }) => {
  test.setTimeout(2 * bootMs)
  person = await newPerson(cloud)
  api = await apiOf(cloud, person)
  const [image] = (await api.images.list.query({ search: 'Tiny test image' })).items
  const { id: networkId } = await api.networking.networks.starter.mutate({})
  const { instances } = await api.compute.instances.launch.mutate({
    ...{ name: 'keeper', imageId: image?.id ?? '', flavorId: '1', networkIds: [networkId] },
    userData: Buffer.from(rootScript).toString('base64'),
  })
  guest = instances[0]?.id ?? ''
  await until('keeper is ACTIVE', bootMs, async () => {
    return (await api.compute.instances.get.query({ id: guest })).status === 'ACTIVE'
  })
  const { id } = await api.volumes.create.mutate({ name: 'data', sizeGib: 1 })
  await isState(id, 'available')
  await attach(id)
  page = await browser.newPage()
  problems = watchProblems(page)
  await signIn(page, person.name, person.password)
})
test.afterAll(async () => {
  // The host has room for a few guests only.
  await api.compute.instances.delete.mutate({ id: guest })
  await page.close()
})

const isState = (id: string, state: string) =>
  until(`the volume is ${state}`, copyMs, async () => {
    return (await api.volumes.get.query({ id })).state === state
  })
async function attach(volumeId: string): Promise<void> {
  await api.compute.instances.attachVolume.mutate({ id: guest, volumeId })
  await isState(volumeId, 'in-use')
}
const idOf = async (name: string) => {
  const { items } = await api.volumes.list.query({ search: name })
  return items.find((one) => one.name === name)?.id ?? ''
}
const type = (text: string) => typeLine(page, text)
const says = (text: RegExp) => saysOn(page, text)
const again = async () => {
  await visit(page, `/instances/${guest}?tab=serial`)
  await expect(serial(page).getByText('Connected', { exact: true })).toBeVisible()
}
const backupsTab = async () => visit(page, `/volumes/${await idOf('data')}?tab=backups`)
const backups = () => page.getByRole('region', { name: 'Backups', exact: true })
async function choose(name: string, item: string): Promise<void> {
  await row(page, name)
    .getByRole('button', { name: `Actions of ${name}` })
    .click()
  await page.getByRole('menuitem', { name: item }).click()
}

test('the disk of a running guest is backed up from the page of the volume', async () => {
  await rootShell(page, api, guest)
  await type('busybox mke2fs -F /dev/vdb && mkdir -p /mnt/d && mount /dev/vdb /mnt/d && echo made-$((3+3))')
  await says(/^made-6/m)
  await type('echo kept-$((40+2))-file > /mnt/d/note && sync && echo wrote-$((1+1))')
  await says(/^wrote-2/m)
  await visit(page, '/volume-backups')
  await expect(page.getByRole('heading', { name: 'No volume backups yet' })).toBeVisible()
  await backupsTab()
  await expect(backups().getByText('None yet.')).toBeVisible()
  await backups().getByRole('button', { name: 'Back up' }).click()
  const panel = page.getByRole('dialog', { name: 'Back up data' })
  await panel.getByLabel('Name').fill('monday')
  await expect(panel.getByText(/backup create[\s\S]*--name monday[\s\S]*--force/)).toBeVisible()
  await expect(panel.getByText('Store only what has changed')).toHaveCount(0)
  await panel.getByRole('button', { name: 'Back up', exact: true }).click()
  await expect(row(page, 'monday').getByText('Available')).toBeVisible({ timeout: copyMs })
  await expect(row(page, 'monday').getByText('Full', { exact: true })).toBeVisible()
})

test('a second backup stores what has changed since', async () => {
  await again()
  await type('echo changed-$((50+5))-file > /mnt/d/note && sync && echo wrote-$((2+2))')
  await says(/^wrote-4/m)
  await backupsTab()
  await backups().getByRole('button', { name: 'Back up' }).click()
  const panel = page.getByRole('dialog', { name: 'Back up data' })
  await panel.getByLabel('Name').fill('tuesday')
  await expect(panel.getByLabel('Store only what has changed')).toBeChecked()
  await panel.getByRole('button', { name: 'Back up', exact: true }).click()
  await expect(row(page, 'tuesday').getByText('Available')).toBeVisible({ timeout: copyMs })
  await expect(row(page, 'tuesday').getByText('Incremental')).toBeVisible()
  const { items } = await api.volumes.backups.list.query({})
  const stored = new Map(items.map(({ name, storedBytes }) => [name, storedBytes ?? 0]))
  expect(stored.get('tuesday')).toBeGreaterThan(0)
  await isState(await idOf('data'), 'in-use')
})

test('the first backup is restored to a new volume, which has the file as it was', async () => {
  await visit(page, '/volume-backups')
  await choose('monday', 'Restore')
  const panel = page.getByRole('dialog', { name: 'Restore monday' })
  await panel.getByRole('textbox', { name: 'Name' }).fill('again')
  await panel.getByRole('button', { name: 'Restore', exact: true }).click()
  await expect(panel).toHaveCount(0)
  const id = await idOf('again')
  await isState(id, 'available')
  await attach(id)
  await again()
  await type('mkdir -p /mnt/a; mount /dev/vdc /mnt/a && cat /mnt/a/note /mnt/d/note; echo both-$((4+5))')
  await says(/^kept-42-file/m)
  await says(/^changed-55-file/m)
  await says(/^both-9/m)
  await type('umount /mnt/a; echo out-$((5+5))')
  await says(/^out-10/m)
  await api.compute.instances.detachVolume.mutate({ id: guest, volumeId: id })
  await isState(id, 'available')
})

test('the incremental backup is restored to a volume that exists, after a question that says what is lost', async () => {
  const id = await idOf('again')
  await visit(page, '/volume-backups')
  await choose('tuesday', 'Restore')
  const panel = page.getByRole('dialog', { name: 'Restore tuesday' })
  await panel.getByText('A volume that exists').click()
  await panel.getByRole('combobox', { name: 'Volume' }).click()
  await expect(
    page.getByRole('option', { name: /^data · 1 GiB: An instance uses this volume/ }),
  ).toBeVisible()
  await page.getByRole('option', { name: 'again · 1 GiB' }).click()
  await expect(panel.getByText(/Everything on “again” is lost/)).toBeVisible()
  await panel.getByRole('button', { name: 'Restore', exact: true }).click()
  await expect(panel).toHaveCount(0)
  await isState(id, 'available')
  await attach(id)
  await again()
  await type('mount /dev/vdc /mnt/a && echo now-$(cat /mnt/a/note); umount /mnt/a; echo out-$((6+6))')
  await says(/^now-changed-55-file/m)
  await says(/^out-12/m)
})

test('a deleted backup is taken back from the list', async () => {
  await visit(page, '/volume-backups')
  await choose('tuesday', 'Delete')
  const question = page.getByRole('dialog', { name: 'Delete “tuesday”?' })
  await expect(question.getByText(/can be taken back until then/)).toBeVisible()
  await question.getByRole('button', { name: 'Delete', exact: true }).click()
  const trash = page.getByRole('region', { name: 'Deleted, can be taken back' })
  await trash.getByRole('button', { name: 'Actions of tuesday' }).click()
  await page.getByRole('menuitem', { name: 'Take back' }).click()
  await expect(trash).toHaveCount(0)
  await expect(row(page, 'tuesday').getByText('Available')).toBeVisible()
})

test('the volume is backed up automatically from then on', async () => {
  await backupsTab()
  await page.getByRole('button', { name: 'Back up automatically' }).click()
  const panel = page.getByRole('dialog', { name: 'Back up automatically' })
  await panel.getByText('Every few hours').click()
  await panel.getByLabel('Hours between two backups').fill('2')
  await panel.getByLabel('Backups to keep').fill('3')
  await panel.getByRole('button', { name: 'Save', exact: true }).click()
  const automatic = page.getByRole('region', { name: 'Automatic backups' })
  await expect(automatic.getByText('Every 2 hours')).toBeVisible()
  await expect(automatic.getByText('It was made')).toBeVisible({ timeout: copyMs })
  await automatic.getByRole('button', { name: 'End', exact: true }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'End', exact: true }).click()
  await expect(automatic.getByText(/^None\./)).toBeVisible()
})

test('the pages are accessible, by day and by night, and wrote no problem to the console', async () => {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    await backupsTab()
    await expect(row(page, 'monday')).toBeVisible()
    expect(await problemsOf(page)).toEqual([])
    await row(page, 'monday').getByRole('link', { name: 'monday', exact: true }).click()
    await expect(page.getByRole('heading', { name: 'monday', level: 1 })).toBeVisible()
    expect(await problemsOf(page)).toEqual([])
  }
  expect(problems).toEqual([])
})
