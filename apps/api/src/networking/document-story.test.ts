import { documentKinds } from '@stratolith/drivers/documents/kinds'
import { wishDigest } from '@stratolith/drivers/network/digest'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { forgetReasons } from '../../../../tools/cloud/identity.ts'
import { renderDocuments } from '../hosts/document-rooms.ts'
import { deliver, deliverAll } from '../hosts/documents.ts'
import { withdrawFrom } from '../hosts/withdrawal.ts'
import { inTransaction } from '../kernel/context.ts'
import { CloudError } from '../kernel/errors.ts'
import { plainOp } from '../kernel/hosts.ts'
import { runPending, testCtx } from '../kernel/testing.ts'
import { subnetCreateInput } from './contract.ts'
import { type Chance, chance, kinds, Machine } from './document-story.testing.ts'
import { associateFloatingIp, createFloatingIp, deleteFloatingIp } from './floating-ips/service.ts'
import { createNetwork, deleteNetwork, updateNetwork } from './networks/service.ts'
import { updatePort } from './ports/change.ts'
import { bindPort, deletePortsOfInstance } from './ports/of-instances.ts'
import { reconcileHost } from './reconcile.ts'
import {
  addRouterInterface,
  createRouter,
  deleteRouter,
  removeRouterInterface,
  setRouterGateway,
  updateRouter,
} from './routers/service.ts'
import {
  createSecurityGroup,
  deleteSecurityGroup,
  newSecurityGroupRule,
  removeSecurityGroupRule,
} from './security-groups/service.ts'
import { createSubnet, deleteSubnet, updateSubnet } from './subnets/service.ts'
import { type Cloud, floatingIp, network, newPort, router, rule, type Tenant, testCloud } from './testing.ts'

/**
 * Random interleavings of changes, deliveries, crashes and restarts. Whatever happens, the host ends equal to the rows,
 * nothing that was revoked comes back, no generation falls, and a deleted thing is forgotten when the host has
 * confirmed that it is gone, and not before. `STORY_SEEDS=500 npm test -- api` tries more seeds; `STORY_SEED=17` runs
 * the one seed that a failure names.
 */
const only = process.env.STORY_SEED
const seeds = only
  ? [Number(only)]
  : Array.from({ length: Number(process.env.STORY_SEEDS ?? 6) }, (_, i) => i + 1)
const rounds = 25

const machines = new Map<string, Machine>()
let cloud: Cloud
beforeAll(async () => {
  cloud = await testCloud((name) => {
    const machine = new Machine(name)
    machines.set(name, machine)
    return machine.drivers
  })
})
afterAll(async () => {
  for (const machine of machines.values()) machine.end()
  await cloud.close()
})
const db = () => cloud.deps.root

type Host = { id: string; machine: Machine }
type Story = {
  ctx: Tenant
  dice: Chance
  hosts: Host[]
  /** Deliveries that have begun; when the worker that began them dies, they go on without it. */
  deliveries: Promise<unknown>[]
  trace: string[]
  counts: { done: number; refused: number }
  /**
   * The periodic comparison of hosts and rows is needed in this story, because a host has lost something that it had
   * confirmed.
   */
  lostSomething: boolean
  /**
   * Things, as "host/thing", that a host may keep: the database that was restored does not know that they are to go.
   */
  unknown: Set<string>
}

async function addHost(): Promise<Host> {
  const id = crypto.randomUUID()
  const name = `h-${id.slice(0, 8)}`
  await db().host.create({
    data: { id, name, endpoint: `fake:${name}`, vcpus: 64, memoryMib: 65_536, diskGib: 1000 },
  })
  cloud.deps.hosts.at(`fake:${name}`)
  const machine = machines.get(name)
  if (!machine) throw new Error('the machine was not connected')
  return { id, machine }
}

async function begin(seed: number): Promise<Story> {
  await db().host.updateMany({ data: { state: 'down' } })
  const ctx = await testCtx(cloud.deps, { role: 'admin' })
  const dice = chance(seed)
  const story: Story = {
    ctx,
    dice,
    hosts: [await addHost(), await addHost()],
    deliveries: [],
    trace: [],
    counts: { done: 0, refused: 0 },
    lostSomething: false,
    unknown: new Set(),
  }
  for (const name of ['red', 'blue']) {
    const n = name === 'red' ? 1 : 2
    const made = await createNetwork(ctx, network({ name, subnet: { cidr: `10.${n}.0.0/24`, dhcp: false } }))
    const { id } = await createRouter(ctx, router({ name, externalNetworkId: cloud.externalId }))
    await addRouterInterface(ctx, { id, subnetId: made.subnets[0]?.id ?? '' })
    const group = await createSecurityGroup(ctx, { name, description: '' })
    await newSecurityGroupRule(ctx, rule(group.id, { portMin: nextRule++ }))
    for (const host of story.hosts) await newPort(ctx, made.id, { hostId: host.id, groups: [group.id] })
  }
  return story
}
/** No rule is granted twice, so that a revoked rule that comes back is seen. */
let nextRule = 1_000

const own = (story: Story) =>
  ({ where: { projectId: story.ctx.projectId }, orderBy: { createdAt: 'asc' } }) as const
function one(s: Story, rows: readonly { id: string }[]): string {
  const row = s.dice.of(rows)
  if (!row) throw new CloudError('not_found', 'There is none.')
  return row.id
}
const some = {
  group: async (s: Story) => one(s, await db().securityGroup.findMany(own(s))),
  router: async (s: Story) => one(s, await db().router.findMany(own(s))),
  network: async (s: Story) => one(s, await db().network.findMany(own(s))),
  subnet: async (s: Story) => one(s, await db().subnet.findMany(own(s))),
  floatingIp: async (s: Story) => one(s, await db().floatingIp.findMany(own(s))),
  rule: async (s: Story) => one(s, await db().securityGroupRule.findMany(own(s))),
  ports: async (s: Story) =>
    db().port.findMany({
      where: { projectId: s.ctx.projectId, deviceOwner: 'compute:nova' },
      orderBy: { tag: 'asc' },
      include: { addresses: true },
    }),
}
type Ports = Awaited<ReturnType<typeof some.ports>>
const somePort = async (s: Story): Promise<Ports[number]> => {
  const port = s.dice.of(await some.ports(s))
  if (!port) throw new CloudError('not_found', 'There is no port.')
  return port
}

const changes: Record<string, (s: Story) => Promise<unknown>> = {
  async 'add a rule'(s) {
    const remoteGroupId = s.dice.percent(40) ? await some.group(s) : undefined
    await newSecurityGroupRule(s.ctx, rule(await some.group(s), { portMin: nextRule++, remoteGroupId }))
  },
  'revoke a rule': async (s) => removeSecurityGroupRule(s.ctx, { id: await some.rule(s) }),
  'make a group': (s) => createSecurityGroup(s.ctx, { name: 'more', description: '' }),
  'delete a group': async (s) => deleteSecurityGroup(s.ctx, { id: await some.group(s) }),
  async 'change the groups of a port'(s) {
    const groups = s.dice.percent(70) ? [await some.group(s), await some.group(s)] : []
    await updatePort(s.ctx, { id: (await somePort(s)).id, securityGroupIds: [...new Set(groups)] })
  },
  async 'move an address'(s) {
    const from = await somePort(s)
    const to = s.dice.of(
      (await some.ports(s)).filter((one) => one.networkId === from.networkId && one.id !== from.id),
    )
    const [address] = from.addresses
    if (!to || !address) return
    const { subnetId } = address
    const free = address.address.replace(/\d+$/, String(200 + s.dice.below(50)))
    const [its] = to.addresses
    await updatePort(s.ctx, { id: from.id, fixedIps: [{ subnetId, address: free }] })
    await updatePort(s.ctx, { id: to.id, fixedIps: [{ subnetId, address: address.address }] })
    // The two ports change places: the port that had the address gets the other port's address.
    if (its && s.dice.percent(70))
      await updatePort(s.ctx, { id: from.id, fixedIps: [{ subnetId, address: its.address }] })
  },
  async 'make a port'(s) {
    const host = s.dice.of(s.hosts)
    await newPort(s.ctx, await some.network(s), { hostId: host?.id, groups: [await some.group(s)] })
  },
  async 'bind a port'(s) {
    const host = s.dice.percent(60) ? s.dice.of(s.hosts) : undefined
    const { id } = await somePort(s)
    await inTransaction(s.ctx, (tx) => bindPort(tx, id, host?.id ?? null))
  },
  async 'delete a port'(s) {
    await deletePortsOfInstance(s.ctx, (await somePort(s)).deviceId)
  },
  'switch a port': async (s) =>
    updatePort(s.ctx, { id: (await somePort(s)).id, adminUp: s.dice.percent(50) }),
  'add a leg': async (s) =>
    addRouterInterface(s.ctx, { id: await some.router(s), subnetId: await some.subnet(s) }),
  'remove a leg': async (s) =>
    removeRouterInterface(s.ctx, { id: await some.router(s), subnetId: await some.subnet(s) }),
  'turn the way out': async (s) =>
    setRouterGateway(s.ctx, {
      id: await some.router(s),
      externalNetworkId: s.dice.percent(60) ? cloud.externalId : null,
    }),
  'switch a router': async (s) =>
    updateRouter(s.ctx, { id: await some.router(s), adminUp: s.dice.percent(50) }),
  'make a router': (s) => createRouter(s.ctx, router({ externalNetworkId: cloud.externalId })),
  'delete a router': async (s) => deleteRouter(s.ctx, { id: await some.router(s) }),
  'make a floating IP': async (s) => createFloatingIp(s.ctx, floatingIp({ portId: (await somePort(s)).id })),
  'move a floating IP': async (s) =>
    associateFloatingIp(s.ctx, {
      id: await some.floatingIp(s),
      portId: s.dice.percent(60) ? (await somePort(s)).id : null,
    }),
  'delete a floating IP': async (s) => deleteFloatingIp(s.ctx, { id: await some.floatingIp(s) }),
  'change a network': async (s) =>
    updateNetwork(s.ctx, {
      id: await some.network(s),
      ...(s.dice.percent(50) ? { mtu: 1_300 + s.dice.below(200) } : { adminUp: s.dice.percent(70) }),
    }),
  'make a network': (s) =>
    createNetwork(s.ctx, network({ subnet: { cidr: `10.${3 + s.dice.below(90)}.0.0/24`, dhcp: false } })),
  'delete a network': async (s) => deleteNetwork(s.ctx, { id: await some.network(s) }),
  'add a subnet': async (s) =>
    createSubnet(
      s.ctx,
      subnetCreateInput.parse({
        networkId: await some.network(s),
        cidr: `10.${100 + s.dice.below(90)}.0.0/24`,
        dhcp: s.dice.percent(50),
      }),
    ),
  'change a subnet': async (s) =>
    updateSubnet(s.ctx, { id: await some.subnet(s), dns: [`9.9.9.${1 + s.dice.below(200)}`] }),
  'delete a subnet': async (s) => deleteSubnet(s.ctx, { id: await some.subnet(s) }),
}

/** Events on the way to the machines and on the machines themselves. */
const events: Record<string, (s: Story, host: Host) => unknown> = {
  'a delivery begins': (s, host) => {
    // A delivery of an operation also sends documents that another delivery is sending at that moment.
    const about = { kinds: documentKinds, gone: documentKinds }
    const delivery = deliver(cloud.system, plainOp(cloud.system), host.id, about)
    s.deliveries.push(
      delivery.catch((error: unknown) => {
        if (!(error instanceof Error && error.name === 'DriverError')) throw error
      }),
    )
  },
  'what is not needed is withdrawn': (_s, host) => withdrawFrom(cloud.system, host.id, 0),
  'the pump runs': (s) => void s.deliveries.push(deliverAll(cloud.system)),
  'a message arrives': (s, { machine }) => {
    const message = s.dice.of(machine.wire)
    if (message) s.deliveries.push(machine.arrive(message))
  },
  'its answer is lost': (s, { machine }) => {
    const message = s.dice.of(machine.wire)
    if (message) s.deliveries.push(machine.arrive(message, { answered: false }))
  },
  'a message arrives and will again': (s, { machine }) => {
    const message = s.dice.of(machine.wire)
    if (message) s.deliveries.push(machine.arrive(message, { again: true }))
  },
  'a message is lost': (s, { machine }) => {
    const message = s.dice.of(machine.wire)
    if (message) machine.lose(message)
  },
  'the agent will be killed in the middle of a change': (s, { machine }) => machine.dieAfter(s.dice.below(5)),
  'the agent is killed': (s, { machine }) => machine.restart(s.dice.percent(50)),
}
const disasters: Record<string, (s: Story, host: Host) => Promise<unknown>> = {
  async 'the machine goes down'(s, { machine }) {
    s.lostSomething = true
    await machine.crash(s.dice.below)
  },
  async 'the database is an older one'(s) {
    s.lostSomething = true
    for (const { machine } of s.hosts) {
      machine.way = 'swift'
      machine.spare()
      machine.cut()
    }
    await Promise.all(s.deliveries)
    for (const { machine } of s.hosts) {
      machine.way = 'late'
      machine.forgetWhatWasSaid()
    }
    const back = s.dice.below(6)
    await db().$executeRaw`UPDATE "Document" SET "generation" = greatest(1, "generation" - ${back})`
    const unwanted = await db().hostDocument.findMany({ where: { wanted: false } })
    await forgetReasons({ query: (sql) => db().$executeRawUnsafe(sql) })
    for (const { hostId, thing } of unwanted) s.unknown.add(`${hostId}/${thing}`)
  },
}

async function change(s: Story): Promise<void> {
  const name = s.dice.of(Object.keys(changes)) ?? ''
  try {
    await changes[name]?.(s)
    s.counts.done++
    s.trace.push(name)
  } catch (error) {
    if (!(error instanceof CloudError) || error.code === 'internal') throw error
    s.counts.refused++
  }
}

async function happen(s: Story, list: typeof events): Promise<void> {
  const name = s.dice.of(Object.keys(list)) ?? ''
  const host = s.dice.of(s.hosts)
  s.trace.push(name)
  if (host) await list[name]?.(s, host)
}

/** Lets time pass: late messages arrive or are lost, every operation ends, and the hosts are told everything. */
async function settle(s: Story): Promise<void> {
  for (const { machine } of s.hosts) {
    machine.way = 'swift'
    machine.spare()
    for (const message of [...machine.wire]) await machine.arrive(message)
  }
  await Promise.all(s.deliveries)
  await runPending(cloud.deps)
  if (s.lostSomething) {
    await db().port.updateMany({ data: { createdAt: new Date(0) } })
    for (const { id } of s.hosts) await reconcileHost(cloud.system, id)
  }
  const of = { hostId: { in: s.hosts.map(({ id }) => id) } }
  for (let round = 0; round < 10; round++) {
    await db().hostDocument.updateMany({ where: of, data: { dueAt: null } })
    const told = await Promise.all(s.hosts.map(({ id }) => deliver(cloud.system, plainOp(cloud.system), id)))
    if (told.flat().length === 0) return
  }
}

/** Returns in words how a host differs from the rows: a thing too many, a missing one, or a different one. */
async function differences(s: Story, { id: hostId, machine }: Host): Promise<string[]> {
  const ctx = cloud.system
  const rows = await db().hostDocument.findMany({ where: { hostId } })
  const { digests } = await machine.network.list(plainOp(ctx))
  const wrong = rows
    .filter((row) => !row.wanted && !(row.kind.startsWith('held ') && digests[row.thing]))
    .filter((row) => !row.kind.startsWith('gone '))
    .map((row) => `${row.kind}/${row.thing} is not forgotten: ${row.error}`)
  for (const kind of kinds) {
    const ids = rows.filter((row) => row.kind === kind).map((row) => row.thing)
    const specs = await renderDocuments(ctx, kind, ids)
    for (const id of ids) {
      const spec = specs.get(id)
      if (!spec) wrong.push(`${kind}/${id} is wanted and has no row`)
      else if (digests[id] !== wishDigest[kind](spec as never)) {
        const row = rows.find((one) => one.kind === kind && one.thing === id)
        wrong.push(
          `${kind}/${id} ${digests[id] ? 'is otherwise' : 'is missing'}: ${row?.error} ${row?.confirmed}`,
        )
      }
      delete digests[id]
    }
  }
  // Things that the restored database does not know are left on the host and shown as strays.
  const strays = await db().stray.findMany({ where: { hostId } })
  const shown = new Set(strays.map((one) => one.thing).filter((id) => s.unknown.has(`${hostId}/${id}`)))
  const left = Object.keys(digests).filter((id) => !shown.has(id))
  return [...wrong, ...left.map((id) => `${id} is left over`)]
}

/**
 * Returns things that the database has forgotten while the host still has them: a thing may be forgotten only after the
 * host has confirmed that it is gone.
 */
async function forgottenTooSoon(s: Story, { id: hostId, machine }: Host): Promise<string[]> {
  const { networks, routers, sets, ports } = machine.network.state
  const has = [networks, routers, sets, ports].flatMap((map) => [...map.keys()])
  const rows = await db().hostDocument.findMany({
    where: { hostId, thing: { in: has }, NOT: { kind: { startsWith: 'gone ' } } },
    select: { thing: true },
  })
  const known = new Set(rows.map((row) => row.thing))
  const isExpected = (id: string) => known.has(id) || s.unknown.has(`${hostId}/${id}`)
  return has.filter((id) => !isExpected(id)).map((id) => `${id} was forgotten while the host had it`)
}

it.each(seeds)('story %d', async (seed) => {
  const s = await begin(seed)
  const found: string[] = []
  for (const { machine } of s.hosts) machine.way = 'late'
  for (let round = 0; round < rounds && found.length === 0; round++) {
    await Promise.all(Array.from({ length: 1 + s.dice.below(3) }, () => change(s)))
    for (let i = s.dice.below(4); i >= 0; i--) await happen(s, events)
    if (seed % 2 === 0 && s.dice.percent(6)) await happen(s, disasters as typeof events)
    for (const host of s.hosts) found.push(...host.machine.violations, ...(await forgottenTooSoon(s, host)))
  }
  await settle(s)
  for (const host of s.hosts) found.push(...host.machine.violations, ...(await differences(s, host)))
  expect(found, `STORY_SEED=${seed} after: ${s.trace.join(', ')}`).toEqual([])
  expect(s.counts.done).toBeGreaterThan(s.counts.refused / 2)
})
