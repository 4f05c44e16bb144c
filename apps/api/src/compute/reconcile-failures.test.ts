import { DriverError } from '@stratolith/drivers/errors'
import { backgroundOp } from '@stratolith/drivers/op'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { runPending } from '../kernel/testing.ts'
import { launchInstances } from './instances/launch.ts'
import { reconcileHosts } from './reconcile.ts'
import { aLaunch, type FakeHost, testTenant, testWorld, type World } from './testing.ts'

/** Every driver call of a round fails in turn, or is the last act of its process; the next round completes the work. */
let world: World
let host: FakeHost
let hostId = ''
let known = ''
beforeAll(async () => {
  world = await testWorld(['a'])
  host = world.hosts.get('a') as FakeHost
  hostId = (await db().host.findFirstOrThrow()).id
  const tenant = await testTenant(world)
  const { instances } = await launchInstances(tenant, aLaunch(world))
  known = instances[0]?.id ?? ''
  await runPending(world.deps)
})
afterAll(() => world.close())

const db = () => world.deps.root
const op = () => backgroundOp(world.deps.log)
const round = () => reconcileHosts(world.system)
const guestIds = async () => (await host.hypervisor.list(op())).map((guest) => guest.id).sort()
const diskIds = async () => (await host.storage.listDisks(op())).map((disk) => disk.id).sort()
const trashIds = async () => (await host.storage.trash?.list(op()))?.map((file) => file.id)
const rowOf = () => db().instance.findUniqueOrThrow({ where: { id: known } })

/** Makes a guest with a disk that has no row, beside the guest that has a row. */
async function stranger(): Promise<string> {
  const id = crypto.randomUUID()
  const spec = host.hypervisor.state.instances[known]?.spec
  const disk = host.storage.disks.get(known)
  if (!spec || !disk) throw new Error('the known guest is not on its host')
  const base = { blobId: 'a'.repeat(64), format: 'qcow2' as const }
  const { projectId } = spec
  await host.storage.ensureDisk(op(), { id, instanceId: id, projectId, sizeGib: 1, base, mode: 'overlay' })
  await host.hypervisor.ensure(op(), { ...spec, id, nics: [] })
  return id
}
async function buried(): Promise<string> {
  const id = await stranger()
  await db().tombstone.create({ data: { kind: 'instance', id, hostId: '' } })
  return id
}
/** Makes a guest without a row that has been unknown for so long that the next round removes it. */
async function due(): Promise<string> {
  const thing = await stranger()
  const firstSeenAt = new Date(0)
  for (const kind of ['guest', 'disk'])
    await db().stray.create({ data: { hostId, kind, thing, firstSeenAt } })
  return thing
}

let strange: { deleted: string[]; over: string; fresh: string }
beforeEach(async () => {
  for (const id of await guestIds()) if (id !== known) await host.hypervisor.remove(op(), id)
  for (const id of await diskIds()) if (id !== known) await host.storage.removeDisk(op(), id)
  await host.storage.trash?.empty(op(), { olderThanMs: 0 })
  await db().stray.deleteMany()
  strange = { deleted: [await buried(), await buried()], over: await due(), fresh: await stranger() }
  // The row is wrong, too: it says paused, but the guest runs.
  await db().instance.update({ where: { id: known }, data: { vmState: 'paused' } })
})

const calls = {
  'hypervisor.list': () => [host.hypervisor, 'list'],
  'hypervisor.describe': () => [host.hypervisor, 'describe'],
  'hypervisor.remove': () => [host.hypervisor, 'remove'],
  'storage.listDisks': () => [host.storage, 'listDisks'],
  'storage.removeDisk': () => [host.storage, 'removeDisk'],
  'trash.put': () => [host.storage.trash, 'put'],
  'trash.empty': () => [host.storage.trash, 'empty'],
} satisfies Record<string, () => [object | undefined, string]>
type Call = keyof typeof calls
const names = Object.keys(calls) as Call[]
/** Without the answers to these calls a round knows nothing, and does nothing. */
const looks: readonly Call[] = ['hypervisor.list', 'storage.listDisks']

/** Replaces the next call of this name by `play`, which may make the real call. */
function intercept(name: Call, play: (real: () => Promise<unknown>) => Promise<unknown>): void {
  const [driver, method] = calls[name]()
  if (!driver) throw new Error(`the fake has no ${name}`)
  const real = Reflect.get(driver, method) as (...args: unknown[]) => Promise<unknown>
  Reflect.set(driver, method, (...args: unknown[]) => {
    Reflect.set(driver, method, real)
    return play(() => Reflect.apply(real, driver, args))
  })
}

/**
 * Expects that all things that were due are gone in the right way, and that known things and things that are not yet
 * due are unchanged.
 */
async function expectSettled(): Promise<void> {
  const stay = [known, strange.fresh].sort()
  expect([await guestIds(), await diskIds()]).toEqual([stay, stay])
  expect(await trashIds()).toEqual([strange.over])
  const strays = await db().stray.findMany({ orderBy: { kind: 'asc' } })
  expect(strays.map(({ kind, thing }) => [kind, thing])).toEqual([
    ['disk', strange.fresh],
    ['guest', strange.fresh],
  ])
  expect(await db().brake.count()).toBe(0)
  expect(await rowOf()).toMatchObject({ vmState: 'active', taskState: null, hostId, faultMessage: null })
  expect(host.hypervisor.state.instances[known]?.power).toBe('running')
}

test('a round without failures settles all differences', async () => {
  await round()
  await expectSettled()
})

test.each(names.flatMap((name) => [[name, 'before'] as const, [name, 'after'] as const]))(
  'a failure of %s, %s its effect, stops nothing else, and the next round ends it',
  async (name, when) => {
    let reached = 0
    intercept(name, async (real) => {
      reached++
      if (when === 'after') await real()
      throw new DriverError('failed', 'injected')
    })
    await round()
    expect(reached).toBe(1)
    if (!looks.includes(name)) {
      const left = (await guestIds()).filter((id) => id !== known && id !== strange.fresh)
      expect(left).toHaveLength(name === 'hypervisor.remove' && when === 'before' ? 1 : 0)
      const disks = (await diskIds()).filter((id) => id !== known && id !== strange.fresh)
      expect(disks.length).toBeLessThanOrEqual(1)
      expect(await rowOf()).toMatchObject({ vmState: 'active' })
    }
    expect(await guestIds()).toEqual(expect.arrayContaining([known, strange.fresh]))
    await round()
    await expectSettled()
  },
)

test.each(names.flatMap((name) => [[name, 'before'] as const, [name, 'after'] as const]))(
  'a round that dies at %s, %s its effect, is ended by the next',
  async (name, when) => {
    // Nothing after this call is ever done, as after kill -9.
    await new Promise<void>((reached, failed) => {
      intercept(name, async (real) => {
        if (when === 'after') await real()
        reached()
        return new Promise(() => undefined)
      })
      round().then(() => failed(new Error(`${name} was not reached`)), failed)
    })
    await round()
    await expectSettled()
  },
)
