import { DriverError } from '@stratolith/drivers/errors'
import { type HostDrivers, type HostReport, reportOf } from '@stratolith/drivers/host'
import { createFakeHypervisor } from '@stratolith/drivers/hypervisor/fake'
import { createFakeNetwork } from '@stratolith/drivers/network/fake'
import type { Op } from '@stratolith/drivers/op'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Ctx, type Deps, inTransaction, systemCtx } from '../kernel/context.ts'
import { expectCloudError, testCtx, testDeps } from '../kernel/testing.ts'
import { stateAfter } from './beat.ts'
import { hostListInput } from './contract.ts'
import { outside, whyClosed } from './egress.ts'
import { fenceHost, unfenceHost } from './fencing.ts'
import { beat, proveCounters } from './reconcile.ts'
import '../register.ts'
import {
  claimHost,
  deleteHost,
  getHost,
  hostsForPlacement,
  listHosts,
  registerHost,
  releaseHost,
  updateHost,
} from './service.ts'

const fakes = new Map<string, ReturnType<typeof fakeHost>>()
function fakeHost() {
  const hypervisor = createFakeHypervisor({ vcpus: 4, memoryMib: 9_216 })
  const disk = { totalGib: 100, freeGib: 60 }
  const storage = { probe: async () => disk, capabilities: { formats: [], overlay: true, shared: false } }
  const way: { egress: 'on' | 'off' } = { egress: 'on' }
  const parts = { hypervisor, storage, network: createFakeNetwork(way) }
  return { ...parts, disk, way, report: (op: Op) => reportOf(parts, op) }
}
const at = (endpoint: string) => {
  const known = fakes.get(endpoint) ?? fakeHost()
  fakes.set(endpoint, known)
  return known
}

let deps: Deps
let close: () => Promise<void>
let system: Ctx
beforeAll(async () => {
  ;({ deps, close } = await testDeps((endpoint) => at(endpoint) as unknown as HostDrivers))
  system = systemCtx(deps, 'test')
})
afterAll(() => close())

const newHost = async () => {
  const name = `h-${crypto.randomUUID().slice(0, 8)}`
  const { id } = await registerHost(system, { name, endpoint: `fake:${name}` })
  return { id, name, ...at(`fake:${name}`) }
}
const one = { vcpus: 1, memoryMib: 1024, diskGib: 10 }
const claim = (id: string, need = one) => inTransaction(system, (tx) => claimHost(tx, id, need))
const eventsOf = (id: string) =>
  deps.root.event.findMany({ where: { resourceId: id }, orderBy: { id: 'asc' } })
const newInstance = (hostId: string, projectId: string, data: object = {}) =>
  deps.root.instance.create({
    data: {
      id: crypto.randomUUID(),
      projectId,
      userId: 'u',
      name: 'i',
      hostname: 'i',
      flavorId: 'f',
      flavorName: 'f',
      hostId,
      ...one,
      ...data,
    },
  })

describe('registering', () => {
  it('writes facts and capacity, and a second registration keeps what an administrator has set', async () => {
    const host = await newHost()
    const admin = await testCtx(deps, { role: 'admin' })
    await updateHost(admin, { id: host.id, enabled: false, reason: 'new fans' })
    host.disk.freeGib = 50
    expect(await registerHost(system, { name: host.name, endpoint: `fake:${host.name}` })).toEqual({
      id: host.id,
    })
    expect(await getHost(admin, { id: host.id })).toMatchObject({
      name: host.name,
      state: 'up',
      enabled: false,
      disabledReason: 'new fans',
      hypervisor: 'Fake 1',
      egress: 'on',
      isolation: { users: false, cgroup: 'none', controllers: [], reason: null, swap: ['/dev/sdb1'] },
      accelerator: 'fake',
      vcpus: { used: 0, total: 16 },
      memoryMib: { used: 0, total: 8_192 },
      diskGib: { total: 50 },
      physical: { vcpus: 4, memoryMib: 9_216, diskGib: 100 },
      instances: 0,
    })
    expect((await eventsOf(host.id)).map((event) => event.kind)).toEqual([
      'host.created',
      'operation.begun',
      'host.updated',
      'host.updated',
    ])
  })

  it('makes one host when the same agent registers twice at the same time', async () => {
    const name = `h-${crypto.randomUUID().slice(0, 8)}`
    const input = { name, endpoint: `fake:${name}` }
    const [a, b] = await Promise.all([registerHost(system, input), registerHost(system, input)])
    expect(a.id).toBe(b.id)
  })

  it('refuses an agent of the same name at another endpoint while the first agent answers', async () => {
    const host = await newHost()
    const other = { name: host.name, endpoint: `fake:${host.name}-elsewhere` }
    await expectCloudError(registerHost(system, other), 'conflict', /answers there/)
    const endpoint = async () => (await deps.root.host.findUniqueOrThrow({ where: { id: host.id } })).endpoint
    expect(await endpoint()).toBe(`fake:${host.name}`)
    host.hypervisor.failNext('get', new DriverError('unavailable', 'down'))
    expect((await registerHost(system, other)).id).toBe(host.id)
    expect(await endpoint()).toBe(other.endpoint)
  })

  it('leaves nothing when the agent does not answer', async () => {
    const name = `h-${crypto.randomUUID().slice(0, 8)}`
    at(`fake:${name}`).hypervisor.failNext('probe', new DriverError('unavailable', 'down'))
    await expect(registerHost(system, { name, endpoint: `fake:${name}` })).rejects.toThrow('down')
    expect(await deps.root.host.count({ where: { name } })).toBe(0)
  })
})

describe('the egress of a host', () => {
  const closed = async () => (await outside(await testCtx(deps))).closed
  it('is closed when the agent reports egress off, and open again when the agent reports it on', async () => {
    const host = await newHost()
    await beat(system)
    expect([await whyClosed(system, host.id), await closed()]).toEqual([null, null])
    host.way.egress = 'off'
    await beat(system)
    expect(await whyClosed(system, host.id)).toMatch(
      /^The host of this instance is closed .*STRATOLITH_EGRESS=on/,
    )
    expect(await getHost(system, { id: host.id })).toMatchObject({ egress: 'off' })
    const told = (await eventsOf(host.id)).length
    await beat(system)
    expect((await eventsOf(host.id)).length, 'nothing new').toBe(told)
    // Another host has a link, and a guest without a host may be placed there.
    await newHost()
    expect(await closed()).toBeNull()
    await deps.root.$executeRaw`UPDATE "HostBeat" SET "facts" = "facts" || '{"egress":"off"}'`
    expect(await closed()).toMatch(/^This cloud is closed/)
    for (const fake of fakes.values()) fake.way.egress = 'on'
    await beat(system)
    expect(await closed()).toBeNull()
  })
})

describe('reading and changing', () => {
  it('is for administrators only', async () => {
    const host = await newHost()
    for (const role of ['member', 'reader', 'none'] as const) {
      const ctx = await testCtx(deps, { role })
      await expectCloudError(listHosts(ctx, hostListInput.parse({})), 'forbidden')
      await expectCloudError(getHost(ctx, { id: host.id }), 'forbidden')
      await expectCloudError(updateHost(ctx, { id: host.id, enabled: true }), 'forbidden')
    }
  })

  it('lists by name, page by page, with the number of instances', async () => {
    const admin = await testCtx(deps, { role: 'admin' })
    const host = await newHost()
    await newInstance(host.id, admin.projectId)
    await newInstance(host.id, admin.projectId, { vmState: 'deleted' })
    const found = await listHosts(admin, hostListInput.parse({ search: host.name.toUpperCase() }))
    expect(found).toMatchObject({ total: 1, next: null, items: [{ id: host.id, instances: 1 }] })
    const first = await listHosts(admin, hostListInput.parse({ limit: 1 }))
    const second = await listHosts(admin, hostListInput.parse({ limit: 1, marker: first.next }))
    expect([first.items[0]?.name, second.items[0]?.name]).toEqual(
      (await deps.root.host.findMany({ orderBy: { name: 'asc' }, take: 2 })).map((row) => row.name),
    )
  })

  it('demands a reason for closing a host, and raises not_found for an unknown host', async () => {
    const admin = await testCtx(deps, { role: 'admin' })
    const host = await newHost()
    const error = await expectCloudError(updateHost(admin, { id: host.id, enabled: false }), 'invalid_input')
    expect(error.field).toBe('reason')
    await expectCloudError(getHost(admin, { id: crypto.randomUUID() }), 'not_found')
    await updateHost(admin, { id: host.id, enabled: false, reason: 'fans' })
    expect(await updateHost(admin, { id: host.id, enabled: true })).toMatchObject({
      enabled: true,
      disabledReason: null,
    })
  })
})

describe('claims', () => {
  it('never give out more than the host has, however many callers claim at once', async () => {
    const host = await newHost()
    const won = await Promise.all(Array.from({ length: 20 }, () => claim(host.id)))
    expect(won.filter(Boolean)).toHaveLength(6) // Each claim takes 10 of 60 GiB of disk.
    expect(await deps.root.host.findUnique({ where: { id: host.id } })).toMatchObject({
      vcpusUsed: 6,
      memoryMibUsed: 6_144,
      diskGibUsed: 60,
    })
    await inTransaction(system, (tx) => releaseHost(tx, host.id, { ...one, id: crypto.randomUUID() }))
    expect([await claim(host.id), await claim(host.id)]).toEqual([true, false])
  })

  it('are limited by vCPUs, memory and disk, each by itself', async () => {
    const host = await newHost()
    expect(await claim(host.id, { vcpus: 17, memoryMib: 1, diskGib: 1 })).toBe(false)
    expect(await claim(host.id, { vcpus: 1, memoryMib: 8_193, diskGib: 1 })).toBe(false)
    expect(await claim(host.id, { vcpus: 1, memoryMib: 1, diskGib: 61 })).toBe(false)
    expect(await claim(host.id, { vcpus: 16, memoryMib: 8_192, diskGib: 60 })).toBe(true)
  })

  it('are refused on a disabled and on a silent host, and undone with their transaction', async () => {
    const host = await newHost()
    const aborted = inTransaction(system, async (tx) => {
      expect(await claimHost(tx, host.id, one)).toBe(true)
      throw new Error('rolled back')
    })
    await expect(aborted).rejects.toThrow('rolled back')
    expect((await hostsForPlacement(system)).find((h) => h.id === host.id)?.vcpus).toEqual({
      used: 0,
      total: 16,
    })
    await deps.root.host.update({ where: { id: host.id }, data: { enabled: false } })
    expect(await claim(host.id)).toBe(false)
    await deps.root.host.update({ where: { id: host.id }, data: { enabled: true, state: 'down' } })
    expect(await claim(host.id)).toBe(false)
  })
})

type Silent = ReturnType<typeof fakeHost>['hypervisor']
/** Makes the next calls fail; one beat makes four. */
function silentFor(hypervisor: Silent, calls: number): void {
  for (let i = 0; i < calls; i++) hypervisor.failNext('probe', new DriverError('unavailable', 'no answer'))
}

describe('reconcilers', () => {
  it('correct the counters of hosts by their instances', async () => {
    const host = await newHost()
    const { projectId } = await testCtx(deps)
    await newInstance(host.id, projectId)
    await newInstance(host.id, projectId, { vmState: 'error' })
    await newInstance(host.id, projectId, { vmState: 'deleted' })
    await proveCounters(system)
    const used = { vcpusUsed: 2, memoryMibUsed: 2_048, diskGibUsed: 20 }
    expect(await deps.root.host.findUnique({ where: { id: host.id } })).toMatchObject(used)
    const events = (await eventsOf(host.id)).length
    await proveCounters(system)
    expect((await eventsOf(host.id)).length).toBe(events)
  })
})

describe('a beat', () => {
  const rowOf = (id: string) => deps.root.host.findUniqueOrThrow({ where: { id }, include: { beat: true } })
  const stateOf = async (id: string) => (await rowOf(id)).state
  const silentSince = (id: string, missed: number, seconds: number) =>
    deps.root.hostBeat.update({
      where: { hostId: id },
      data: { missed, lastSeenAt: new Date(Date.now() - seconds * 1000) },
    })
  /** Makes the host miss one beat, in which none of four calls is answered. */
  async function miss({ hypervisor }: { hypervisor: Silent }): Promise<void> {
    silentFor(hypervisor, 4)
    await beat(system)
  }

  it('refreshes the facts, the load and the capacity of a host, with an event when they have changed', async () => {
    const admin = await testCtx(deps, { role: 'admin' })
    const host = await newHost()
    await claim(host.id)
    await beat(system)
    const told = (await eventsOf(host.id)).length
    const before = await rowOf(host.id)
    const [{ xmin } = { xmin: '' }] = await xminOf(host.id)
    await beat(system)
    expect((await xminOf(host.id))[0]?.xmin, 'the row that launches lock').toBe(xmin)
    expect((await eventsOf(host.id)).length).toBe(told)
    expect((await rowOf(host.id)).beat?.lastSeenAt?.getTime()).toBeGreaterThan(
      before.beat?.lastSeenAt?.getTime() ?? Number.NaN,
    )
    host.disk.freeGib = 20
    await beat(system)
    expect(await getHost(admin, { id: host.id })).toMatchObject({
      diskGib: { used: 10, total: 30 },
      diskFreeGib: 20,
      load: [0.2, 0.12, 0.14],
      answers: true,
    })
    expect((await eventsOf(host.id)).length).toBe(told + 1)
  })
  it('refreshes the capacity of a host although its room is claimed during the beat', async () => {
    const host = await newHost()
    await beat(system)
    host.disk.freeGib = 20
    const probe = host.hypervisor.probe.bind(host.hypervisor)
    host.hypervisor.probe = async (op) => {
      await claim(host.id)
      return probe(op)
    }
    await beat(system)
    expect(await rowOf(host.id)).toMatchObject({ diskGibUsed: 10, diskGib: 30 })
  })
  const xminOf = (id: string) =>
    deps.root.$queryRaw<{ xmin: string }[]>`SELECT xmin::text FROM "Host" WHERE "id" = ${id}::uuid`

  type Told = { machine: object; disk: object; capabilities: object }
  const odd: Record<string, (told: Told) => unknown> = {
    'a number that is too large': (told) => ({ ...told, machine: { ...told.machine, memoryMib: 1e13 } }),
    'no number': (told) => ({ ...told, machine: { ...told.machine, vcpus: Number.NaN } }),
    'a field less': ({ capabilities: _, ...told }) => told,
    'null for a word': (told) => ({ ...told, machine: { ...told.machine, accelerator: null } }),
    'a word for a number': (told) => ({ ...told, disk: { totalGib: -1e12, freeGib: 'much' } }),
    'nothing at all': () => null,
  }
  /** Makes the host send, from now on, the report that `bend` makes of its own. */
  function bent({ name }: { name: string }, bend: (told: Told) => unknown): void {
    const drivers = at(`fake:${name}`) as unknown as HostDrivers
    const { report } = drivers
    drivers.report = async (op) => bend(await report(op)) as HostReport
  }
  it.each(Object.entries(odd))(
    'treats %s as no answer, and settles the states of the other hosts',
    async (_, bend) => {
      const [host, other] = [await newHost(), await newHost()]
      bent(host, bend)
      other.disk.freeGib = 20
      await silentSince(host.id, 1, 13)
      await deps.root.host.update({ where: { id: other.id }, data: { state: 'suspect' } })
      const log = vi.spyOn(system.log, 'warn')
      await beat(system)
      const lines = log.mock.calls.filter(([its]) => (its as { host?: string }).host === host.name)
      log.mockRestore()
      expect(lines).toHaveLength(1)
      expect(await rowOf(host.id)).toMatchObject({ state: 'suspect', beat: { missed: 2 } })
      expect(await rowOf(other.id)).toMatchObject({ state: 'up', diskGib: 20, beat: { missed: 0 } })
    },
  )
  it.each([
    ['NUL', 'a\0b', 'ab'],
    ['half a character', 'a\ud800', 'a\ufffd'],
    ['a novel', 'a'.repeat(1e6), 'a'.repeat(255)],
  ])('cleans text of a host that cannot be stored: %s', async (_, said, stored) => {
    const host = await newHost()
    bent(host, (told) => ({ ...told, machine: { ...told.machine, cpuModel: said, fromTheFuture: 1 } }))
    await silentSince(host.id, 1, 13)
    await beat(system)
    const { beat: its } = await rowOf(host.id)
    expect(its).toMatchObject({ missed: 0, facts: { cpuModel: stored } })
    expect(its?.facts).not.toHaveProperty('fromTheFuture')
  })
  it('writes the capacities of the other hosts when that of one host cannot be written', async () => {
    const hosts = [await newHost(), await newHost(), await newHost()]
    for (const host of hosts) host.disk.freeGib = 20
    const [first, second, third] = hosts.map(({ id }) => id).sort()
    await deps.root.host.update({ where: { id: second }, data: { cpuRatio: 1e12, state: 'suspect' } })
    await beat(system)
    expect(await rowOf(first ?? '')).toMatchObject({ diskGib: 20 })
    expect(await rowOf(second ?? '')).toMatchObject({ diskGib: 60, state: 'up' })
    expect(await rowOf(third ?? '')).toMatchObject({ diskGib: 20 })
    await deps.root.host.update({ where: { id: second }, data: { cpuRatio: 4 } })
  })

  it('settles the states of the other hosts when that of one host cannot be written', async () => {
    const [one, two] = [await newHost(), await newHost()]
    const [troubled, other] = one.id < two.id ? [one, two] : [two, one]
    await deps.root.$executeRaw`CREATE FUNCTION refused() RETURNS trigger LANGUAGE plpgsql AS
      'BEGIN RAISE EXCEPTION ''no event of this one''; END'`
    await deps.root.$executeRawUnsafe(`CREATE TRIGGER refused BEFORE INSERT ON "Event" FOR EACH ROW
      WHEN (NEW."resourceId" = '${troubled.id}') EXECUTE FUNCTION refused()`)
    const log = vi.spyOn(system.log, 'warn')
    const refusedOnes = () =>
      log.mock.calls.filter(
        ([its, words]) =>
          (its as { hostId?: string }).hostId === troubled.id && `${words}`.includes('could not be written'),
      ).length
    // First the change of the host cannot be written, and then its silence.
    troubled.disk.freeGib = 20
    await silentSince(other.id, 1, 13)
    await miss(other)
    expect([await stateOf(other.id), refusedOnes()]).toEqual(['suspect', 1])
    await deps.root.host.update({ where: { id: other.id }, data: { state: 'up' } })
    for (const host of [troubled, other]) await silentSince(host.id, 1, 13)
    silentFor(troubled.hypervisor, 4)
    await miss(other)
    expect([await stateOf(other.id), await stateOf(troubled.id), refusedOnes()]).toEqual(['suspect', 'up', 2])
    log.mockRestore()
    await deps.root.$executeRaw`DROP FUNCTION refused CASCADE`
    await beat(system)
  })

  it('does not change the state after a single missed beat, however long ago the previous beat was', async () => {
    const host = await newHost()
    await silentSince(host.id, 0, 60)
    await miss(host)
    expect(await stateOf(host.id)).toBe('up')
  })

  it('makes a silent host suspect, later down, and up at its first answer, with an event each', async () => {
    const host = await newHost()
    await silentSince(host.id, 1, 13)
    silentFor(host.hypervisor, 3) // The agent is restarted meanwhile.
    await beat(system)
    expect(await stateOf(host.id)).toBe('up')
    await silentSince(host.id, 1, 13)
    await miss(host)
    expect(await stateOf(host.id)).toBe('suspect')
    expect(await claim(host.id)).toBe(false)
    await beat(system)
    expect(await stateOf(host.id)).toBe('up')
    await silentSince(host.id, 4, 20)
    await miss(host)
    expect(await stateOf(host.id)).toBe('suspect')
    await silentSince(host.id, 5, 31)
    await miss(host)
    expect(await stateOf(host.id)).toBe('down')
    await beat(system)
    expect(await stateOf(host.id)).toBe('up')
    expect((await eventsOf(host.id)).map((event) => event.kind)).toEqual([
      'host.created',
      ...Array.from({ length: 5 }, () => 'host.updated'),
    ])
  }, 60_000)

  it.each([
    ['up', { missed: 5, silentMs: null }, 'down'],
    ['up', { missed: 9, silentMs: 11_000 }, 'up'],
    ['suspect', { missed: 1, silentMs: 5_000 }, 'suspect'],
    ['down', { missed: 1, silentMs: 5_000 }, 'down'],
    ['fenced', { missed: 0, silentMs: 1 }, 'fenced'],
  ] as const)('turns a host that is %s, after %o, into %s', (before, heard, after) => {
    expect(stateAfter(before, heard)).toBe(after)
  })
})

describe('fencing', () => {
  it('is for administrators only, is refused while the host answers, and stays until it is taken back', async () => {
    const admin = await testCtx(deps, { role: 'admin' })
    const host = await newHost()
    const { id } = host
    await expectCloudError(fenceHost(await testCtx(deps), { id }), 'forbidden')
    await expectCloudError(fenceHost(admin, { id }), 'conflict', /It answers, so it is not off/)
    await expectCloudError(unfenceHost(admin, { id: crypto.randomUUID() }), 'not_found')
    await deps.root.host.update({ where: { id }, data: { state: 'down', beat: { update: { missed: 9 } } } })
    await expectCloudError(fenceHost(admin, { id }), 'conflict', /It answers/)
    host.hypervisor.failNext('get', new DriverError('unavailable', 'off'))
    expect(await fenceHost(admin, { id })).toMatchObject({ state: 'fenced' })
    expect(await fenceHost(admin, { id }), 'again').toMatchObject({ state: 'fenced' })
    await beat(system)
    await registerHost(system, { name: host.name, endpoint: `fake:${host.name}` })
    expect(await getHost(admin, { id })).toMatchObject({ state: 'fenced', answers: true })
    expect(await claim(id)).toBe(false)
    expect(await unfenceHost(admin, { id })).toMatchObject({ state: 'down' })
    await beat(system)
    expect(await getHost(admin, { id })).toMatchObject({ state: 'up' })
    const operations = await deps.root.operation.findMany({
      where: { resourceId: id },
      orderBy: { createdAt: 'asc' },
    })
    expect(operations.map(({ action, state }) => [action, state])).toEqual([
      ['host.fence', 'succeeded'],
      ['host.unfence', 'succeeded'],
    ])
  })
})

describe('a machine that is gone', () => {
  it('can be deleted only when it does not answer and has no instances', async () => {
    const admin = await testCtx(deps, { role: 'admin' })
    const host = await newHost()
    const { id } = host
    await expectCloudError(deleteHost(admin, { id }), 'conflict', /answers/)
    await deps.root.host.update({ where: { id }, data: { state: 'suspect' } })
    await expectCloudError(deleteHost(admin, { id }), 'conflict', /may come back/)
    await deps.root.host.update({ where: { id }, data: { state: 'down' } })
    const { id: instance } = await newInstance(id, admin.projectId)
    await expectCloudError(deleteHost(admin, { id }), 'conflict', /1 instances/)
    await deps.root.instance.delete({ where: { id: instance } })
    await expectCloudError(deleteHost(await testCtx(deps), { id }), 'forbidden')
    await deleteHost(admin, { id })
    await expectCloudError(getHost(admin, { id }), 'not_found')
    expect((await eventsOf(id)).at(-1)?.kind).toBe('host.deleted')
    // The agent starts again and becomes a new host.
    expect((await registerHost(system, { name: host.name, endpoint: `fake:${host.name}` })).id).not.toBe(id)
  })
})
