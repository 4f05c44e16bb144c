import { expect, type Page, test } from '@playwright/test'
import { problemsOf } from './support/accessibility.ts'
import { type Api, findCloud, until } from './support/cloud.ts'
import { apiOf, newPerson, type Person } from './support/people.ts'
import { row, signIn, visit, watchProblems } from './support/portal.ts'
import { rootScript, rootShell, says, typeLine } from './support/root-shell.ts'

/** The root disk of a guest is a volume that outlives the guest, and another guest starts from it. */
test.describe.configure({ mode: 'serial' })

const bootMs = 600_000
const cloud = findCloud()
let person: Person
let api: Api
let page: Page
let problems: string[]

test.beforeAll(async ({ browser }) => {
  person = await newPerson(cloud)
  api = await apiOf(cloud, person)
  await api.networking.networks.starter.mutate({})
  page = await browser.newPage()
  problems = watchProblems(page)
  await signIn(page, person.name, person.password)
})
test.afterAll(async () => {
  for (const { id } of (await api.compute.instances.list.query({})).items)
    await api.compute.instances.delete.mutate({ id })
  await page.close()
})

const form = () => page.getByRole('form', { name: 'Launch instance' })
const summary = () => page.getByRole('complementary', { name: 'Summary' })
/** Waits until the only instance runs; returns its id. */
async function running(): Promise<string> {
  const { items } = await api.compute.instances.list.query({})
  const id = items[0]?.id ?? ''
  await until('the instance runs', bootMs, async () => {
    return (await api.compute.instances.get.query({ id })).status === 'ACTIVE'
  })
  return id
}

test('the form puts the image on a new volume and adds a disk, and says what that takes', async () => {
  await visit(page, '/instances/new')
  await form().getByLabel('Name', { exact: true }).fill('keeper')
  await form().getByText('Tiny test image').first().click()
  await form().getByRole('radio', { name: 'm1.nano' }).check()
  await form().getByLabel('Create a volume for the root disk').check()
  await expect(form().getByLabel('Root disk size')).toHaveValue('1')
  await form().getByRole('button', { name: 'Add a disk' }).click()
  await form().getByLabel('Disk 1, empty').fill('60000')
  await expect(
    summary()
      .getByText(/GiB of volumes/)
      .first(),
  ).toBeVisible()
  await form().getByLabel('Disk 1, empty').fill('2')
  await expect(summary().getByText('root disk: a new volume of 1 GiB; more disks: 2 GiB')).toBeVisible()
  await expect(summary().getByText('Volume storage')).toBeVisible()
  await summary().getByText('Same as CLI').click()
  await expect(summary().getByText('--boot-from-volume 1')).toBeVisible()
  expect(await problemsOf(page)).toEqual([])
  await form().getByRole('button', { name: 'More options' }).click()
  await form().getByLabel('User data').fill(rootScript)
  await summary().getByRole('button', { name: 'Launch' }).click()
  await expect(page.getByRole('heading', { name: 'keeper', level: 1 })).toBeVisible()
})

test('the guest starts from its volume and writes a file', async () => {
  test.setTimeout(2 * bootMs)
  const id = await running()
  await visit(page, `/instances/${id}?tab=volumes`)
  await expect(row(page, 'keeper-root').getByText('Root disk')).toBeVisible()
  await expect(row(page, 'keeper-root').getByText('/dev/vda')).toBeVisible()
  await expect(row(page, 'keeper-disk-1').getByText('/dev/vdb')).toBeVisible()
  const goes = page.getByRole('switch', { name: 'Delete keeper-disk-1 with the instance' })
  await expect(goes).not.toBeChecked()
  await expect(row(page, 'keeper-disk-1').getByText('Stays')).toBeVisible()
  await goes.click()
  await expect(row(page, 'keeper-disk-1').getByText('Deleted, too')).toBeVisible()
  await expect(goes).toBeChecked()
  expect(await problemsOf(page)).toEqual([])
  await rootShell(page, api, id)
  await typeLine(page, 'echo kept-$((40+2))-file > /root/note && sync && echo wrote-$((1+1))')
  await says(page, /^wrote-2/m)
  await typeLine(page, 'echo disks-$(ls /sys/block | grep -c ^vd)-end')
  await says(page, /^disks-2-end/m)
})

test('the volume stays when the instance is deleted, and its page launches another one', async () => {
  test.setTimeout(2 * bootMs)
  await api.compute.instances.delete.mutate({ id: await running() })
  await visit(page, '/volumes')
  await expect(row(page, 'keeper-root').getByText('Available')).toBeVisible({ timeout: 120_000 })
  // The switch has said so, and the deletion can be taken back.
  await expect(row(page, 'keeper-disk-1')).toHaveCount(0)
  await row(page, 'keeper-root').getByRole('button', { name: 'Actions of keeper-root' }).click()
  await page.getByRole('menuitem', { name: 'Launch instance' }).click()
  await expect(form().getByRole('radio', { name: 'keeper-root' })).toBeChecked()
  await form().getByLabel('Name', { exact: true }).fill('again')
  await form().getByRole('radio', { name: 'm1.nano' }).check()
  await expect(summary().getByText('Volume “keeper-root”')).toBeVisible()
  expect(await problemsOf(page)).toEqual([])
  await summary().getByRole('button', { name: 'Launch' }).click()
  await expect(page.getByRole('heading', { name: 'again', level: 1 })).toBeVisible()
})

test('another guest finds the file', async () => {
  test.setTimeout(2 * bootMs)
  await findsTheFile(await running())
})

async function findsTheFile(id: string): Promise<void> {
  await rootShell(page, api, id, 'login:')
  await typeLine(page, 'cat /root/note')
  await says(page, /^kept-42-file/m)
}
const rootId = async () => (await api.volumes.list.query({ search: 'keeper-root' })).items[0]?.id ?? ''
const launchAs = async (name: string) => {
  await form().getByLabel('Name', { exact: true }).fill(name)
  await form().getByRole('radio', { name: 'm1.nano' }).check()
  await summary().getByRole('button', { name: 'Launch' }).click()
  await expect(page.getByRole('heading', { name, level: 1 })).toBeVisible()
}

test('an image of the volume is made while the guest runs, and a guest of the image has the file', async () => {
  test.setTimeout(3 * bootMs)
  await visit(page, '/volumes')
  await row(page, 'keeper-root').getByRole('button', { name: 'Actions of keeper-root' }).click()
  await page.getByRole('menuitem', { name: 'Make an image' }).click()
  const panel = page.getByRole('dialog', { name: 'Make an image of keeper-root' })
  await panel.getByLabel('Name').fill('keeper image')
  await expect(panel.getByText('Image storage')).toBeVisible()
  await expect(panel.getByText(/image create [\s\S]*--force/)).toBeVisible()
  expect(await problemsOf(page)).toEqual([])
  await panel.getByRole('button', { name: 'Make an image', exact: true }).click()
  const imageOf = async () => (await api.images.list.query({ search: 'keeper image' })).items[0]
  await until('the image is active', 300_000, async () => (await imageOf())?.state === 'active')
  await expect(row(page, 'keeper-root').getByText('In use')).toBeVisible({ timeout: 120_000 })
  const image = await imageOf()
  expect(image).toMatchObject({ diskFormat: 'qcow2', visibility: 'private' })
  await api.compute.instances.delete.mutate({ id: await running() })
  await until('the instance is gone', 120_000, async () => {
    return (await api.compute.instances.list.query({})).items.length === 0
  })
  await visit(page, `/instances/new?image=${image?.id}`)
  await launchAs('of-image')
  await findsTheFile(await running())
  await api.compute.instances.delete.mutate({ id: await running() })
  await until('the instance is gone', 120_000, async () => {
    return (await api.compute.instances.list.query({})).items.length === 0
  })
})

test('a guest starts from a snapshot of the volume, on a volume of its own', async () => {
  test.setTimeout(3 * bootMs)
  await until('the volume is free', 120_000, async () => {
    return (await api.volumes.get.query({ id: await rootId() })).state === 'available'
  })
  const { id } = await api.volumes.snapshots.create.mutate({ volumeId: await rootId(), name: 'kept' })
  await until('the snapshot is there', 120_000, async () => {
    return (await api.volumes.snapshots.get.query({ id })).state === 'available'
  })
  await visit(page, `/volume-snapshots/${id}`)
  await page.getByRole('button', { name: 'Launch instance', exact: true }).click()
  await expect(form().getByRole('radio', { name: 'kept' })).toBeChecked()
  await expect(summary().getByText('Snapshot “kept”')).toBeVisible()
  await expect(summary().getByText('root disk: a new volume as large as the snapshot')).toBeVisible()
  expect(await problemsOf(page)).toEqual([])
  await launchAs('of-snapshot')
  const instance = await running()
  await findsTheFile(instance)
  await visit(page, `/instances/${instance}?tab=volumes`)
  await expect(row(page, 'of-snapshot-root').getByText('Root disk')).toBeVisible()
  expect(problems).toEqual([])
})
