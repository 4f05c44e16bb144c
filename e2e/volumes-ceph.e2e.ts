import { expect, type Page, test } from '@playwright/test'
import { startCeph, type TestCeph } from '@stratolith/drivers/volumes/ceph.testing'
import { problemsOf } from './support/accessibility.ts'
import { type Api, findCloud, signedIn, until } from './support/cloud.ts'
import { apiOf, newPerson, type Person } from './support/people.ts'
import { row, signIn, visit, watchProblems } from './support/portal.ts'
import { rootScript, rootShell, says as saysOn, typeLine } from './support/root-shell.ts'

/** An administrator makes a pool in a real Ceph cluster, and a running guest uses a volume there. */
test.describe.configure({ mode: 'serial' })

const bootMs = 600_000
const cloud = findCloud()
const name = `ceph-${crypto.randomUUID().slice(0, 6)}`
let ceph: TestCeph
let admin: Api
let person: Person
let api: Api
/** The pages of the administrator and of the member. */
let board: Page
let page: Page
let problems: string[]
let guest = ''
let volumeId = ''

test.beforeAll(async ({ browser }) => {
  test.setTimeout(bootMs)
  ceph = await startCeph()
  admin = (await signedIn(cloud, 'admin')).api
  person = await newPerson(cloud)
  api = await apiOf(cloud, person)
  board = await browser.newPage()
  page = await browser.newPage()
  problems = watchProblems(board)
  await signIn(board, 'admin', cloud.password('admin'))
  await signIn(page, person.name, person.password)
})
test.afterAll(async () => {
  for (const one of [board, page]) await one.close()
  ceph?.stop()
})

const type = (text: string) => typeLine(page, text)
const says = (text: RegExp, timeout?: number) => saysOn(page, text, timeout)
const isState = (state: string) =>
  until(`the volume is ${state}`, 120_000, async () => {
    const volume = await api.volumes.get.query({ id: volumeId })
    return volume.state === state
  })
const imagesInCeph = () => ceph.rbd('ls', 'volumes').trim()

test('an administrator makes a pool in Ceph, and the machine says that it reaches the pool', async () => {
  await visit(board, '/admin/volume-pools')
  await board.getByRole('button', { name: 'Create volume pool' }).click()
  const panel = board.getByRole('dialog', { name: 'Create volume pool' })
  await panel.getByLabel('Name').fill(name)
  await panel.getByText('In Ceph').click()
  await panel.getByLabel('Monitors').fill(ceph.pool.monitors.join(', '))
  await panel.getByLabel('Pool in Ceph').fill('nowhere')
  await panel.getByRole('textbox', { name: 'User' }).fill(ceph.pool.user)
  await panel.getByRole('textbox', { name: 'Key' }).fill(ceph.pool.key)
  await panel.getByRole('button', { name: 'Create', exact: true }).click()
  await expect(panel.getByText(/The Ceph cluster has no pool nowhere/)).toBeVisible()
  await panel.getByLabel('Pool in Ceph').fill('volumes')
  await panel.getByRole('button', { name: 'Create', exact: true }).click()
  await expect(board.getByRole('heading', { name: `shared@${name}`, level: 1 })).toBeVisible()
  const machines = board.getByRole('region', { name: 'Machines' })
  await expect(machines.getByText('Yes', { exact: true })).toBeVisible()
  await expect(machines.getByText('100 GiB of 100 GiB')).toBeVisible()
  await expect(board.getByText(ceph.pool.monitors.join(', ')).first()).toBeVisible()
  await expect(board.getByText(ceph.pool.key)).toHaveCount(0)
  expect(await problemsOf(board)).toEqual([])
  await admin.volumes.types.create.mutate({ name, extraSpecs: { volume_backend_name: name } })
})

test('a running guest gets a volume there, and writes to it', async () => {
  const { id } = await api.volumes.create.mutate({ name: 'data', sizeGib: 1, type: name })
  volumeId = id
  await isState('available')
  expect(imagesInCeph()).toBe(`volume-${id}`)
  const [image] = (await api.images.list.query({ search: 'Tiny test image' })).items
  const { id: networkId } = await api.networking.networks.starter.mutate({})
  const { instances } = await api.compute.instances.launch.mutate({
    ...{ name: 'writer', imageId: image?.id ?? '', flavorId: '1', networkIds: [networkId] },
    userData: Buffer.from(rootScript).toString('base64'),
  })
  guest = instances[0]?.id ?? ''
  await until('the guest is ACTIVE', bootMs, async () => {
    return (await api.compute.instances.get.query({ id: guest })).status === 'ACTIVE'
  })
  await rootShell(page, api, guest)
  await api.compute.instances.attachVolume.mutate({ id: guest, volumeId })
  await isState('in-use')
  await type('echo serial-$(cat /sys/block/vdb/serial)-end')
  await says(new RegExp(`serial-${volumeId.slice(0, 20)}-end`))
  await type('busybox mke2fs -F /dev/vdb && mkdir -p /mnt/d && mount /dev/vdb /mnt/d && echo made-$((3+3))')
  await says(/^made-6/m)
  await type('echo kept-$((40+2))-file > /mnt/d/note && sync && echo wrote-$((1+1))')
  await says(/^wrote-2/m)
})

test('it is kept in a snapshot while the guest writes, grows in use, and goes back to the snapshot', async () => {
  const { id } = await api.volumes.snapshots.create.mutate({ volumeId, name: 'before' })
  await until('the snapshot is there', 120_000, async () => {
    return (await api.volumes.snapshots.get.query({ id })).state === 'available'
  })
  expect(await api.volumes.snapshots.get.query({ id })).toMatchObject({ quiesced: true })
  await type('echo changed-$((50+5))-file > /mnt/d/note && sync && cat /mnt/d/note')
  await says(/^changed-55-file/m)
  await api.volumes.extend.mutate({ id: volumeId, sizeGib: 2 })
  await isState('in-use')
  await type('echo sectors-$(cat /sys/block/vdb/size)-end; umount /mnt/d && echo out-$((2+2))')
  await says(/^sectors-4194304-end/m)
  await says(/^out-4/m)
  await api.compute.instances.detachVolume.mutate({ id: guest, volumeId })
  await isState('available')
  await api.volumes.revert.mutate({ id: volumeId, snapshotId: id })
  await isState('available')
  await api.compute.instances.attachVolume.mutate({ id: guest, volumeId })
  await isState('in-use')
  await type('mount /dev/vdb /mnt/d && cat /mnt/d/note; umount /mnt/d')
  await says(/kept-42-file/)
})

test('nothing is left in Ceph when the volume and its snapshot are deleted', async () => {
  await api.compute.instances.delete.mutate({ id: guest })
  await isState('available')
  for (const { id } of (await api.volumes.snapshots.list.query({ volumeId })).items)
    await api.volumes.snapshots.delete.mutate({ id })
  await until('the snapshot is gone', 120_000, async () => {
    return (await api.volumes.snapshots.list.query({ volumeId })).items.length === 0
  })
  await api.volumes.delete.mutate({ id: volumeId })
  await api.volumes.trash.end.mutate({ id: volumeId })
  await until('the pool is empty', 120_000, async () => imagesInCeph() === '')
  await visit(board, '/admin/volume-pools')
  await row(board, `shared@${name}`)
    .getByRole('button', { name: `Actions of shared@${name}` })
    .click()
  await board.getByRole('menuitem', { name: 'Delete' }).click()
  await board.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click()
  await expect(row(board, `shared@${name}`)).toHaveCount(0)
  expect(problems).toEqual([])
})
