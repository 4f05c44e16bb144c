import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { launchInstances } from '../../compute/instances/launch.ts'
import { aLaunch, testTenant, testWorld, type World } from '../../compute/testing.ts'
import { deleteProject } from '../../directory/projects/deletion.ts'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { pageInput } from '../../kernel/contract.ts'
import { expectCloudError, runPending, testCtx } from '../../kernel/testing.ts'
import { type VolumeView, volumeCreateInput, volumeListInput } from '../contract.ts'
import { encryptType } from '../encryption/type.ts'
import { getPool, listPools } from '../pools/list.ts'
import { createVolume, deleteVolume, listVolumes, planVolume } from '../service.ts'
import {
  defaultTypeOf,
  grantType,
  listDefaultTypes,
  revokeType,
  setDefaultType,
  typeAccess,
  unsetDefaultType,
} from './access.ts'
import { type VolumeTypeView, volumeTypeCreateInput } from './contract.ts'
import { associateQos, createQos, deleteQos, disassociateQos, getQos, listQos, setQos } from './qos.ts'
import { pageOfTypes } from './queries.ts'
import {
  createVolumeType,
  deleteVolumeType,
  getVolumeType,
  listVolumeTypes,
  makeDefaultType,
  removeTypeSpec,
  setTypeSpecs,
  updateVolumeType,
} from './service.ts'

let world: World
let member: Ctx & { projectId: string }
let admin: Ctx
beforeAll(async () => {
  world = await testWorld(['a', 'b'])
  member = await testTenant(world)
  admin = await testCtx(world.deps, { role: 'admin', projectId: member.projectId })
})
afterAll(() => world.close())

const db = () => world.deps.root
const type = (patch: object = {}): Promise<VolumeTypeView> =>
  createVolumeType(
    admin,
    volumeTypeCreateInput.parse({ name: `t-${crypto.randomUUID().slice(0, 8)}`, ...patch }),
  )
const make = (ctx: Ctx, patch: object = {}): Promise<VolumeView> =>
  createVolume(ctx, volumeCreateInput.parse({ sizeGib: 1, ...patch }))
const namesFor = async (ctx: Ctx) => (await listVolumeTypes(ctx)).map(({ name }) => name)

describe('volume types', () => {
  test('are made, changed and deleted by administrators alone; a type that a volume has, and the default, stay', async () => {
    await expectCloudError(
      createVolumeType(member, volumeTypeCreateInput.parse({ name: 'mine' })),
      'forbidden',
    )
    const { id, name } = await type({ description: 'fast' })
    await expectCloudError(createVolumeType(admin, volumeTypeCreateInput.parse({ name })), 'already_exists')
    await expectCloudError(updateVolumeType(member, { id, name: 'x' }), 'forbidden')
    await expectCloudError(updateVolumeType(admin, { id, name: 'Standard' }), 'already_exists')
    expect(await updateVolumeType(admin, { id, name: `${name}-2` })).toMatchObject({ description: 'fast' })
    const volume = await make(member, { type: `${name}-2` })
    expect(volume.type.id).toBe(id)
    await runPending(world.deps)
    await expectCloudError(deleteVolumeType(admin, { id }), 'conflict')
    await deleteVolume(member, volume)
    await runPending(world.deps)
    await expectCloudError(deleteVolumeType(member, { id }), 'forbidden')
    await deleteVolumeType(admin, { id })
    await expectCloudError(getVolumeType(admin, { id }), 'not_found')
    const [standard] = (await listVolumeTypes(admin)).filter(({ isDefault }) => isDefault)
    await expectCloudError(deleteVolumeType(admin, { id: standard?.id ?? '' }), 'conflict')
    expect((await pageOfTypes(member, pageInput.parse({ search: 'stand' }))).items).toHaveLength(1)
  })

  test('that are not public are for the projects that were let in', async () => {
    const { id, name } = await type({ public: false })
    const { projectId } = member
    expect(await namesFor(member)).not.toContain(name)
    await expectCloudError(getVolumeType(member, { id }), 'not_found')
    await expectCloudError(make(member, { type: name }), 'invalid_input')
    expect(await grantType(admin, { id, projectId })).toEqual([projectId])
    await expectCloudError(grantType(admin, { id, projectId }), 'conflict')
    await expectCloudError(grantType(admin, { id, projectId: 'nobody' }), 'invalid_input')
    expect(await namesFor(member)).toContain(name)
    expect(await namesFor(await testCtx(world.deps))).not.toContain(name)
    expect(await typeAccess(admin, { id })).toEqual([projectId])
    await expectCloudError(typeAccess(member, { id }), 'forbidden')
    await revokeType(admin, { id, projectId })
    await expectCloudError(revokeType(admin, { id, projectId }), 'not_found')
    expect(await namesFor(member)).not.toContain(name)
    await updateVolumeType(admin, { id, public: true })
    await expectCloudError(typeAccess(admin, { id }), 'not_found')
  })

  test('become the default of the cloud or of one project, when the projects may use them', async () => {
    const before = (await listVolumeTypes(admin)).find(({ isDefault }) => isDefault)
    const [one, hidden] = [await type(), await type({ public: false })]
    await expectCloudError(makeDefaultType(admin, hidden), 'conflict')
    await Promise.all([makeDefaultType(admin, one), makeDefaultType(admin, { id: before?.id ?? '' })])
    expect((await listVolumeTypes(admin)).filter(({ isDefault }) => isDefault)).toHaveLength(1)
    await makeDefaultType(admin, one)
    expect((await make(member)).type.name).toBe(one.name)
    await expectCloudError(updateVolumeType(admin, { id: one.id, public: false }), 'conflict')

    const { projectId } = member
    await expectCloudError(setDefaultType(member, { projectId, type: one.name }), 'forbidden')
    await expectCloudError(setDefaultType(admin, { projectId, type: hidden.id }), 'conflict')
    await expectCloudError(setDefaultType(admin, { projectId, type: 'nope' }), 'invalid_input')
    await grantType(admin, { id: hidden.id, projectId })
    const own = { projectId, typeId: hidden.id }
    expect(await setDefaultType(admin, { projectId, type: hidden.name })).toEqual(own)
    expect(await listDefaultTypes(admin)).toEqual([own])
    expect((await make(member)).type.name).toBe(hidden.name)
    // Without the access the cloud's default holds.
    await revokeType(admin, { id: hidden.id, projectId })
    expect((await make(member)).type.name).toBe(one.name)
    await unsetDefaultType(admin, { projectId })
    await expectCloudError(defaultTypeOf(admin, { projectId }), 'not_found')
    await expectCloudError(unsetDefaultType(admin, { projectId }), 'not_found')
    await makeDefaultType(admin, { id: before?.id ?? '' })
  })
})

test('a volume is what its type says when the type changes while the volume is made', async () => {
  const { id } = await type()
  let making: Promise<VolumeView> = Promise.reject(new Error('not yet'))
  making.catch(() => undefined)
  await inTransaction(admin, async (tx) => {
    await encryptType(tx, { id, cipher: null, keySize: null })
    making = make(member, { type: id })
    await expect
      .poll(
        () => db().$queryRaw`SELECT 1 FROM pg_stat_activity WHERE "datname" = current_database() AND
        "wait_event_type" = 'Lock'`,
      )
      .not.toEqual([])
  })
  expect((await making).encrypted).toBe(true)
  await runPending(world.deps)

  const { id: hidden } = await type()
  await inTransaction(admin, async (tx) => {
    await updateVolumeType(tx, { id: hidden, public: false })
    making = make(member, { type: hidden })
    making.catch(() => undefined)
    await expect
      .poll(
        () => db().$queryRaw`SELECT 1 FROM pg_stat_activity WHERE "datname" = current_database() AND
        "wait_event_type" = 'Lock'`,
      )
      .not.toEqual([])
  })
  await expectCloudError(making, 'invalid_input', /There is no volume type/)
})

test('what a project may use, and its default, are forgotten with the project', async () => {
  const { id } = await type({ public: false })
  const gone = await testCtx(world.deps, { projectId: undefined })
  await grantType(admin, { id, projectId: gone.projectId })
  await setDefaultType(admin, { projectId: gone.projectId, type: id })
  await deleteProject(admin, { id: gone.projectId })
  await runPending(world.deps)
  expect(await typeAccess(admin, { id })).toEqual([])
  expect((await listDefaultTypes(admin)).map(({ projectId }) => projectId)).not.toContain(gone.projectId)
})

describe('extra specs', () => {
  test('choose the pool and the zone of new volumes, which a plan says before', async () => {
    const poolOf = async (patch: object) => {
      const { type: typeName } = { type: (await type({ extraSpecs: patch })).name }
      const { id } = await make(member, { type: typeName })
      return (await listVolumes(admin, volumeListInput.parse({ allProjects: true }))).items.find(
        (one) => one.id === id,
      )?.pool
    }
    for (const name of ['secret-name-a@local', 'secret-name-b@local']) {
      expect(await poolOf({ pool_name: name })).toBe(name)
      expect(await poolOf({ volume_backend_name: name, 'RESKEY:availability_zones': 'mars, nova' })).toBe(
        name,
      )
    }
    expect(await poolOf({ volume_backend_name: 'local', 'provisioning:type': 'thin' })).toMatch(/@local$/)
    const nowhere = await type({ extraSpecs: { volume_backend_name: 'ceph' } })
    expect(await planVolume(member, { sizeGib: 1, type: nowhere.id })).toEqual({
      problem: expect.stringContaining('Volumes of this type may lie in none'),
    })
    await expectCloudError(make(member, { type: nowhere.name }), 'no_capacity')
  })

  test('choose the machine of an instance that is launched with a new volume', async () => {
    const launch = async (typeName: string) => {
      const wish = { from: { kind: 'blank' }, sizeGib: 1, type: typeName }
      const { instances } = await launchInstances(member, aLaunch(world, { volumes: [wish] }))
      await runPending(world.deps)
      const { items } = await listVolumes(admin, volumeListInput.parse({ instanceId: instances[0]?.id }))
      return items.map(({ pool }) => pool)
    }
    for (const name of ['secret-name-a@local', 'secret-name-b@local'])
      expect(await launch((await type({ extraSpecs: { pool_name: name } })).name)).toEqual([name])
    const nowhere = await type({ extraSpecs: { pool_name: 'ceph' } })
    await expectCloudError(launch(nowhere.name), 'conflict')
  })

  test.each([
    [{ multiattach: 'perhaps' }, /“<is> True” or/],
    [{ multiattach: 'yes' }, /“<is> True” or/],
    [{ 'capabilities:multiattach': '2' }, /“<is> True” or/],
    [{ 'provisioning:type': 'thick' }, /thin/],
    [{ thin_provisioning: '<is> False' }, /thin/],
    [{ encryption: '<is> True' }, /encrypt/],
    [{ replication_enabled: '<is> True' }, /replicate/],
  ])('that promise what is not there yet are refused: %j', async (extraSpecs, sentence) => {
    await expect(type({ extraSpecs })).rejects.toThrow(sentence)
    const { id } = await type()
    await expect(setTypeSpecs(admin, { id, specs: extraSpecs })).rejects.toThrow(sentence)
  })

  test('of other names are kept as notes, which only administrators read', async () => {
    const { id } = await type({ extraSpecs: { multiattach: '<is> False', 'a:b': 'c' } })
    await setTypeSpecs(admin, { id, specs: { color: 'red' } })
    expect((await removeTypeSpec(admin, { id, key: 'a:b' })).extraSpecs).toEqual({
      ...{ multiattach: '<is> False', color: 'red' },
    })
    await expectCloudError(removeTypeSpec(admin, { id, key: 'a:b' }), 'not_found')
    expect(await getVolumeType(member, { id })).toMatchObject({
      ...{ extraSpecs: { multiattach: '<is> False' }, choosesPool: false },
    })
    await setTypeSpecs(admin, { id, specs: { pool_name: 'secret-name-a@local' } })
    const { extraSpecs, choosesPool } = await getVolumeType(member, { id })
    expect([extraSpecs, choosesPool]).toEqual([{ multiattach: '<is> False' }, true])
  })
})

describe('QoS specs', () => {
  const specs = { total_iops_sec: '500', note: 'x' }

  test('are of one type or several, and members see the limits and not the specs', async () => {
    const qos = await createQos(admin, { name: 'both', consumer: 'both', specs })
    const [one, two] = [await type(), await type({ limits: { total_bytes_sec: '1000' } })]
    await associateQos(admin, { id: qos.id, typeId: one.id })
    await associateQos(admin, { id: qos.id, typeId: one.id })
    await expectCloudError(associateQos(admin, { id: qos.id, typeId: two.id }), 'conflict')
    expect(await getVolumeType(member, one)).toMatchObject({ limits: { total_iops_sec: '500' }, qos: null })
    expect(await getVolumeType(admin, two)).toMatchObject({
      qos: { name: two.name, consumer: 'front-end', specs: { total_bytes_sec: '1000' } },
    })
    await expectCloudError(deleteQos(admin, { id: qos.id, force: false }), 'conflict')
    await expectCloudError(disassociateQos(admin, { id: qos.id, typeId: two.id }), 'conflict')
    await disassociateQos(admin, { id: qos.id, typeId: one.id })
    expect((await getQos(admin, qos)).types).toEqual([])
    await associateQos(admin, { id: qos.id, typeId: one.id })
    await deleteQos(admin, { id: qos.id, force: true })
    expect((await getVolumeType(admin, one)).qos).toBeNull()
    // The limits that were made with a type go with the type.
    await deleteVolumeType(admin, { id: two.id, withLimits: true })
    expect((await listQos(admin)).map(({ name }) => name)).not.toContain(two.name)
    for (const refused of [
      listQos(member),
      getQos(member, qos),
      createQos(member, { name: 'q', consumer: 'both', specs }),
    ])
      await expectCloudError(refused, 'forbidden')
  })

  test('of the storage have no effect and no check until the guest is to carry them out', async () => {
    const odd = { total_iops_sec: '5', read_iops_sec: '5' }
    const qos = await createQos(admin, { name: 'odd', consumer: 'back-end', specs: odd })
    const { id } = await type()
    await associateQos(admin, { id: qos.id, typeId: id })
    expect((await getVolumeType(member, { id })).limits).toEqual({})
    await expectCloudError(setQos(admin, { id: qos.id, consumer: 'front-end', specs: {} }), 'invalid_input')
    await expectCloudError(createQos(admin, { name: 'odd', consumer: 'both', specs }), 'already_exists')
  })
})

test('pools are the disks of the machines, with what lies there; members find no volumes by their pool', async () => {
  await runPending(world.deps)
  const name = 'secret-name-b@local'
  const before = await getPool(admin, { name })
  expect(before).toMatchObject({
    host: { name: 'secret-name-b' },
    zone: 'nova',
    totalGib: 1000,
    closed: null,
  })
  const { name: onlyThere } = await type({ extraSpecs: { pool_name: name } })
  const { id } = await make(member, { type: onlyThere, sizeGib: 3 })
  expect(await getPool(admin, { name })).toMatchObject({
    ...{ volumes: before.volumes + 1, volumesGib: before.volumesGib + 3, usedGib: before.usedGib + 3 },
  })
  const listed = (ctx: Ctx, allProjects: boolean) =>
    listVolumes(ctx, volumeListInput.parse({ pool: name, allProjects, limit: 1000 }))
  expect((await listed(admin, true)).items.map((one) => one.id)).toContain(id)
  expect((await listed(member, false)).items).toEqual([])
  await world.deps.root.host.updateMany({
    where: { name: 'secret-name-b' },
    data: { enabled: false, disabledReason: 'new disks' },
  })
  expect((await listPools(admin)).map(({ closed }) => closed)).toEqual([
    null,
    'The machine is closed: new disks',
  ])
  await expectCloudError(listPools(member), 'forbidden')
  await expectCloudError(getPool(admin, { name: 'nope' }), 'not_found')
})
