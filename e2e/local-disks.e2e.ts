import fs from 'node:fs'
import path from 'node:path'
import { expect, type Page, test } from '@playwright/test'
import { problemsOf } from './support/accessibility.ts'
import { type Api, findCloud, signedIn, until } from './support/cloud.ts'
import { apiOf, newPerson, type Person } from './support/people.ts'
import { newBrowser, row, signIn, visit, watchProblems } from './support/portal.ts'
import { rootScript, rootShell, says, typeLine } from './support/root-shell.ts'

/** A flavor gives its instances an ephemeral and a swap disk, which a guest finds and uses. */
test.describe.configure({ mode: 'serial' })

const bootMs = 600_000
const cloud = findCloud()
let person: Person
let api: Api
let page: Page
let problems: string[]
let flavor: string

test.beforeAll(async ({ browser }) => {
  person = await newPerson(cloud)
  api = await apiOf(cloud, person)
  flavor = `scratch-${person.name}`.slice(0, 40)
  await api.networking.networks.starter.mutate({})
  page = await browser.newPage()
  problems = watchProblems(page)
  await signIn(page, person.name, person.password)
})
test.afterAll(async () => {
  for (const { id } of (await api.compute.instances.list.query({})).items)
    await api.compute.instances.delete.mutate({ id })
  // Other specs choose among the flavors of the cloud.
  const { api: admin } = await signedIn(cloud, 'admin')
  const { items } = await admin.compute.flavors.list.query({ search: flavor })
  for (const { id } of items) await admin.compute.flavors.delete.mutate({ id })
  await page.close()
})

test('an administrator makes a flavor with both disks', async ({ browser }) => {
  const admin = await newBrowser(browser, 'admin', cloud.password('admin'))
  await visit(admin, '/admin/flavors?create=1')
  const panel = admin.getByRole('dialog', { name: 'Create flavor' })
  await panel.getByLabel('Name').fill(flavor)
  await panel.getByLabel('Memory').fill('128')
  await panel.getByLabel('Disk', { exact: true }).fill('1')
  await panel.getByLabel('Ephemeral disk').fill('1')
  await panel.getByLabel('Swap disk').fill('64')
  for (const option of ['--ephemeral 1', '--swap 64']) await expect(panel.getByText(option)).toBeVisible()
  expect(await problemsOf(admin)).toEqual([])
  await panel.getByRole('button', { name: 'Create', exact: true }).click()
  await row(admin, flavor).getByRole('link', { name: flavor }).click()
  await expect(admin.getByText('64 MiB', { exact: true })).toBeVisible()
  await admin.context().close()
})

test('the launch form says what the instance gets', async () => {
  await visit(page, '/instances/new')
  const form = page.getByRole('form', { name: 'Launch instance' })
  await form.getByLabel('Name', { exact: true }).fill('scratcher')
  await form.getByText('Tiny test image').first().click()
  await form.getByRole('radio', { name: flavor }).check()
  const summary = page.getByRole('complementary', { name: 'Summary' })
  await expect(summary.getByText('1 GiB ephemeral, 64 MiB swap: deleted with the instance')).toBeVisible()
  await form.getByRole('button', { name: 'More options' }).click()
  await form.getByLabel('User data').fill(rootScript)
  await summary.getByRole('button', { name: 'Launch' }).click()
  await expect(page.getByRole('heading', { name: 'scratcher', level: 1 })).toBeVisible()
})

test('the guest finds both disks, with a file system, a swap area, and their names in its metadata', async () => {
  test.setTimeout(2 * bootMs)
  const id = (await api.compute.instances.list.query({})).items[0]?.id ?? ''
  await until('the instance runs', bootMs, async () => {
    return (await api.compute.instances.get.query({ id })).status === 'ACTIVE'
  })
  await visit(page, `/instances/${id}?tab=volumes`)
  const disk = (name: RegExp) => page.getByRole('row', { name })
  await expect(disk(/Ephemeral disk/).getByText('/dev/vdb')).toBeVisible()
  await expect(disk(/Swap disk/).getByText('/dev/vdc')).toBeVisible()
  await expect(page.getByText(/sudo swapon \/dev\/disk\/by-id\/virtio-/)).toBeVisible()
  expect(await problemsOf(page)).toEqual([])
  await rootShell(page, api, id)
  await typeLine(page, 'echo sectors-$(cat /sys/block/vdb/size)-$(cat /sys/block/vdc/size)-end')
  await says(page, /^sectors-2097152-131072-end/m)
  await typeLine(page, 'echo label-$(dd if=/dev/vdb bs=1 skip=1144 count=10 2>/dev/null)-end')
  await says(page, /^label-ephemeral0-end/m)
  await typeLine(
    page,
    'mkdir -p /mnt/e && mount /dev/vdb /mnt/e && echo kept-$((40+2)) > /mnt/e/note && sync && echo wrote-$((1+1))',
  )
  await says(page, /^wrote-2/m)
  await typeLine(page, 'swapon /dev/vdc; echo swap-$(grep -c vdc /proc/swaps)-end')
  await says(page, /^swap-1-end/m)
  const mapping = 'http://169.254.169.254/latest/meta-data/block-device-mapping'
  await typeLine(page, `echo told-$(wget -qO- ${mapping}/ephemeral0)-$(wget -qO- ${mapping}/swap)-end`)
  await says(page, /^told-\/dev\/vdb-\/dev\/vdc-end/m)
})

test('the disk has its file after a new start, and goes with the instance', async () => {
  test.setTimeout(2 * bootMs)
  const id = (await api.compute.instances.list.query({})).items[0]?.id ?? ''
  await typeLine(page, 'umount /mnt/e && echo out-$((2+2))')
  await says(page, /^out-4/m)
  await api.compute.instances.reboot.mutate({ id, kind: 'hard' })
  await until('the instance runs again', bootMs, async () => {
    const { vmState, taskState } = await api.compute.instances.get.query({ id })
    return vmState === 'active' && taskState === null
  })
  await visit(page, '/instances')
  await rootShell(page, api, id)
  await typeLine(page, 'mkdir -p /mnt/e; mount /dev/vdb /mnt/e && cat /mnt/e/note')
  await says(page, /^kept-42/m)
  const folder = path.join(path.dirname(cloud.agentSocket), 'instances', id)
  const disksOn = () => fs.globSync('disk-*.qcow2', { cwd: folder }).length
  expect(disksOn()).toBe(3)
  await api.compute.instances.delete.mutate({ id })
  await until('the disks are gone', bootMs, async () => disksOn() === 0)
})

test('the page’s console has no problem from the tests above', () => {
  expect(problems).toEqual([])
})
