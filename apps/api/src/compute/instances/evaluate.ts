import type { z } from 'zod'
import { hostsForPlacement } from '../../hosts/service.ts'
import { type BootImage, findBootImage } from '../../images/service.ts'
import { type Ctx, isAdmin, projectOf } from '../../kernel/context.ts'
import type { ErrorCode, HostVerdict, QuotaView } from '../../kernel/contract.ts'
import { CloudError, invalidInput } from '../../kernel/errors.ts'
import { type QuotaDelta, quotaOf, quotaShortfall } from '../../kernel/quota.ts'
import { type NetworkPlan, planNetworks } from '../../networking/service.ts'
import { type LaunchPlan, maskVerdicts, type planInput } from '../contract.ts'
import { type Flavor, usableFlavors } from '../flavors/service.ts'
import { type GroupRule, groupRule } from '../groups/service.ts'
import { findKeyPair } from '../key-pairs/service.ts'
import { type Candidate, type Placement, place, shuffled } from '../scheduler/judge.ts'
import { suggest } from '../scheduler/suggest.ts'

export type PlanInput = z.output<typeof planInput>
export type Problem = { code: ErrorCode; field: string | null; message: string }

/** Everything that a launch depends on, read at one moment in a constant number of queries. */
type Facts = {
  image: BootImage | null
  flavors: Flavor[]
  hosts: Candidate[]
  quota: QuotaView[]
  networks: NetworkPlan
  key: { name: string; publicKey: string } | null
  group: GroupRule | null
}

export type Evaluation = {
  problems: Problem[]
  image: BootImage | null
  flavor: Flavor | null
  key: Facts['key']
  networks: NetworkPlan
  placement: Placement
  quota: QuotaView[]
  adds: QuotaDelta
  suggestion: string | null
}

/**
 * Would this launch work now, and if not, why? Reads only. The form asks while somebody types
 * (anything may be missing) and the launch asks again inside its transaction.
 */
export async function evaluate(ctx: Ctx, input: PlanInput): Promise<Evaluation> {
  const projectId = projectOf(ctx)
  const count = input.count ?? 1
  const [image, flavors, hosts, quota, networks, key, group] = await Promise.all([
    input.imageId ? findBootImage(ctx, input.imageId) : null,
    usableFlavors(ctx),
    hostsForPlacement(ctx).then((hosts) => constrained(ctx, hosts, input)),
    quotaOf(ctx, projectId),
    planNetworks(ctx, {
      count,
      networkIds: input.nics
        ? input.nics.flatMap((nic) => ('networkId' in nic ? nic.networkId : []))
        : (input.networkIds ?? []),
      exactly: input.nics !== undefined,
      securityGroupIds: input.securityGroupIds ?? [],
      openPresets: input.openPresets ?? [],
      publicIp: input.publicIp ?? false,
    }),
    input.keyName ? findKeyPair(ctx, input.keyName) : null,
    input.serverGroupId ? groupRule(ctx, input.serverGroupId) : null,
  ])
  return judge(input, { image, flavors, hosts, quota, networks, key, group }, count)
}

/** The hosts that the wish leaves: of a zone, or the one that an administrator names. */
function constrained(ctx: Ctx, hosts: Candidate[], { zone, hostName }: PlanInput): Candidate[] {
  if (hostName !== undefined && !isAdmin(ctx))
    throw new CloudError('forbidden', 'Only an administrator may choose the host.')
  if (hostName !== undefined && !hosts.some((host) => host.name === hostName))
    throw invalidInput(`Compute host ${hostName} could not be found.`, 'hostName')
  if (zone !== undefined && !hosts.some((host) => host.zone === zone))
    throw invalidInput('The requested availability zone is not available', 'zone')
  return hosts.filter(
    (host) =>
      (zone === undefined || host.zone === zone) && (hostName === undefined || host.name === hostName),
  )
}

function judge(input: PlanInput, facts: Facts, count: number): Evaluation {
  const flavor = facts.flavors.find((f) => f.id === input.flavorId) ?? null
  const need = flavor ?? { vcpus: 0, memoryMib: 0, diskGib: 0 }
  const placement = place(facts.hosts, need, count, shuffled(), facts.group)
  const adds: QuotaDelta = {
    instances: count,
    vcpus: need.vcpus * count,
    memoryMib: need.memoryMib * count,
    ...facts.networks.adds,
  }
  const full = flavor !== null && placement.hosts.length < count
  const suitable = facts.flavors.filter((f) => !facts.image || tooSmall(facts.image, f) === null)
  const suggestion = full ? suggest(facts.hosts, need, count, suitable) : null
  return {
    problems: [
      ...inputProblems(input, facts, flavor),
      ...facts.networks.problems,
      ...quotaProblems(facts.quota, adds),
      ...(full ? [noRoom(placement, facts.hosts, count, suggestion)] : []),
    ],
    image: facts.image,
    flavor,
    key: facts.key,
    networks: facts.networks,
    placement,
    quota: facts.quota,
    adds,
    suggestion,
  }
}

function inputProblems(input: PlanInput, facts: Facts, flavor: Flavor | null): Problem[] {
  const problems: Problem[] = []
  const add = (field: string, message: string, code: ErrorCode = 'invalid_input') =>
    problems.push({ code, field, message })
  const { image } = facts
  if (input.imageId && !image) add('imageId', 'This image does not exist (any more). Choose another.')
  if (image && image.state !== 'active')
    add('imageId', `Only an active image can be launched; this one is ${image.state}.`, 'conflict')
  if (input.flavorId && !flavor) add('flavorId', 'This flavor does not exist (any more). Choose another.')
  const small = image && flavor ? tooSmall(image, flavor) : null
  if (small) add('flavorId', small)
  if (input.keyName && !facts.key) add('keyName', 'You have no key pair of that name. Choose another.')
  if (input.userData && !isUserData(input.userData))
    add('userData', 'User data must be base64 of at most 64 KiB.')
  if (input.name && input.name.length > 250 && (input.count ?? 1) > 1)
    add('name', 'A name that gets a number has at most 250 characters.')
  return problems
}

const gib = 1024 ** 3
export const virtualGibOf = (image: { virtualBytes: number }): number => Math.ceil(image.virtualBytes / gib)

/** Null, or the sentence why the image does not fit into the flavor. */
function tooSmall(image: BootImage, flavor: Flavor): string | null {
  const disk = Math.max(image.minDiskGib, virtualGibOf(image))
  if (flavor.diskGib < disk)
    return `${flavor.name} has ${flavor.diskGib} GiB of disk; the image needs ${disk} GiB. Choose a larger flavor.`
  if (flavor.memoryMib < image.minRamMib)
    return `${flavor.name} has ${flavor.memoryMib} MiB of memory; the image needs ${image.minRamMib} MiB. Choose a larger flavor.`
  return null
}

/** Strict base64: what Node ignores, a guest would stumble over. */
function isUserData(text: string): boolean {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return false
  return Buffer.from(text, 'base64').length <= 65_536
}

function quotaProblems(quota: QuotaView[], adds: QuotaDelta): Problem[] {
  return quota.flatMap((one) => {
    const message = quotaShortfall([one], adds)
    return message ? [{ code: 'quota_exceeded' as const, field: null, message }] : []
  })
}

function noRoom(placement: Placement, hosts: Candidate[], count: number, suggestion: string | null): Problem {
  const what =
    placement.hosts.length > 0
      ? `Only ${placement.hosts.length} of ${count} instances find a host.`
      : hosts.length === 1
        ? 'The only host has no room for this.'
        : `None of the ${hosts.length} hosts has room for this.`
  return { code: 'no_capacity', field: 'flavorId', message: [what, suggestion].filter(Boolean).join(' ') }
}

/** The evaluation as the form shows it; tenants see numbers but no host's name. */
export function planView(ctx: Ctx, evaluation: Evaluation): LaunchPlan {
  const { flavor, networks, placement, quota, adds } = evaluation
  const verdicts: HostVerdict[] = isAdmin(ctx) ? placement.verdicts : maskVerdicts(placement.verdicts)
  return {
    ok: evaluation.problems.length === 0,
    problems: evaluation.problems.map(({ field, message }) => ({ field, message })),
    hosts: { fit: verdicts.filter((v) => v.fits).length, total: verdicts.length, verdicts },
    quota: quota
      .filter((q) => (adds[q.resource] ?? 0) > 0 || ['instances', 'vcpus', 'memoryMib'].includes(q.resource))
      .map((q) => ({ ...q, adds: adds[q.resource] ?? 0 })),
    needs: flavor
      ? { vcpus: flavor.vcpus, memoryMib: flavor.memoryMib, diskGib: flavor.diskGib }
      : { vcpus: 0, memoryMib: 0, diskGib: 0 },
    networks: networks.networks,
    reach: networks.reach,
    suggestion: evaluation.suggestion,
  }
}
