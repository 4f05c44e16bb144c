import { Prisma } from '@stratolith/db'
import type { z } from 'zod'
import { claimHost } from '../../hosts/service.ts'
import type { BootImage } from '../../images/service.ts'
import { type Ctx, inTransaction, projectOf } from '../../kernel/context.ts'
import { CloudError } from '../../kernel/errors.ts'
import { authorize } from '../../kernel/policy.ts'
import { reserveQuota } from '../../kernel/quota.ts'
import { startOperation } from '../../kernel/workflow.ts'
import type { InstanceView, LaunchPlan, launchInput } from '../contract.ts'
import type { Flavor } from '../flavors/service.ts'
import { lockGroup } from '../groups/service.ts'
import { verdictsToKeep } from '../scheduler/judge.ts'
import { type Evaluation, evaluate, type PlanInput, planView, virtualGibOf } from './evaluate.ts'
import { noteInstance, typed } from './load.ts'
import { type Attachments, attachAtLaunch, attachmentsOf } from './ports.ts'
import { viewsOf } from './view.ts'

type LaunchInput = z.output<typeof launchInput>

/** Never writes; constant number of queries. */
export async function planInstance(ctx: Ctx, input: PlanInput): Promise<LaunchPlan> {
  authorize(ctx, 'compute:plan_instance', { projectId: projectOf(ctx) })
  return planView(ctx, await evaluate(ctx, input))
}

/** Another launch took the room between our look and our claim: look again. */
class Outrun extends Error {}
const attempts = 5

/**
 * Rows, quota, room on hosts, ports, addresses, operations and jobs of all `count` instances in
 * one transaction: everything or nothing. Throws what `plan` shows as problems. Repeating it with
 * the same clientToken returns the instances that the first call made.
 */
export async function launchInstances(ctx: Ctx, input: LaunchInput): Promise<{ instances: InstanceView[] }> {
  const projectId = projectOf(ctx)
  authorize(ctx, 'compute:launch_instance', { projectId })
  for (let attempt = 1; ; attempt++) {
    try {
      const ids = await inTransaction(ctx, (tx) => launch(tx, projectId, input))
      const rows = await ctx.db.instance.findMany({
        where: { id: { in: ids } },
        orderBy: { launchIndex: 'asc' },
      })
      return { instances: await viewsOf(ctx, rows.map(typed)) }
    } catch (error) {
      if (!(error instanceof Outrun)) throw error
      if (attempt === attempts)
        throw new CloudError('no_capacity', 'Others are launching faster than there is room. Try again.')
    }
  }
}

async function launch(ctx: Ctx, projectId: string, input: LaunchInput): Promise<string[]> {
  if (input.serverGroupId) await lockGroup(ctx, input.serverGroupId)
  const known = input.clientToken === undefined ? [] : await launchedBefore(ctx, projectId, input.clientToken)
  if (known.length > 0) return known
  const evaluation = await evaluate(ctx, input)
  const { flavor, image, placement } = evaluation
  const problem = evaluation.problems[0]
  if (problem) throw new CloudError(problem.code, problem.message, { field: problem.field ?? undefined })
  if (!flavor || !image) throw new CloudError('invalid_input', 'Choose an image and a flavor.')
  // In this order everywhere (quota, hosts by id, then the rest), so that launches cannot deadlock.
  const { count } = input
  await reserveQuota(ctx, projectId, {
    instances: count,
    vcpus: flavor.vcpus * count,
    memoryMib: flavor.memoryMib * count,
  })
  await claimAll(
    ctx,
    placement.hosts.map((host) => host.id),
    flavor,
  )
  if (input.nics?.some((nic) => 'portId' in nic) && count > 1)
    throw new CloudError('invalid_input', 'A port goes to one instance: launch one at a time.')
  const attachments = await attachmentsOf(ctx, projectId, input, evaluation.networks)
  const reservationId = `r-${crypto.randomUUID().slice(0, 8)}`
  const ids: string[] = []
  for (const [index, { id: hostId }] of placement.hosts.entries())
    ids.push(
      await createOne(ctx, {
        projectId,
        input,
        evaluation,
        flavor,
        image,
        attachments,
        index,
        hostId,
        reservationId,
      }),
    )
  return ids
}

/** Ids of the instances that an earlier (or parallel: we wait for it) launch with this token made. */
async function launchedBefore(ctx: Ctx, projectId: string, clientToken: string): Promise<string[]> {
  await ctx.db.$executeRaw(
    Prisma.sql`SELECT pg_advisory_xact_lock(hashtextextended(${`launch ${projectId} ${clientToken}`}, 0))`,
  )
  const rows = await ctx.db.instance.findMany({
    where: { projectId, clientToken },
    select: { id: true },
    orderBy: { launchIndex: 'asc' },
  })
  return rows.map((row) => row.id)
}

/** One claim a host, hosts in the order of their ids. Throws Outrun when one is full meanwhile. */
async function claimAll(ctx: Ctx, hostIds: readonly string[], flavor: Flavor): Promise<void> {
  for (const hostId of [...new Set(hostIds)].sort()) {
    const n = hostIds.filter((id) => id === hostId).length
    const claimed = await claimHost(ctx, hostId, {
      vcpus: flavor.vcpus * n,
      memoryMib: flavor.memoryMib * n,
      diskGib: flavor.diskGib * n,
    })
    if (!claimed) throw new Outrun()
  }
}

type One = {
  projectId: string
  input: LaunchInput
  evaluation: Evaluation
  flavor: Flavor
  image: BootImage
  attachments: Attachments
  index: number
  hostId: string
  reservationId: string
}

async function createOne(ctx: Ctx, one: One): Promise<string> {
  const { projectId, input, evaluation, flavor, image, index, hostId } = one
  const id = crypto.randomUUID()
  const operationId = crypto.randomUUID()
  const name = numbered(input.name, index, input.count)
  const hostname = hostnameOf(name, id)
  await ctx.db.instance.create({
    data: {
      id,
      projectId,
      userId: ctx.actor.userId,
      name,
      description: input.description,
      hostname,
      hostId,
      zone: evaluation.placement.hosts[index]?.zone ?? 'nova',
      imageId: image.id,
      imageName: image.name,
      base: { blobId: image.blobId, format: image.format, virtualGib: virtualGibOf(image) },
      flavorId: flavor.id,
      flavorName: flavor.name,
      vcpus: flavor.vcpus,
      memoryMib: flavor.memoryMib,
      diskGib: flavor.diskGib,
      flavorSpecs: flavor.extraSpecs as Prisma.InputJsonObject,
      keyName: evaluation.key?.name,
      publicKey: evaluation.key?.publicKey,
      userData: input.userData,
      metadata: input.metadata,
      clientToken: input.clientToken,
      launchIndex: index,
      reservationId: one.reservationId,
      tags: input.tags,
      accessIpv4: input.accessIpv4,
      accessIpv6: input.accessIpv6,
      configDrive: input.configDrive,
      adminPass: input.configDrive ? input.adminPass : undefined,
      serverGroupId: input.serverGroupId,
      lentPortIds: [...one.attachments.portIds],
    },
  })
  const floatingIpId = await attachAtLaunch(ctx, { id, projectId, hostId }, one.attachments)
  if (floatingIpId) await ctx.db.instance.update({ where: { id }, data: { floatingIpId } })
  await startOperation(ctx, {
    id: operationId,
    action: 'instance.create',
    resourceKind: 'instance',
    resourceId: id,
    resourceName: name,
    projectId,
    hostId,
    input: { where: whereOf(input) },
    explanation: verdictsToKeep(evaluation.placement.verdicts, hostId) as Prisma.InputJsonValue,
  })
  await noteInstance(ctx, { id, projectId }, 'created', operationId, { name })
  return id
}

/** What was asked of the place, for the build that must find another one. */
const whereOf = ({ zone, hostName }: LaunchInput) => ({
  ...(zone === undefined ? {} : { zone }),
  ...(hostName === undefined ? {} : { hostName }),
})

/** "web" ×3 → web-1 web-2 web-3; a {n} in the name says where the number goes. */
export function numbered(name: string, index: number, count: number): string {
  if (name.includes('{n}')) return name.replaceAll('{n}', String(index + 1))
  return count === 1 ? name : `${name}-${index + 1}`
}

/** A DNS label: letters, digits, inner hyphens, at most 63 (RFC 1123). */
export function hostnameOf(name: string, id: string): string {
  const label = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 63)
    .replace(/^-+|-+$/g, '')
  return label || `instance-${id.slice(0, 8)}`
}
