import { expect, type Page, test } from '@playwright/test'
import { problemsOf } from './support/accessibility.ts'
import { type Api, findCloud, until } from './support/cloud.ts'
import { apiOf, newPerson, type Person } from './support/people.ts'
import { row, signIn, visit, watchProblems } from './support/portal.ts'
import {
  rootScript,
  rootShell as rootShellOf,
  says as saysOn,
  serial,
  typeLine,
} from './support/root-shell.ts'

/** A volume goes from one guest to another with its data; everything is clicked and typed. */
test.describe.configure({ mode: 'serial' })

const bootMs = 600_000
const cloud = findCloud()
let person: Person
let api: Api
let page: Page
let problems: string[]
let guests: string[] = []

test.beforeAll(async ({ browser }) => {
  test.setTimeout(bootMs)
  person = await newPerson(cloud)
  api = await apiOf(cloud, person)
  guests = [await launchWithRoot('writer'), await launchWithRoot('reader')]
  page = await browser.newPage()
  problems = watchProblems(page)
  await signIn(page, person.name, person.password)
})
test.afterAll(async () => {
  // The host has room for a few guests only.
  for (const id of guests) await api.compute.instances.delete.mutate({ id })
  await page.close()
})

async function launchWithRoot(name: string): Promise<string> {
  const [image] = (await api.images.list.query({ search: 'Tiny test image' })).items
  const { id: networkId } = await api.networking.networks.starter.mutate({})
  const { instances } = await api.compute.instances.launch.mutate({
    ...{ name, imageId: image?.id ?? '', flavorId: '1', networkIds: [networkId] },
    userData: Buffer.from(rootScript).toString('base64'),
  })
  const id = instances[0]?.id ?? ''
  await until(`${name} is ACTIVE`, bootMs, async () => {
    return (await api.compute.instances.get.query({ id })).status === 'ACTIVE'
  })
  return id
}

const type = (text: string) => typeLine(page, text)
const says = (text: RegExp, timeout?: number) => saysOn(page, text, timeout)
const rootShell = (id: string) => rootShellOf(page, api, id)

const volumePage = async () => {
  await visit(page, '/volumes')
  await row(page, 'data').getByRole('link', { name: 'data', exact: true }).click()
  await expect(page.getByRole('heading', { name: 'data', level: 1 })).toBeVisible()
}
const isNow = (state: string) =>
  expect(page.getByRole('main').getByText(state, { exact: true }).first()).toBeVisible({ timeout: 120_000 })

test('the empty list leads to the form, which says what fits before it is sent', async () => {
  await visit(page, '/volumes')
  await expect(page.getByRole('heading', { name: 'No volumes yet' })).toBeVisible()
  await page.getByRole('button', { name: 'Create volume' }).last().click()
  const panel = page.getByRole('dialog', { name: 'Create volume' })
  await panel.getByLabel('Name').fill('data')
  await panel.getByLabel('Size').fill('60000')
  await expect(panel.getByText(/The project’s quota has \d+ GiB left/)).toBeVisible()
  const create = panel.getByRole('button', { name: 'Create', exact: true })
  await expect(create).toHaveAttribute('aria-disabled', 'true')
  await panel.getByLabel('Size').fill('1')
  await expect(panel.getByText(/The project’s quota has/)).toHaveCount(0)
  await expect(panel.getByText('openstack volume create --size 1 data')).toBeVisible()
  await create.click()
  await expect(row(page, 'data')).toBeVisible()
  await expect(row(page, 'data').getByText('Available')).toBeVisible()
})

test('a running guest gets the volume, formats it and writes a file', async () => {
  await volumePage()
  await page.getByRole('button', { name: 'Attach', exact: true }).click()
  const panel = page.getByRole('dialog', { name: 'Attach data' })
  await panel.getByRole('combobox', { name: 'Instance' }).fill('writer')
  await page.getByRole('option', { name: 'writer' }).click()
  await panel.getByRole('button', { name: 'Attach', exact: true }).click()
  await isNow('In use')
  await expect(page.getByRole('link', { name: 'writer' })).toBeVisible()
  await expect(page.getByText(/sudo mkfs\.ext4 \/dev\/disk\/by-id\/virtio-/)).toBeVisible()
  await rootShell(guests[0] ?? '')
  // The guest tells the serial number that the commands of the page rely on.
  const [volume] = (await api.volumes.list.query({ search: 'data' })).items
  await type('echo serial-$(cat /sys/block/vdb/serial)-end')
  await says(new RegExp(`serial-${volume?.id.slice(0, 20)}-end`))
  await type(`sudo mkfs.ext4 -q /dev/disk/by-id/virtio-${volume?.id.slice(0, 20)} && echo made-$((3+3))`)
  await says(/^made-6/m)
  await type('mkdir -p /mnt/d')
  await type('mount /dev/vdb /mnt/d && echo kept-$((40+2))-file > /mnt/d/note && sync && echo wrote-$((1+1))')
  await says(/^wrote-2/m)
  await type('umount /mnt/d && echo out-$((2+2))')
  await says(/^out-4/m)
})

test('the tab of the instance shows the volume and detaches it', async () => {
  await visit(page, `/instances/${guests[0]}?tab=volumes`)
  const shown = row(page, 'data')
  await expect(shown.getByText('/dev/vdb')).toBeVisible()
  await shown.getByRole('button', { name: 'Actions of data' }).click()
  await page.getByRole('menuitem', { name: 'Detach' }).click()
  const question = page.getByRole('dialog', { name: 'Detach “data” from “writer”?' })
  await question.getByRole('button', { name: 'Detach', exact: true }).click()
  await expect(page.getByRole('heading', { name: 'No volumes' })).toBeVisible({ timeout: 120_000 })
  await expect(page.getByText('“writer” has let go of the volume')).toBeVisible()
})

test('a detached volume is extended, and the form refuses a smaller size', async () => {
  await volumePage()
  await isNow('Available')
  await page.getByRole('button', { name: 'Extend', exact: true }).click()
  const panel = page.getByRole('dialog', { name: 'Extend data' })
  await panel.getByLabel('Size').fill('1')
  await panel.getByRole('button', { name: 'Extend', exact: true }).click()
  await expect(panel.getByText('GiB: a whole number from 2 to 65,536.')).toBeVisible()
  await panel.getByLabel('Size').fill('2')
  await panel.getByRole('button', { name: 'Extend', exact: true }).click()
  await expect(page.getByRole('main').getByText('2 GiB').first()).toBeVisible({ timeout: 120_000 })
  await isNow('Available')
})

test('another guest reads the file, on the larger disk', async () => {
  await visit(page, `/instances/${guests[1]}?tab=volumes`)
  await page.getByRole('button', { name: 'Attach volume' }).click()
  const panel = page.getByRole('dialog', { name: 'Attach a volume to reader' })
  await panel.getByText('A volume that is free').click()
  await panel.getByRole('combobox', { name: 'Volume' }).click()
  await page.getByRole('option', { name: 'data · 2 GiB' }).click()
  await panel.getByRole('button', { name: 'Attach', exact: true }).click()
  await expect(row(page, 'data').getByText('In use')).toBeVisible({ timeout: 120_000 })
  await rootShell(guests[1] ?? '')
  await type('mkdir -p /mnt/d; mount /dev/vdb /mnt/d && cat /mnt/d/note')
  await says(/^kept-42-file/m)
  await type('echo sectors-$(cat /sys/block/vdb/size)-end; umount /mnt/d && echo out-$((2+2))')
  await says(/^sectors-4194304-end/m)
  await says(/^out-4/m)
})

const snapshots = () => page.getByRole('region', { name: 'Snapshots' })
async function chooseOf(name: string, item: string): Promise<void> {
  await row(page, name)
    .getByRole('button', { name: `Actions of ${name}` })
    .click()
  await page.getByRole('menuitem', { name: item }).click()
}
const idOf = async (name: string) => {
  const { items } = await api.volumes.list.query({ search: name })
  return items.find((one) => one.name === name)?.id ?? ''
}
const isAvailable = (name: string) =>
  until(`${name} is available`, 120_000, async () => {
    return (await api.volumes.get.query({ id: await idOf(name) })).state === 'available'
  })

test('a snapshot of the mounted disk is taken while the guest runs, and is consistent', async () => {
  await type('mount /dev/vdb /mnt/d && echo mounted-$((3+4))')
  await says(/^mounted-7/m)
  await volumePage()
  await snapshots().getByRole('button', { name: 'Take snapshot' }).click()
  const panel = page.getByRole('dialog', { name: 'Take a snapshot of data' })
  await panel.getByLabel('Name').fill('before')
  await expect(panel.getByText(/snapshot create [\s\S]*--force before/)).toBeVisible()
  await panel.getByRole('button', { name: 'Take snapshot', exact: true }).click()
  const taken = snapshots().getByRole('row', { name: /before/ })
  await expect(taken.getByText('Available')).toBeVisible({ timeout: 120_000 })
  await expect(taken.getByText('Consistent')).toBeVisible()
  await visit(page, `/instances/${guests[1]}?tab=serial`)
  await expect(serial(page).getByText('Connected', { exact: true })).toBeVisible()
  await type(
    'echo changed-$((50+5))-file > /mnt/d/note && cat /mnt/d/note && umount /mnt/d && echo out-$((4+4))',
  )
  await says(/^changed-55-file/m)
  await says(/^out-8/m)
})

test('the volume goes back to the snapshot, and a volume of the snapshot has the old file, too', async () => {
  await volumePage()
  await page.getByRole('button', { name: 'Detach', exact: true }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Detach', exact: true }).click()
  await isNow('Available')
  await chooseOf('before', 'Go back to it')
  const question = page.getByRole('dialog', { name: 'Go back to “before”?' })
  await expect(question.getByText(/Everything that was written to “data” since .* is lost/)).toBeVisible()
  await question.getByRole('button', { name: 'Go back', exact: true }).click()
  await expect(page.getByText('“data” goes back to “before”')).toBeVisible()
  await isAvailable('data')
  await visit(page, '/volume-snapshots')
  await chooseOf('before', 'Create volume')
  const panel = page.getByRole('dialog', { name: 'Create volume from before' })
  await panel.getByLabel('Name').fill('older')
  await expect(panel.getByText(/--size 2 [\s\S]*--snapshot [\da-f-]{36}[\s\S]*older/)).toBeVisible()
  await panel.getByRole('button', { name: 'Create', exact: true }).click()
  await expect(panel).toHaveCount(0)
  await isAvailable('older')
  const id = guests[1] ?? ''
  for (const name of ['data', 'older']) {
    await api.compute.instances.attachVolume.mutate({ id, volumeId: await idOf(name) })
    await until(`${name} is in use`, 120_000, async () => {
      return (await api.volumes.get.query({ id: await idOf(name) })).state === 'in-use'
    })
  }
  await visit(page, `/instances/${id}?tab=serial`)
  await expect(serial(page).getByText('Connected', { exact: true })).toBeVisible()
  await type('mkdir -p /mnt/o; mount /dev/vdb /mnt/d && mount /dev/vdc /mnt/o && echo both-$((4+5))')
  await says(/^both-9/m)
  await type('echo; cat /mnt/d/note /mnt/o/note | sort | uniq -c; umount /mnt/d /mnt/o; echo out-$((5+5))')
  await says(/^\s*2 kept-42-file/m)
  await says(/^out-10/m)
})

test('the snapshot is deleted, and the volume that was made of it stays', async () => {
  const older = await idOf('older')
  await api.compute.instances.detachVolume.mutate({ id: guests[1] ?? '', volumeId: older })
  await isAvailable('older')
  await visit(page, '/volume-snapshots')
  await chooseOf('before', 'Delete')
  const question = page.getByRole('dialog', { name: 'Delete “before”?' })
  await expect(question.getByText(/volumes that were made of it, keep their data/)).toBeVisible()
  await question.getByRole('button', { name: 'Delete', exact: true }).click()
  await expect(page.getByRole('heading', { name: 'No volume snapshots yet' })).toBeVisible({
    timeout: 120_000,
  })
  await expect(page.getByRole('link', { name: 'Open volumes' })).toBeVisible()
  await visit(page, `/volumes/${older}`)
  await expect(page.getByText('A snapshot that is deleted')).toBeVisible()
  await api.volumes.delete.mutate({ id: older })
})

test('a new volume is made and attached in one form', async () => {
  await visit(page, `/instances/${guests[1]}?tab=volumes`)
  await page.getByRole('button', { name: 'Attach volume' }).click()
  const panel = page.getByRole('dialog', { name: 'Attach a volume to reader' })
  await panel.getByRole('button', { name: 'Attach', exact: true }).click()
  await expect(row(page, 'reader-data').getByText('/dev/vdc')).toBeVisible({ timeout: 120_000 })
  await expect(row(page, 'reader-data').getByText('In use')).toBeVisible({ timeout: 120_000 })
})

test('a volume is extended while the guest uses it', async () => {
  await visit(page, '/volumes')
  await row(page, 'reader-data').getByRole('button', { name: 'Actions of reader-data' }).click()
  await page.getByRole('menuitem', { name: 'Extend' }).click()
  const panel = page.getByRole('dialog', { name: 'Extend reader-data' })
  await panel.getByLabel('Size').fill('3')
  await panel.getByRole('button', { name: 'Extend', exact: true }).click()
  await expect(row(page, 'reader-data').getByText('3 GiB')).toBeVisible({ timeout: 120_000 })
  await expect(row(page, 'reader-data').getByText('In use')).toBeVisible()
  await visit(page, `/instances/${guests[1]}?tab=serial`)
  await expect(serial(page).getByText('Connected', { exact: true })).toBeVisible()
  await type('echo now-$(cat /sys/block/vdc/size)-end')
  await says(/now-6291456-end/m)
})

test('a volume that is protected from deletion cannot be deleted before somebody takes that back', async () => {
  await visit(page, '/volumes')
  const openMenu = () => row(page, 'data').getByRole('button', { name: 'Actions of data' }).click()
  const protect = async (isOn: boolean) => {
    await openMenu()
    await page.getByRole('menuitem', { name: 'Edit', exact: true }).click()
    const panel = page.getByRole('dialog', { name: 'Edit data' })
    await panel.getByRole('switch', { name: 'Protected from deletion' }).setChecked(isOn)
    await panel.getByRole('button', { name: 'Save' }).click()
    await expect(panel).toBeHidden()
  }
  const why = /protected from deletion/
  await protect(true)
  await openMenu()
  await expect(page.getByRole('menuitem', { name: /^Delete/ })).toContainText(why)
  await page.keyboard.press('Escape')
  await protect(false)
  await openMenu()
  await expect(page.getByRole('menuitem', { name: /^Delete/ })).not.toContainText(why)
  await page.keyboard.press('Escape')
})

test('the volume is deleted after a question that names what is lost', async () => {
  await volumePage()
  await page.getByRole('button', { name: 'Detach', exact: true }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Detach', exact: true }).click()
  await isNow('Available')
  await page.getByRole('button', { name: 'More actions' }).click()
  await page.getByRole('menuitem', { name: 'Delete' }).click()
  const question = page.getByRole('dialog', { name: 'Delete “data”?' })
  await expect(question.getByText('All data on its 2 GiB is deleted in 10 minutes.')).toBeVisible()
  await question.getByRole('button', { name: 'Delete', exact: true }).click()
  await expect(page.getByRole('heading', { name: 'Volumes', level: 1 })).toBeVisible()
  await expect(row(page, 'data')).toHaveCount(0, { timeout: 120_000 })
  await expect(row(page, 'reader-data')).toBeVisible()
})

test('the pages are accessible, by day and by night, and wrote no problem to the console', async () => {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    await visit(page, '/volumes')
    await expect(row(page, 'reader-data')).toBeVisible()
    expect(await problemsOf(page)).toEqual([])
    await row(page, 'reader-data').getByRole('link', { name: 'reader-data', exact: true }).click()
    await expect(page.getByText('How to use this disk')).toBeVisible()
    expect(await problemsOf(page)).toEqual([])
  }
  expect(problems).toEqual([])
})
