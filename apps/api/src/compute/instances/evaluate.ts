import type { z } from 'zod'
import { hostsWithoutStart, whyClosed } from '../../hosts/service.ts'
import { type BootImage, bootImageFact } from '../../images/service.ts'
import { type Ctx, isAdmin, projectOf } from '../../kernel/context.ts'
import type { ErrorCode, QuotaView } from '../../kernel/contract.ts'
import { CloudError, invalidInput } from '../../kernel/errors.ts'
import { noFact, readFacts } from '../../kernel/facts.ts'
import {
  guestsThatFit,
  judgeNetworks,
  type NetworkFacts,
  type NetworkPlan,
  type NetworkWish,
  networkFacts,
} from '../../networking/service.ts'
import { type QuotaDelta, quotaFact, quotaShortfall } from '../../quota/service.ts'
import { type LaunchVolumes, planLaunchVolumes } from '../../volumes/service.ts'
import { type LaunchPlan, maskVerdicts, type planInput } from '../contract.ts'
import { type Flavor, flavorFact, usableFlavors } from '../flavors/service.ts'
import { type GroupRule, groupRuleFact } from '../groups/service.ts'
import { localGibOf } from '../guests.ts'
import { keyPairFact } from '../key-pairs/service.ts'
import { type Candidate, type Need, type Placement, place, type Ties } from '../scheduler/judge.ts'
import { suggest } from '../scheduler/suggest.ts'
import { narrower, userQuotaFact } from '../user-quotas/service.ts'
import { diskBusProblem } from './disk-bus.ts'
import { type PlannedLocalDisk, planLocalDisks } from './local-disks.ts'

export type PlanInput = z.output<typeof planInput>
export type Problem = { code: ErrorCode; field: string | null; message: string }

/** All facts that a launch depends on, read at one moment; the facts of the hosts may be up to a second older. */
type Facts = {
  image: BootImage | null
  flavor: Flavor | null
  hosts: readonly Candidate[]
  quota: QuotaView[]
  own: QuotaView[]
  networks: NetworkFacts
  key: { name: string; publicKey: string } | null
  group: GroupRule | null
  closed: boolean
  volumes: LaunchVolumes
  local: ReturnType<typeof planLocalDisks>
}

export type Evaluation = {
  problems: Problem[]
  /** The number of instances that the evaluation is about. */
  count: number
  image: BootImage | null
  flavor: Flavor | null
  key: Facts['key']
  networks: NetworkPlan
  volumes: LaunchVolumes
  /** The ephemeral and swap disks of each instance. */
  localDisks: readonly PlannedLocalDisk[]
  /** What each instance takes of its host, with the volumes that are made for it. */
  need: Need
  placement: Placement
  /** Some of the instances find no host. */
  full: boolean
  quota: QuotaView[]
  /** The caller has limits of their own in this project. */
  limitedUser: boolean
  adds: QuotaDelta
  suggestion: string | null
  /** The reason why no instance at all finds a host. */
  nowhere: string | null
}

/**
 * The known hosts, the order of equally good hosts, how few instances are enough, and whether instances of a project
 * without any network are launched without a network.
 */
export type World = { hosts: readonly Candidate[]; ties: Ties; atLeast?: number; orNoNetwork?: boolean }

/**
 * Decides whether this launch would work now, and if not, why. Only reads: one statement for all facts (two more for a
 * public address, one more for ephemeral and swap disks, a few more for volumes, one more for a suggestion when the cloud is full). The form calls this while a person types (any
 * field may be missing), and the launch calls this again inside its transaction. With `atLeast` the evaluation is about
 * as many instances, up to `count`, as quota, addresses and hosts have room for.
 */
export async function evaluate(ctx: Ctx, input: PlanInput, world: World): Promise<Evaluation> {
  const projectId = projectOf(ctx)
  const wish = networkWish(input)
  const facts = await readFacts(ctx, {
    image: input.imageId ? bootImageFact(ctx, input.imageId) : noFact,
    flavor: input.flavorId ? flavorFact(ctx, input.flavorId) : noFact,
    project: quotaFact(projectId),
    own: userQuotaFact({ projectId, userId: ctx.actor.userId }),
    networks: networkFacts(ctx, wish),
    key: input.keyName ? keyPairFact(ctx, input.keyName) : noFact,
    group: input.serverGroupId ? groupRuleFact(ctx, input.serverGroupId) : noFact,
  })
  const quota = narrower(facts.project, facts.own)
  const wishes = input.volumes ?? []
  const rootOnVolume = wishes.some(({ boot }) => boot)
  const local = planLocalDisks(input.localDisks ?? [], facts.flavor ?? noFlavor, { rootOnVolume })
  // Agents of an older version refuse the document of such an instance.
  const older = local.disks.length > 0 ? await hostsWithoutStart(ctx) : new Set<string>()
  const chosen = constrained(ctx, world.hosts, input)
  const allowed = chosen.filter(({ id }) => !older.has(id))
  const wanted = { hosts: allowed, count: input.count ?? 1, atLeast: world.atLeast }
  const volumes = await planLaunchVolumes(ctx, wishes, { ...wanted, localDisks: local.disks.length })
  const hosts = allowed.filter(
    ({ id, zone }) =>
      (volumes.hostId === null || id === volumes.hostId) &&
      (volumes.zone === null || zone === volumes.zone) &&
      !volumes.notOn.includes(id),
  )
  const closed = wish.publicIp && (await whyClosed(ctx, null)) !== null
  const none =
    world.orNoNetwork === true && wish.networkIds.length === 0 && facts.networks.usable.length === 0
  const judged = judge(
    input,
    { ...wish, exactly: wish.exactly || none },
    { ...facts, quota, hosts, closed, volumes, local },
    world,
  )
  const nowhere = whyNowhere(world.hosts)
  if (nowhere !== null)
    return {
      ...judged,
      problems: [...judged.problems, { code: 'no_capacity', field: null, message: nowhere }],
      nowhere,
    }
  if (!judged.full || !judged.flavor) return judged
  const flavors = (await usableFlavors(ctx)).filter((f) => tooSmall(facts.image, volumes, f) === null)
  const sizes = flavors.map((flavor) => ({ ...flavor, ...needOf(flavor, volumes) }))
  const suggestion = suggest(hosts, judged.need, judged.count, sizes)
  const hint = allowed.length < chosen.length ? leftOut : null
  const problem = noRoom(judged, hosts, [hint, suggestion])
  return { ...judged, problems: [...judged.problems, problem], suggestion }
}

const networkWish = (input: PlanInput): NetworkWish => ({
  networkIds: input.nics
    ? input.nics.flatMap((nic) => ('networkId' in nic ? nic.networkId : []))
    : (input.networkIds ?? []),
  exactly: input.nics !== undefined,
  securityGroupIds: input.securityGroupIds ?? [],
  openPresets: input.openPresets ?? [],
  publicIp: input.publicIp ?? false,
})

type Place = Pick<PlanInput, 'zone' | 'hostName'>
/** Whether the known hosts include the zone and the host that the wish names. */
export const knowsPlace = (hosts: readonly Candidate[], { zone, hostName }: Place): boolean =>
  (hostName === undefined || hosts.some((host) => host.name === hostName)) &&
  (zone === undefined || hosts.some((host) => host.zone === zone))

/** Returns the hosts that the wish allows: those of a zone, or the host that an administrator names. */
function constrained(ctx: Ctx, hosts: readonly Candidate[], { zone, hostName }: Place): readonly Candidate[] {
  if (hostName !== undefined && !isAdmin(ctx))
    throw new CloudError('forbidden', 'Only an administrator may choose the host.')
  if (!knowsPlace(hosts, { hostName }))
    throw invalidInput(`Compute host ${hostName} could not be found.`, 'hostName')
  if (!knowsPlace(hosts, { zone }))
    throw invalidInput('The requested availability zone is not available', 'zone')
  if (zone === undefined && hostName === undefined) return hosts
  return hosts.filter(
    (host) =>
      (zone === undefined || host.zone === zone) && (hostName === undefined || host.name === hostName),
  )
}

function judge(input: PlanInput, wish: NetworkWish, facts: Facts, world: World): Evaluation {
  const { flavor, closed, volumes, local } = facts
  const need = needOf(flavor ?? noFlavor, volumes)
  const addsOf = (count: number): QuotaDelta => ({
    instances: count,
    vcpus: need.vcpus * count,
    memoryMib: need.memoryMib * count,
    ...Object.fromEntries(Object.entries(volumes.made.quota).map(([name, each = 0]) => [name, each * count])),
    ...judgeNetworks(wish, facts.networks, { count, closed }).adds,
  })
  const placed = (count: number) => place(facts.hosts, need, count, world.ties, facts.group)
  const count = decide(input.count ?? 1, world.atLeast, (most) =>
    Math.min(
      placed(most).hosts.length,
      quotaRoom(facts.quota, addsOf(1)),
      guestsThatFit(wish, facts.networks),
      volumes.most,
    ),
  )
  const networks = judgeNetworks(wish, facts.networks, { count, closed })
  const placement = placed(count)
  const adds = addsOf(count)
  return {
    problems: [
      ...inputProblems(input, facts, count),
      ...(local.problem === null || !flavor
        ? []
        : [{ code: 'invalid_input' as const, field: 'localDisks', message: local.problem }]),
      ...volumes.problems.map((problem) => ({ ...problem, field: 'volumes' })),
      ...networks.problems,
      ...quotaProblems(facts.quota, adds),
    ],
    count,
    image: facts.image,
    flavor,
    key: facts.key,
    networks,
    volumes,
    localDisks: local.disks,
    need,
    placement,
    full: flavor !== null && placement.hosts.length < count,
    quota: facts.quota,
    limitedUser: facts.own.length > 0,
    adds,
    suggestion: null,
    nowhere: null,
  }
}

/**
 * Returns the largest possible number between `fewest` and `most`; when not even `fewest` is possible, returns
 * `fewest`.
 */
function decide(most: number, fewest: number | undefined, possible: (most: number) => number): number {
  if (fewest === undefined || fewest >= most) return most
  return Math.max(fewest, Math.min(most, possible(most)))
}

/** How many times `adds` fits into the quota that is left. */
const quotaRoom = (quota: readonly QuotaView[], adds: QuotaDelta): number =>
  Math.min(
    ...quota.map(({ resource, limit, used }) => {
      const amount = adds[resource] ?? 0
      return limit < 0 || amount === 0 ? Number.POSITIVE_INFINITY : Math.floor((limit - used) / amount)
    }),
  )

function inputProblems(input: PlanInput, facts: Facts, count: number): Problem[] {
  const problems: Problem[] = []
  const add = (field: string, message: string, code: ErrorCode = 'invalid_input') =>
    problems.push({ code, field, message })
  const { image: own, flavor, volumes } = facts
  const image = volumes.isRoot ? null : own
  if (input.imageId && !image && !volumes.isRoot)
    add('imageId', 'This image does not exist (any more). Choose another.')
  if (image && image.state !== 'active')
    add('imageId', `Only an active image can be launched; this one is ${image.state}.`, 'conflict')
  const bus = diskBusProblem(volumes.isRoot ? volumes.rootProperties : (own?.properties ?? {}))
  if (bus) add(volumes.isRoot ? 'volumes' : 'imageId', bus)
  if (input.flavorId && !flavor) add('flavorId', 'This flavor does not exist (any more). Choose another.')
  const small = flavor ? tooSmall(image, volumes, flavor) : null
  if (small) add('flavorId', small)
  if (input.keyName && !facts.key) add('keyName', 'You have no key pair of that name. Choose another.')
  if (input.userData && !isUserData(input.userData))
    add('userData', 'User data must be base64 of at most 64 KiB.')
  if (input.name && input.name.length > 250 && count > 1)
    add('name', 'A name that gets a number has at most 250 characters.')
  return problems
}

const gib = 1024 ** 3
export const virtualGibOf = (image: { virtualBytes: number }): number => Math.ceil(image.virtualBytes / gib)

type Sizes = Need & Pick<Flavor, 'ephemeralGib' | 'swapMib'>
const noFlavor: Sizes = { vcpus: 0, memoryMib: 0, diskGib: 0, ephemeralGib: 0, swapMib: 0 }
/** The flavor's root disk is not made when a volume is the root disk, and new volumes take room, too. */
const needOf = ({ vcpus, memoryMib, diskGib, ...local }: Sizes, { isRoot, made }: LaunchVolumes): Need => ({
  vcpus,
  memoryMib,
  diskGib: (isRoot ? 0 : diskGib) + localGibOf(local) + made.diskGib,
})

/** Returns the sentence why the image does not fit into the flavor; null when it fits. A volume has a size of its own. */
function tooSmall(
  image: BootImage | null,
  { isRoot, minRamMib }: LaunchVolumes,
  flavor: Flavor,
): string | null {
  const disk = image && !isRoot ? Math.max(image.minDiskGib, virtualGibOf(image)) : 0
  if (flavor.diskGib < disk)
    return `${flavor.name} has ${flavor.diskGib} GiB of disk; the image needs ${disk} GiB. Choose a larger flavor.`
  const memory = isRoot ? minRamMib : (image?.minRamMib ?? 0)
  if (flavor.memoryMib < memory)
    return `${flavor.name} has ${flavor.memoryMib} MiB of memory; the image needs ${memory} MiB. Choose a larger flavor.`
  return null
}

/**
 * Accepts strict base64 with the line breaks that `base64` writes. Node ignores other characters, but a guest would
 * fail on them.
 */
function isUserData(wrapped: string): boolean {
  const text = wrapped.replace(/[\r\n\t ]/g, '')
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return false
  return Buffer.from(text, 'base64').length <= 65_536
}

function quotaProblems(quota: QuotaView[], adds: QuotaDelta): Problem[] {
  return quota.flatMap((one) => {
    const message = quotaShortfall([one], adds)
    return message ? [{ code: 'quota_exceeded' as const, field: null, message }] : []
  })
}

/** Returns the reason why no launch is possible whatever the caller chooses; null when the choice matters. */
function whyNowhere(hosts: readonly Candidate[]): string | null {
  const only = hosts.length === 1
  if (hosts.length === 0) return 'There is no host yet, so nothing can be launched.'
  if (hosts.some((host) => host.state === 'up')) return null
  if (hosts.every((host) => host.state === 'fenced'))
    return `${only ? 'The only host is' : `All ${hosts.length} hosts are`} declared to be off, so nothing can be launched until an administrator takes that back.`
  return `${only ? 'The only host does not answer' : `None of the ${hosts.length} hosts answers`} now, so nothing can be launched. It works again as soon as one does.`
}

const leftOut =
  'Machines whose agents are of an older version make no ephemeral and swap disks and were left out.'

function noRoom(
  { placement, count, volumes }: Evaluation,
  hosts: readonly Candidate[],
  hints: readonly (string | null)[],
): Problem {
  const said = (what: string) => [what, ...hints].filter(Boolean).join(' ')
  const isPlaced = volumes.hostId !== null || volumes.zone !== null
  if (isPlaced && hosts.length === 0)
    return {
      ...{ code: 'conflict', field: 'volumes' },
      message: said(
        volumes.zone === null
          ? 'The volume lies on the disk of a machine outside of the chosen place.'
          : 'No machine of the chosen place reaches the pool of the volume.',
      ),
    }
  const isThere = volumes.planned.some(({ of }) => 'volume' in of && of.volume.pool.hostId !== null)
  const what =
    volumes.hostId !== null
      ? `The machine on whose disk the volume ${isThere ? 'lies' : 'would lie'} cannot take this instance.`
      : placement.hosts.length > 0
        ? `Only ${placement.hosts.length} of ${count} instances find a host.`
        : hosts.length === 1
          ? 'The only host has no room for this.'
          : hosts.length === 0
            ? 'No host can have this.'
            : `None of the ${hosts.length} hosts has room for this.`
  return { code: 'no_capacity', field: 'flavorId', message: said(what) }
}

/** Returns the evaluation as the form shows it; tenants see numbers but no names of hosts. */
export function planView(ctx: Ctx, evaluation: Evaluation): LaunchPlan {
  const { need, networks, placement, quota, adds } = evaluation
  const { verdicts } = placement.judged
  return {
    ok: evaluation.problems.length === 0,
    problems: evaluation.problems.map(({ field, message }) => ({ field, message })),
    hosts: { ...placement.judged, verdicts: isAdmin(ctx) ? verdicts : maskVerdicts(verdicts) },
    quota: quota
      .filter((q) => (adds[q.resource] ?? 0) > 0 || ['instances', 'vcpus', 'memoryMib'].includes(q.resource))
      .map((q) => ({ ...q, adds: adds[q.resource] ?? 0 })),
    needs: need,
    networks: networks.networks,
    reach: networks.reach,
    suggestion: evaluation.suggestion,
    closed: evaluation.nowhere,
  }
}
