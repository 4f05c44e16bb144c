import { createDocuments } from '@stratolith/drivers/documents'
import type { DocumentKeeper } from '@stratolith/drivers/documents/interface'
import { createFakeParts } from '@stratolith/drivers/fake-parts'
import { type HostDrivers, reportOf } from '@stratolith/drivers/host'
import type { FakeNetwork } from '@stratolith/drivers/network/fake'
import type { z } from 'zod'
import { type Ctx, type Deps, inTransaction, systemCtx } from '../kernel/context.ts'
import { pageInput } from '../kernel/contract.ts'
import { testCtx, testDeps } from '../kernel/testing.ts'
import { floatingIpCreateInput, networkCreateInput, routerCreateInput, ruleCreateInput } from './contract.ts'
import { loadNetwork, type NetworkRow } from './networks/load.ts'
import { createNetworkRow } from './networks/service.ts'
import { createPortsForInstance } from './ports/of-instances.ts'
import { addSubnet } from './subnets/service.ts'
import '../register.ts'

export type Tenant = Ctx & { projectId: string }
export type Cloud = {
  deps: Deps
  system: Ctx
  /** The simulated data planes, by the name in the endpoint "fake:NAME". */
  planes: Map<string, FakeNetwork>
  /** The network of floating IPs: 172.24.4.0/24. */
  externalId: string
  close(): Promise<void>
}

/**
 * Starts a cloud without guests: hosts that have only a (fake) network, and a provider network. `hostNamed` makes the
 * drivers of a host for tests that need other ones.
 */
export async function testCloud(hostNamed?: (name: string) => HostDrivers): Promise<Cloud> {
  const planes = new Map<string, FakeNetwork>()
  const keepers = new Map<string, DocumentKeeper>()
  const { deps, close } = await testDeps((endpoint) => {
    const name = endpoint.replace('fake:', '')
    if (hostNamed) return hostNamed(name)
    const made = createFakeParts({ network: { host: name } })
    const network = planes.get(name) ?? made.network
    planes.set(name, network)
    const parts = { ...made, network }
    const documents = keepers.get(name) ?? createDocuments(parts)
    keepers.set(name, documents)
    return { ...parts, documents, report: (op) => reportOf(parts, op) }
  })
  const system = systemCtx(deps, 'test-cloud')
  const owner = await testCtx(deps, { role: 'admin' })
  const externalId = await inTransaction(system, async (tx) => {
    const network = await createNetworkRow(tx, owner.projectId, { name: 'public', external: true })
    const subnet = { name: '', cidr: '172.24.4.0/24', gatewayIp: '172.24.4.1', dhcp: false, dns: [] }
    await addSubnet(tx, network, subnet)
    return network.id
  })
  return { deps, system, planes, externalId, close }
}

export async function addPlane(cloud: Cloud): Promise<{ id: string; plane: FakeNetwork }> {
  const id = crypto.randomUUID()
  const name = `h-${id.slice(0, 8)}`
  await cloud.deps.root.host.create({
    data: { id, name, endpoint: `fake:${name}`, vcpus: 64, memoryMib: 65_536, diskGib: 1000 },
  })
  cloud.deps.hosts.at(`fake:${name}`)
  const plane = cloud.planes.get(name)
  if (!plane) throw new Error('the fake host was not connected')
  return { id, plane }
}

/** Makes the ports of an instance on these networks; returns the ID of the first one. */
export async function newPort(
  ctx: Tenant,
  networkIds: string | string[],
  wish: { hostId?: string; groups?: string[]; instanceId?: string; address?: string } = {},
): Promise<string> {
  return inTransaction(ctx, async (tx) => {
    const networks: NetworkRow[] = []
    for (const id of [networkIds].flat()) networks.push(await loadNetwork(tx, 'network:get', id))
    const [first] = await createPortsForInstance(tx, {
      instanceId: wish.instanceId ?? crypto.randomUUID(),
      projectId: ctx.projectId,
      hostId: wish.hostId ?? null,
      networks,
      addresses: [wish.address],
      securityGroupIds: wish.groups ?? [],
    })
    if (!first) throw new Error('no port was made')
    return first.id
  })
}

/** Inputs as a door hands them over: parsed, with their defaults. */
export const page = (patch: z.input<typeof pageInput> = {}) => pageInput.parse(patch)
export const network = (patch: Partial<z.input<typeof networkCreateInput>> = {}) =>
  networkCreateInput.parse({ name: 'net', subnet: { cidr: '10.0.0.0/24' }, ...patch })
export const router = (patch: Partial<z.input<typeof routerCreateInput>> = {}) =>
  routerCreateInput.parse({ name: 'router', ...patch })
export const floatingIp = (patch: z.input<typeof floatingIpCreateInput> = {}) =>
  floatingIpCreateInput.parse(patch)
export const rule = (securityGroupId: string, patch: Partial<z.input<typeof ruleCreateInput>> = {}) =>
  ruleCreateInput.parse({ securityGroupId, direction: 'ingress', protocol: 'tcp', portMin: 22, ...patch })

/** Returns the kinds of the events of one resource, oldest first, without the events of its operations. */
export async function eventsOf(cloud: Cloud, resourceId: string): Promise<string[]> {
  const rows = await cloud.deps.root.event.findMany({
    where: { resourceId, NOT: { kind: { startsWith: 'operation.' } } },
    orderBy: { id: 'asc' },
  })
  return rows.map((row) => row.kind)
}

/** Returns what the project's counters say, without zeros. */
export async function usage(cloud: Cloud, projectId: string): Promise<Record<string, number>> {
  const rows = await cloud.deps.root.quotaUsage.findMany({ where: { projectId, used: { not: 0 } } })
  return Object.fromEntries(rows.map((row) => [row.resource, row.used]))
}

export const setQuota = (cloud: Cloud, projectId: string, resource: string, limit: number) =>
  cloud.deps.root.quotaLimit.create({ data: { projectId, resource, limit } })
