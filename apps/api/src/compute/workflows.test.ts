import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Ctx } from '../kernel/context.ts'
import { runOperation } from '../kernel/run.ts'
import { failEveryStep, runPending, type WorkflowCase } from '../kernel/testing.ts'
import {
  deleteInstance,
  pauseInstance,
  rebootInstance,
  startInstance,
  stopInstance,
  unpauseInstance,
} from './instances/actions.ts'
import { attachInterface, detachInterface } from './instances/interfaces.ts'
import { launchInstances } from './instances/launch.ts'
import { accounts, aLaunch, leftovers, testTenant, testWorld, type World } from './testing.ts'

let world: World
let tenant: Ctx & { projectId: string; networkId: string }
beforeEach(async () => {
  world = await testWorld()
  tenant = await testTenant(world)
  // The tests do not look at the tenant's own network and router.
  await runPending(world.deps)
})
afterEach(() => world.close())

const db = () => world.deps.root
const rowOf = (id: string) => db().instance.findUnique({ where: { id } })
const started = async (resourceId: string, action: string) => ({
  operationId: (
    await db().operation.findFirstOrThrow({
      where: { resourceId, action },
      orderBy: { createdAt: 'desc' },
    })
  ).id,
  resourceId,
})

const withAddress = { openPresets: ['ssh'], publicIp: true }
/** Makes a launch that has only been acknowledged: with a public address and a security group of its own. */
async function launched(more: object = withAddress): Promise<string> {
  const { instances } = await launchInstances(tenant, aLaunch(world, more))
  return instances[0]?.id ?? ''
}
async function running(more?: object): Promise<string> {
  const id = await launched(more)
  await runPending(world.deps)
  expect(await rowOf(id)).toMatchObject({ faultDetail: null, vmState: 'active', taskState: null })
  return id
}
/** Makes an instance, does the actions in `before` until they are settled, and then queues the action. */
const acted = (
  action: string,
  act: (ctx: Ctx, input: { id: string }) => Promise<unknown>,
  before: ((ctx: Ctx, input: { id: string }) => Promise<unknown>)[] = [],
) => {
  return async () => {
    // Only the build and the deletion need everything that a launch can have.
    const id = await running(action === 'instance.delete' ? withAddress : {})
    for (const one of before) {
      await one(tenant, { id })
      await runPending(world.deps)
    }
    await act(tenant, { id })
    return started(id, action)
  }
}

/** Returns the guest as its host has it. */
async function guestOf(id: string) {
  const guests = [...world.hosts.values()].flatMap((host) => host.hypervisor.state.instances[id] ?? [])
  expect(guests.length).toBeLessThanOrEqual(1)
  return guests[0]
}
const vmStateOf = { running: 'active', paused: 'paused', off: 'stopped', crashed: 'error' }
const instanceUsage = { instances: 1, vcpus: 1, memoryMib: expect.any(Number) }

/** Expects that nothing of the instance is left on hosts, in quota, in addresses and in the room of hosts. */
async function nothingLeft(id: string, at: string): Promise<void> {
  expect(await rowOf(id), at).toBeNull()
  expect(await leftovers(world), at).toEqual({ guests: 0, ports: 0, disks: 0 })
  const { projectId } = tenant
  const used = await accounts(world, projectId)
  for (const resource of ['instances', 'vcpus', 'memoryMib', 'floatingIps', 'hostVcpus', 'hostMemoryMib'])
    expect(used[resource] ?? 0, `${at}: ${resource}`).toBe(0)
  expect(used.hostDiskGib, at).toBe(0)
  expect(await db().port.count({ where: { deviceId: id } }), at).toBe(0)
  expect(await db().port.count({ where: { projectId, deviceOwner: 'compute:nova' } }), at).toBe(0)
  expect(await db().floatingIp.count({ where: { projectId } }), at).toBe(0)
}
/** Deletes the instance, as its owner can after any outcome, and expects that nothing is left. */
async function endOf(id: string, at: string): Promise<void> {
  await deleteInstance(tenant, { id })
  await runPending(world.deps)
  await nothingLeft(id, at)
}

/**
 * After a failed action on an existing guest, the instance is in error with the reason and keeps everything. When the
 * action failed after its last effect, the state is that of the guest on its host, as after a success.
 */
const failedAction = async (id: string, at: string) => {
  const { vmState, taskState, faultMessage } = (await rowOf(id)) ?? {}
  expect(taskState, at).toBeNull()
  if (at.endsWith('after settle'))
    expect([vmState, faultMessage], at).toEqual([vmStateOf[(await guestOf(id))?.power ?? 'off'], null])
  else expect([vmState, faultMessage], at).toEqual(['error', 'Injected failure.'])
  expect(await accounts(world, tenant.projectId), at).toMatchObject({
    ...instanceUsage,
    ports: expect.any(Number),
    hostVcpus: 1,
  })
  await endOf(id, at)
}
const becomes =
  (vmState: string, power: string | undefined): WorkflowCase['afterSuccess'] =>
  async (id, at) => {
    expect(await rowOf(id), at).toMatchObject({ vmState, taskState: null, faultMessage: null })
    expect((await guestOf(id))?.power, at).toBe(power)
    await endOf(id, at)
  }

const nicsOf = async (id: string) => {
  const ports = await db().port.findMany({ where: { deviceId: id }, orderBy: { tag: 'asc' } })
  return {
    rows: ports.map((port) => port.id),
    guest: (await guestOf(id))?.spec.nics.map((nic) => nic.portId) ?? [],
    host: [...world.hosts.values()]
      .flatMap((host) => [...host.network.state.ports.values()])
      .filter((port) => port.instanceId === id)
      .map((port) => port.id)
      .sort(),
  }
}
/** Expects that rows, guest and host agree on this number of interfaces. */
async function hasNics(id: string, count: number, at: string): Promise<void> {
  const { rows, guest, host } = await nicsOf(id)
  expect(rows, at).toHaveLength(count)
  expect(guest, at).toEqual(rows)
  expect(host, at).toEqual([...rows].sort())
  expect((await accounts(world, tenant.projectId)).ports, at).toBe(
    await db().port.count({ where: { projectId: tenant.projectId } }),
  )
  expect(await rowOf(id), at).toMatchObject({ vmState: 'active', taskState: null })
}
const attach = (ctx: Ctx, { id }: { id: string }) => attachInterface(ctx, { id, networkId: tenant.networkId })
const detach = async (ctx: Ctx, { id }: { id: string }) =>
  detachInterface(ctx, { id, portId: (await nicsOf(id)).rows[1] ?? '' })

const cases: WorkflowCase[] = [
  {
    action: 'instance.create',
    start: async () => started(await launched(), 'instance.create'),
    async afterFailure(id, at) {
      expect(await rowOf(id), at).toMatchObject({
        vmState: 'error',
        taskState: null,
        hostId: null,
        floatingIpId: null,
        faultMessage: 'Injected failure.',
      })
      expect(await leftovers(world), at).toEqual({ guests: 0, ports: 0, disks: 0 })
      const used = await accounts(world, tenant.projectId)
      expect(used, at).toMatchObject({ ...instanceUsage, hostVcpus: 0, hostMemoryMib: 0, hostDiskGib: 0 })
      expect(used.floatingIps ?? 0, at).toBe(0)
      expect(await db().port.count({ where: { deviceId: id } }), at).toBe(0)
      await endOf(id, at)
    },
    afterSuccess: becomes('active', 'running'),
  },
  {
    action: 'instance.delete',
    start: acted('instance.delete', deleteInstance),
    async afterFailure(id, at) {
      if (!(await rowOf(id))) return nothingLeft(id, at) // the deletion failed after its last effect
      expect(await rowOf(id), at).toMatchObject({
        vmState: 'error',
        taskState: null,
        faultMessage: 'Injected failure.',
      })
      expect(await accounts(world, tenant.projectId), at).toMatchObject({
        ...instanceUsage,
        hostVcpus: 1,
      })
      await endOf(id, at)
    },
    afterSuccess: nothingLeft,
  },
  {
    action: 'instance.start',
    start: acted('instance.start', startInstance, [stopInstance]),
    afterFailure: failedAction,
    afterSuccess: becomes('active', 'running'),
  },
  {
    action: 'instance.stop',
    start: acted('instance.stop', stopInstance),
    afterFailure: failedAction,
    afterSuccess: becomes('stopped', 'off'),
  },
  {
    action: 'instance.pause',
    start: acted('instance.pause', pauseInstance),
    afterFailure: failedAction,
    afterSuccess: becomes('paused', 'paused'),
  },
  {
    action: 'instance.unpause',
    start: acted('instance.unpause', unpauseInstance, [pauseInstance]),
    afterFailure: failedAction,
    afterSuccess: becomes('active', 'running'),
  },
  {
    action: 'instance.reboot',
    start: acted('instance.reboot', (ctx, input) => rebootInstance(ctx, { ...input, kind: 'soft' })),
    afterFailure: failedAction,
    afterSuccess: becomes('active', 'running'),
  },
  {
    action: 'instance.attach',
    start: acted('instance.attach', attach),
    async afterFailure(id, at) {
      await hasNics(id, 1, at)
      await endOf(id, at)
    },
    async afterSuccess(id, at) {
      await hasNics(id, 2, at)
      await endOf(id, at)
    },
  },
  {
    action: 'instance.detach',
    start: acted('instance.detach', detach, [attach]),
    async afterFailure(id, at) {
      // When the action failed after its last effect, the port is gone; when before, the guest has its interface again.
      await hasNics(id, at.endsWith('after port') ? 1 : 2, at)
      await endOf(id, at)
    },
    async afterSuccess(id, at) {
      await hasNics(id, 1, at)
      await endOf(id, at)
    },
  },
]

describe('every step of', () => {
  test.each(cases.map((one) => [one.action, one] as const))('%s may fail, and be run twice', (_action, one) =>
    failEveryStep(world.deps, one),
  )
})

test('every step of a hard reboot may fail, and be run twice', () =>
  failEveryStep(world.deps, {
    action: 'instance.reboot',
    start: acted('instance.reboot', (ctx, input) => rebootInstance(ctx, { ...input, kind: 'hard' })),
    afterFailure: failedAction,
    afterSuccess: becomes('active', 'running'),
  }))

test('a build that fails is settled, although its last transaction deadlocks once at COMMIT', async () => {
  const id = await launched({})
  const { operationId } = await started(id, 'instance.create')
  await db().$executeRaw`CREATE SEQUENCE met`
  await db().$executeRaw`CREATE FUNCTION meet() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF nextval('met') = 1 THEN RAISE EXCEPTION 'met' USING ERRCODE = '40P01'; END IF; RETURN NULL; END $$`
  await db()
    .$executeRaw`CREATE CONSTRAINT TRIGGER meet AFTER UPDATE ON "Instance" DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW."vmState" = 'error') EXECUTE FUNCTION meet()`
  const fail = () => Promise.reject(new Error('Injected failure.'))
  await runOperation(world.deps, operationId, {
    last: false,
    probe: ({ phase }) => (phase === 'run' ? fail() : undefined),
  })
  expect(await rowOf(id)).toMatchObject({ vmState: 'error', taskState: null, hostId: null })
})
