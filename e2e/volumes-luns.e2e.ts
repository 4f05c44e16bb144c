import { expect, type Page, test } from '@playwright/test'
import { startTgt, type TestTgt } from '@stratolith/drivers/volumes/tgt.testing'
import { problemsOf } from './support/accessibility.ts'
import { type Api, findCloud, signedIn, until } from './support/cloud.ts'
import { apiOf, newPerson, type Person } from './support/people.ts'
import { row, signIn, visit, watchProblems } from './support/portal.ts'
import { rootScript, rootShell, says as saysOn, typeLine } from './support/root-shell.ts'

/** An administrator makes a pool of LUNs on a real iSCSI target, and a running guest uses a volume there. */
test.describe.configure({ mode: 'serial' })

const bootMs = 600_000
const cloud = findCloud()
const name = `luns-${crypto.randomUUID().slice(0, 6)}`
let tgt: TestTgt
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
  tgt = await startTgt()
  for (const lun of [1, 2]) tgt.addLun(1, lun, 2 * 1024 + 1)
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
  tgt?.stop()
})

const type = (text: string) => typeLine(page, text)
const says = (text: RegExp, timeout?: number) => saysOn(page, text, timeout)
const isState = (state: string, id = volumeId) =>
  until(`the volume is ${state}`, 120_000, async () => {
    const volume = await api.volumes.get.query({ id })
    return volume.state === state
  })

test('an administrator makes a pool of LUNs, and the machine says that it reaches the pool', async () => {
  await visit(board, '/admin/volume-pools')
  await board.getByRole('button', { name: 'Create volume pool' }).click()
  const panel = board.getByRole('dialog', { name: 'Create volume pool' })
  await panel.getByLabel('Name').fill(name)
  await panel.getByText('On LUNs (iSCSI)').click()
  await panel.getByLabel('Portal').fill(tgt.pool.portal)
  await panel.getByLabel('Target').fill(tgt.pool.target)
  await panel.getByRole('textbox', { name: 'CHAP user' }).fill(tgt.pool.user)
  await panel.getByRole('textbox', { name: 'CHAP secret' }).fill('a-wrong-secret')
  expect(await problemsOf(board)).toEqual([])
  await panel.getByRole('button', { name: 'Create', exact: true }).click()
  await expect(panel.getByText(/refuses the CHAP user tests or the secret. Type both again/)).toBeVisible()
  await panel.getByRole('textbox', { name: 'CHAP secret' }).fill(tgt.pool.secret)
  await panel.getByRole('button', { name: 'Create', exact: true }).click()
  await expect(board.getByRole('heading', { name: `shared@${name}`, level: 1 })).toBeVisible()
  const machines = board.getByRole('region', { name: 'Machines' })
  await expect(machines.getByText('Yes', { exact: true })).toBeVisible()
  await expect(machines.getByText('4 GiB of 4 GiB')).toBeVisible()
  await expect(board.getByText('LUNs (iSCSI)').first()).toBeVisible()
  await expect(board.getByText(tgt.pool.target).first()).toBeVisible()
  await expect(board.getByText(tgt.pool.secret)).toHaveCount(0)
  expect(await problemsOf(board)).toEqual([])
  await admin.volumes.types.create.mutate({ name, extraSpecs: { volume_backend_name: name } })
})

test('a running guest gets a volume there, writes to it, and goes on when it has grown', async () => {
  const { id } = await api.volumes.create.mutate({ name: 'data', sizeGib: 1, type: name })
  volumeId = id
  await isState('available')
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
  await type('busybox mke2fs -F /dev/vdb && mkdir -p /mnt/d && mount /dev/vdb /mnt/d && echo made-$((3+3))')
  await says(/^made-6/m)
  await type('echo kept-$((40+2))-file > /mnt/d/note && sync && echo wrote-$((1+1))')
  await says(/^wrote-2/m)
  await expect(api.volumes.snapshots.create.mutate({ volumeId, name: 'no' })).rejects.toThrow(
    /on a LUN, which has no snapshots/,
  )
  await api.volumes.extend.mutate({ id: volumeId, sizeGib: 2 })
  await isState('in-use')
  await type('echo sectors-$(cat /sys/block/vdb/size)-end; umount /mnt/d && echo out-$((2+2))')
  await says(/^sectors-4194304-end/m)
  await says(/^out-4/m)
  await api.compute.instances.detachVolume.mutate({ id: guest, volumeId })
  await isState('available')
})

test('a copy has what the guest has written, and the LUNs are empty when all is deleted', async () => {
  const { id: copy } = await api.volumes.create.mutate({ name: 'copy', sourceVolumeId: volumeId })
  await isState('available', copy)
  await api.compute.instances.attachVolume.mutate({ id: guest, volumeId: copy })
  await isState('in-use', copy)
  await type('mount /dev/vdb /mnt/d && cat /mnt/d/note; umount /mnt/d')
  await says(/kept-42-file/)
  await api.compute.instances.delete.mutate({ id: guest })
  for (const id of [volumeId, copy]) {
    await isState('available', id)
    await api.volumes.delete.mutate({ id })
    await api.volumes.trash.end.mutate({ id })
  }
  const isEmpty = async () => (await admin.volumes.pools.get.query({ name: `shared@${name}` })).volumes === 0
  await until('the pool is empty', 120_000, isEmpty)
  await visit(board, '/admin/volume-pools')
  await until('the LUNs are wiped and the pool is gone', 120_000, async () =>
    admin.volumes.pools.delete.mutate({ name: `shared@${name}` }).then(
      () => true,
      () => false,
    ),
  )
  await expect(row(board, `shared@${name}`)).toHaveCount(0)
  expect(problems).toEqual([])
})
