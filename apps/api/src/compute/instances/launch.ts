import type { Prisma } from '@stratolith/db'
import type { z } from 'zod'
import { claimHosts, rememberedHosts } from '../../hosts/service.ts'
import { type Ctx, inTransaction, projectOf } from '../../kernel/context.ts'
import { CloudError } from '../../kernel/errors.ts'
import { readFacts } from '../../kernel/facts.ts'
import { authorize } from '../../kernel/policy.ts'
import { type NewOperation, recordFailure, startOperations } from '../../kernel/workflow.ts'
import type { InstancePort } from '../../networking/service.ts'
import { reserveQuota } from '../../quota/service.ts'
import { volumesAtLaunch } from '../../volumes/service.ts'
import type { InstanceView, LaunchPlan, launchInput } from '../contract.ts'
import { lockGroup } from '../groups/service.ts'
import { byId, type Candidate, placementToKeep, shuffled } from '../scheduler/judge.ts'
import { hostnameOf } from '../states.ts'
import { exceeded, userQuotaFact } from '../user-quotas/service.ts'
import { diskBusOf } from './disk-bus.ts'
import { type Evaluation, evaluate, knowsPlace, type PlanInput, planView, virtualGibOf } from './evaluate.ts'
import { asInstanceRow, type InstanceRow, instanceEvent, noteInstance } from './instance-row.ts'
import { newLocalDisks } from './local-disks.ts'
import { type Attachments, attachmentsOf, portsAtLaunch, publicIpsAtLaunch } from './ports.ts'
import { viewOfNew, viewsOf } from './view.ts'

type LaunchInput = z.output<typeof launchInput>

/** Evaluates a launch without writing; costs a constant number of queries. */
export async function planInstance(ctx: Ctx, input: PlanInput): Promise<LaunchPlan> {
  authorize(ctx, 'compute:plan_instance', { projectId: projectOf(ctx) })
  const { hosts } = await hostsFor(ctx, input)
  return planView(ctx, await evaluate(ctx, input, { hosts, ties: byId }))
}

/**
 * Returns the hosts from memory, unless the memory does not know the place that the input names. `fresh`: the hosts
 * were read after the request came.
 */
async function hostsFor(
  ctx: Ctx,
  input: PlanInput,
): Promise<{ hosts: readonly Candidate[]; fresh: boolean }> {
  const now = performance.now()
  const hosts = await rememberedHosts(ctx)
  if (knowsPlace(hosts, input)) return { hosts, fresh: false }
  return { hosts: await rememberedHosts(ctx, now), fresh: true }
}

/** Another launch took the room between the look and the claim, or the look was old: the launch looks again. */
class Outrun extends Error {}
const attempts = 5

/** The ways in which launches of OpenStack's clients differ from those of the portal. */
export type LaunchWay = {
  /** Launch as many instances, from this number up to `count`, as quota, addresses and hosts have room for. */
  atLeast?: number
  /** When the only problem is that no host has room, make the instances all the same, in error with that reason. */
  inErrorWhenFull?: boolean
  /** Launch without a network when the caller names no network and the project has none. */
  orNoNetwork?: boolean
}

/**
 * Launches `count` instances: writes rows, quota, room on hosts, ports, addresses, operations and jobs of all of them
 * in one transaction, everything or nothing. Throws the problems that `plan` shows. A repeated call with the same
 * clientToken returns the instances that the first call made.
 */
export async function launchInstances(
  ctx: Ctx,
  input: LaunchInput,
  way: LaunchWay = {},
): Promise<{ instances: InstanceView[] }> {
  const projectId = projectOf(ctx)
  authorize(ctx, 'compute:launch_instance', { projectId })
  let known = await hostsFor(ctx, input)
  for (let attempt = 1; ; attempt++) {
    try {
      const made = await inTransaction(ctx, (tx) => launch(tx, { projectId, input, way, ...known }))
      return { instances: made.views ?? (await launchedViews(ctx, made.ids)) }
    } catch (error) {
      if (!(error instanceof Outrun)) throw error
      if (attempt === attempts)
        throw new CloudError('no_capacity', 'Others are launching faster than there is room. Try again.')
      known = { hosts: await rememberedHosts(ctx, performance.now()), fresh: true }
    }
  }
}

async function launchedViews(ctx: Ctx, ids: string[]): Promise<InstanceView[]> {
  const rows = await ctx.db.instance.findMany({ where: { id: { in: ids } }, orderBy: { launchIndex: 'asc' } })
  return viewsOf(ctx, rows.map(asInstanceRow))
}

type Order = {
  projectId: string
  input: LaunchInput
  way: LaunchWay
  hosts: readonly Candidate[]
  fresh: boolean
}

/** Makes the instances; returns their views, too, when no further read is needed for them. */
async function launch(ctx: Ctx, order: Order): Promise<{ ids: string[]; views?: InstanceView[] }> {
  const { projectId, input, hosts, way } = order
  if (input.serverGroupId) await lockGroup(ctx, input.serverGroupId)
  const ids = input.clientToken === undefined ? [] : await launchedBefore(ctx, projectId, input.clientToken)
  if (ids.length > 0) return { ids }
  const evaluation = await evaluate(ctx, input, { hosts, ties: shuffled(), ...way })
  if (evaluation.full && !order.fresh) throw new Outrun()
  const problem = evaluation.problems[0]
  if (problem?.code === 'no_capacity' && way.inErrorWhenFull)
    return { ids: await launchNowhere(ctx, order, evaluation, problem.message) }
  if (problem) throw new CloudError(problem.code, problem.message, { field: problem.field ?? undefined })
  if (input.nics?.some((nic) => 'portId' in nic) && evaluation.count > 1)
    throw new CloudError('invalid_input', 'A port goes to one instance: launch one at a time.')
  const attachments = await attachmentsOf(ctx, projectId, input, evaluation.networks)
  const rows = await createRows(ctx, order, evaluation, attachments)
  const made = await volumesAtLaunch(ctx, rows.map(placed), evaluation.volumes)
  const { ports, events } = await portsAtLaunch(ctx, rows.map(placed), attachments)
  const { judged } = evaluation.placement
  const operations = rows.map((row) => ({
    ...operationOf(row, input, evaluation.volumes.planned.length > 0 ? (made.get(row.id) ?? []) : undefined),
    explanation: placementToKeep(judged, row.hostId),
  }))
  const created = rows.map((row, i) => instanceEvent(row, 'created', operations[i]?.id, { name: row.name }))
  await startOperations(ctx, operations, [...events, ...created])
  await takeRoom(ctx, order, evaluation)
  if (attachments.publicIp) await publicIpsAtLaunch(ctx, ports)
  const read = attachments.publicIp || attachments.portIds.length > 0
  return {
    ids: rows.map((row) => row.id),
    ...(read ? {} : { views: rows.map((row) => viewOf(ctx, row, ports.get(row.id) ?? [], hosts)) }),
  }
}

/**
 * Takes the rows that all launches of a project, and all launches on a host, wait for. This comes last, so that the
 * others wait no longer than a commit takes, and everywhere in the same order (quota, hosts by id), so that launches
 * cannot deadlock. Throws Outrun when a host is full or in another zone meanwhile, or when the quota is used up and
 * fewer instances are enough.
 */
async function takeRoom(ctx: Ctx, { projectId, way }: Order, evaluation: Evaluation): Promise<void> {
  const { adds, count, need, placement } = evaluation
  // Floating IPs are counted with the row of each floating IP.
  await reserveQuota(ctx, projectId, { ...adds, floatingIps: 0 }).catch((error: unknown) => {
    const fewerWillDo = (way.atLeast ?? count) < count
    throw fewerWillDo && error instanceof CloudError && error.code === 'quota_exceeded' ? new Outrun() : error
  })
  if (evaluation.limitedUser) await recountUser(ctx, projectId)
  const guests = Map.groupBy(placement.hosts, ({ id }) => id)
  const { vcpus, memoryMib, diskGib } = need
  const claims = [...guests].map(([hostId, { length: n, 0: host }]) => ({
    hostId,
    zone: host?.zone,
    need: { vcpus: vcpus * n, memoryMib: memoryMib * n, diskGib: diskGib * n },
  }))
  if (!(await claimHosts(ctx, claims))) throw new Outrun()
}

/**
 * Checks the user's limits again, since another launch of the same user may have come first. Call this after the rows
 * are made, while the project's count is locked. The user may have more key pairs and groups than the limits allow: a
 * launch does not concern them.
 */
async function recountUser(ctx: Ctx, projectId: string): Promise<void> {
  const { own } = await readFacts(ctx, { own: userQuotaFact({ projectId, userId: ctx.actor.userId }) })
  if (exceeded(own, ['instances', 'vcpus', 'memoryMib'])) throw new Outrun()
}

/**
 * Returns the ids of the instances that an earlier launch with this token made, or a parallel launch, which is waited
 * for.
 */
async function launchedBefore(ctx: Ctx, projectId: string, clientToken: string): Promise<string[]> {
  await ctx.db
    .$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${`launch ${projectId} ${clientToken}`}, 0))`
  const rows = await ctx.db.instance.findMany({
    where: { projectId, clientToken },
    select: { id: true },
    orderBy: { launchIndex: 'asc' },
  })
  return rows.map((row) => row.id)
}

type Placed = InstanceRow & { hostId: string }
const placed = ({ id, name, projectId, hostId, diskBus, zone }: Placed) => ({
  ...{ id, name, projectId, hostId, diskBus },
  zone: zone ?? 'nova',
})

async function createRows(
  ctx: Ctx,
  order: Order,
  evaluation: Evaluation,
  attachments: Attachments,
): Promise<Placed[]> {
  const more = evaluation.placement.hosts.map(({ id, zone }) => ({ hostId: id, zone }))
  const lentPortIds = [...attachments.portIds]
  const rows = await insertRows(
    ctx,
    order,
    evaluation,
    more.map((one) => ({ ...one, lentPortIds })),
  )
  return rows.flatMap((row) => (row.hostId === null ? [] : [{ ...row, hostId: row.hostId }]))
}

/**
 * Makes the instances in error, as after a build that has failed: on no host, without ports, counted in the quota of
 * their project until they are deleted. Returns their ids.
 */
async function launchNowhere(ctx: Ctx, order: Order, evaluation: Evaluation, why: string): Promise<string[]> {
  const { projectId, input } = order
  const { count, adds, placement } = evaluation
  const faultMessage = `No valid host was found. ${why}`
  const fault = { faultCode: 500, faultMessage, faultAt: new Date() }
  const row = { vmState: 'error', taskState: null, zone: input.zone ?? null, adminPass: null, ...fault }
  const rows = await insertRows(
    ctx,
    order,
    evaluation,
    Array.from({ length: count }, () => row),
  )
  for (const one of rows) {
    const operation = { ...operationOf(one, input), explanation: placementToKeep(placement.judged, '') }
    await recordFailure(ctx, operation, { code: 'no_capacity', message: faultMessage })
    await noteInstance(ctx, one, 'created', operation.id, { name: one.name })
  }
  const { instances, vcpus, memoryMib } = adds
  await reserveQuota(ctx, projectId, { instances, vcpus, memoryMib })
  if (evaluation.limitedUser) await recountUser(ctx, projectId)
  return rows.map(({ id }) => id)
}

/**
 * Inserts the rows in one statement; `each` has the values that differ between the rows. Returns the rows in the order
 * of the launch.
 */
async function insertRows(
  ctx: Ctx,
  { projectId, input }: Order,
  evaluation: Evaluation,
  each: readonly Partial<Prisma.InstanceCreateManyInput>[],
): Promise<InstanceRow[]> {
  const { flavor, image: own, volumes, localDisks, key, count } = evaluation
  const { isRoot } = volumes
  const image = isRoot ? volumes.rootImage : own
  if (!flavor || (!own && !isRoot)) throw new CloudError('invalid_input', 'Choose an image and a flavor.')
  const properties = isRoot ? volumes.rootProperties : (own?.properties ?? {})
  const reservationId = `r-${crypto.randomUUID().slice(0, 8)}`
  const shared = {
    projectId,
    userId: ctx.actor.userId,
    description: input.description,
    imageId: image?.id,
    imageName: image?.name ?? '',
    base: isRoot || !own ? {} : { blobId: own.blobId, format: own.format, virtualGib: virtualGibOf(own) },
    rootOnVolume: isRoot,
    diskBus: diskBusOf(properties),
    flavorId: flavor.id,
    flavorName: flavor.name,
    vcpus: flavor.vcpus,
    memoryMib: flavor.memoryMib,
    diskGib: flavor.diskGib,
    ephemeralGib: flavor.ephemeralGib,
    swapMib: flavor.swapMib,
    flavorSpecs: flavor.extraSpecs as Prisma.InputJsonObject,
    keyName: key?.name,
    publicKey: key?.publicKey,
    userData: input.userData,
    metadata: input.metadata,
    clientToken: input.clientToken,
    reservationId,
    tags: input.tags,
    accessIpv4: input.accessIpv4,
    accessIpv6: input.accessIpv6,
    configDrive: input.configDrive,
    diskConfig: input.diskConfig,
    adminPass: input.configDrive ? input.adminPass : undefined,
    serverGroupId: input.serverGroupId,
  }
  const rows = await ctx.db.instance.createManyAndReturn({
    data: each.map((own, launchIndex) => {
      const id = crypto.randomUUID()
      const name = numbered(input.name, launchIndex, count)
      const disks = newLocalDisks(localDisks, properties)
      return { ...shared, id, name, hostname: hostnameOf(name, id), launchIndex, localDisks: disks, ...own }
    }),
  })
  return rows.map(asInstanceRow).sort((a, b) => a.launchIndex - b.launchIndex)
}

/** `made`: the volumes that the launch makes, which are deleted when the launch fails. */
function operationOf(row: InstanceRow, input: LaunchInput, made?: readonly string[]): NewOperation {
  return {
    id: crypto.randomUUID(),
    action: 'instance.create',
    resourceKind: 'instance',
    resourceId: row.id,
    resourceName: row.name,
    projectId: row.projectId,
    hostId: row.hostId,
    input: { where: whereOf(input), ...(made ? { volumes: [...made] } : {}) },
  }
}

function viewOf(
  ctx: Ctx,
  row: Placed,
  ports: readonly InstancePort[],
  hosts: readonly Candidate[],
): InstanceView {
  return viewOfNew(ctx, row, {
    addresses: ports.flatMap(({ id, address, networkId, networkName, mac }) =>
      address === null
        ? []
        : [{ networkId, networkName, portId: id, mac, address, floatingIp: null, floatingIpId: null }],
    ),
    hostName: hosts.find((host) => host.id === row.hostId)?.name ?? null,
  })
}

/** The zone and the host that the caller asked for; a build that must find another host needs them. */
const whereOf = ({ zone, hostName }: LaunchInput) => ({
  ...(zone === undefined ? {} : { zone }),
  ...(hostName === undefined ? {} : { hostName }),
})

/** "web" ×3 → web-1 web-2 web-3; a {n} in the name says where the number goes. */
export function numbered(name: string, index: number, count: number): string {
  if (name.includes('{n}')) return name.replaceAll('{n}', String(index + 1))
  return count === 1 ? name : `${name}-${index + 1}`
}
