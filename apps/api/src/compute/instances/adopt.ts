import type { Prisma } from '@stratolith/db'
import type { HostDrivers } from '@stratolith/drivers/host'
import type { InstanceSpec, PowerState } from '@stratolith/drivers/hypervisor/interface'
import type { RecordedPort } from '@stratolith/drivers/network/interface'
import type { z } from 'zod'
import { projectExists } from '../../directory/service.ts'
import { driversOf, forgetStrays, loadStray, occupyHost } from '../../hosts/service.ts'
import { imageOf } from '../../images/service.ts'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { conflict, invalidInput } from '../../kernel/errors.ts'
import { plainOp } from '../../kernel/hosts.ts'
import { authorize } from '../../kernel/policy.ts'
import { recordOperation } from '../../kernel/workflow.ts'
import { adoptPorts } from '../../networking/service.ts'
import { reserveQuota } from '../../quota/service.ts'
import { type adoptInput, type InstanceView, powerStates, type VmState } from '../contract.ts'
import { roomOf } from '../guests.ts'
import { hostnameOf } from '../states.ts'
import { asInstanceRow, noteInstance } from './instance-row.ts'
import type { LocalDisk } from './local-disks.ts'
import { viewsOf } from './view.ts'

/** The instance, with the names of the security groups that its ports are in from now on. */
type Adopted = InstanceView & { securityGroups: string[] }

/**
 * Makes a row for a guest that runs on a host and that no row knows (for example after an older backup was restored).
 * The guest goes on running with the same id, disk, ports and addresses. Its numbers are those that its host reports;
 * its project is the project that it belonged to, or another one if the caller names one. The instance counts towards
 * the quota of that project. For administrators only.
 */
export async function adoptInstance(ctx: Ctx, input: z.output<typeof adoptInput>): Promise<Adopted> {
  authorize(ctx, 'compute:adopt_instance')
  const { hostId, thing: id, kind } = await inTransaction(ctx, (tx) => loadStray(tx, input.strayId))
  if (kind !== 'guest') throw invalidInput('Only a guest can be adopted as an instance.', 'strayId')
  const told = await askHost(ctx, await driversOf(ctx, hostId), id)
  const { row, securityGroups } = await inTransaction(ctx, async (tx) => {
    const stray = await loadStray(tx, input.strayId)
    const projectId = await projectFor(tx, input.projectId ?? told.spec.projectId)
    const made = await createRow(tx, { projectId, hostId, ...told })
    const { lentPortIds, groups } = await adoptPorts(tx, {
      ...{ instanceId: id, projectId, hostId, recorded: told.ports },
      groupNames: told.spec.guest.securityGroups,
    })
    await tx.db.instance.update({ where: { id }, data: { lentPortIds } })
    await forgetStrays(tx, stray)
    await recordOperation(tx, {
      id: crypto.randomUUID(),
      action: 'instance.adopt',
      resourceKind: 'instance',
      resourceId: id,
      resourceName: made.name,
      projectId,
      input: { securityGroups: groups },
    })
    await noteInstance(tx, made, 'created', undefined, { name: made.name })
    return { row: made, securityGroups: groups }
  })
  const [view] = await viewsOf(ctx, [asInstanceRow(row)])
  if (!view) throw conflict('The instance was deleted again meanwhile.')
  return { ...view, securityGroups }
}

type Told = {
  spec: InstanceSpec
  power: PowerState
  /** Start of the guest's process, when there is a process. */
  startedAt: string | null
  ports: RecordedPort[]
  diskGib: number
  localDisks: LocalDisk[]
}

async function askHost(ctx: Ctx, drivers: HostDrivers, id: string): Promise<Told> {
  const op = plainOp(ctx)
  const [spec, observed, ports, disks] = await Promise.all([
    drivers.hypervisor.describe(op, id),
    drivers.hypervisor.get(op, id),
    drivers.network.describePorts(op, id),
    drivers.storage.listDisks(op),
  ])
  if (!spec || !observed) throw conflict('The guest is gone from its host.')
  if (spec.volumes.some((volume) => volume.boot))
    throw conflict('The root disk of this guest is a volume, and a guest is adopted without its volumes.')
  const bytesOf = (diskId: string): number =>
    disks.find((disk) => disk.instanceId === id && disk.id === diskId)?.sizeBytes ?? 0
  const bytes = spec.disks.flatMap((disk) => (disk.kind === undefined ? bytesOf(disk.id) : []))
  const { power, startedAt } = observed
  return {
    ...{ spec, power, startedAt, ports },
    diskGib: Math.ceil(Math.max(0, ...bytes) / 1024 ** 3),
    localDisks: spec.disks.flatMap(({ id: diskId, kind }) =>
      kind === undefined ? [] : { id: diskId, kind, sizeMib: bytesOf(diskId) / 1024 ** 2, format: 'unknown' },
    ),
  }
}

/** What a flavor with exactly these disks would have. */
const sizesOf = (disks: readonly LocalDisk[]): { ephemeralGib: number; swapMib: number } => {
  const sum = (kind: LocalDisk['kind']) =>
    disks.filter((disk) => disk.kind === kind).reduce((mib, disk) => mib + disk.sizeMib, 0)
  return { ephemeralGib: Math.ceil(sum('ephemeral') / 1024), swapMib: Math.ceil(sum('swap')) }
}

async function projectFor(ctx: Ctx, projectId: string): Promise<string> {
  if (await projectExists(ctx, projectId, 'live')) return projectId
  throw invalidInput('The project of this guest is not there. Choose the project that gets it.', 'projectId')
}

const states: Record<PowerState, { vmState: VmState; powerState: number }> = {
  running: { vmState: 'active', powerState: powerStates.running },
  paused: { vmState: 'paused', powerState: powerStates.paused },
  off: { vmState: 'stopped', powerState: powerStates.shutdown },
  crashed: { vmState: 'stopped', powerState: powerStates.shutdown },
}

async function createRow(ctx: Ctx, told: Told & { projectId: string; hostId: string }) {
  const { spec, projectId, hostId, diskGib, localDisks, power, startedAt } = told
  const { guest } = spec
  const need = { vcpus: spec.vcpus, memoryMib: spec.memoryMib, diskGib, ...sizesOf(localDisks) }
  await reserveQuota(ctx, projectId, { instances: 1, vcpus: need.vcpus, memoryMib: need.memoryMib })
  const zone = await occupyHost(ctx, hostId, roomOf({ ...need, rootOnVolume: false }))
  const [flavor, image] = await Promise.all([
    ctx.db.flavor.findUnique({ where: { name: guest.flavorName } }),
    guest.imageId ? imageOf(ctx, guest.imageId) : null,
  ])
  const key = guest.publicKeys[0]
  return ctx.db.instance.create({
    data: {
      id: spec.id,
      projectId,
      userId: ctx.actor.userId,
      name: spec.name,
      hostname: guest.hostname || hostnameOf(spec.name, spec.id),
      hostId,
      zone,
      ...need,
      localDisks,
      ...states[power],
      taskState: null,
      imageId: image?.id,
      imageName: image?.name ?? '',
      flavorId: flavor?.id ?? guest.flavorName,
      flavorName: guest.flavorName,
      flavorSpecs: (flavor?.extraSpecs ?? {}) as Prisma.InputJsonObject,
      keyName: key?.name,
      publicKey: key?.key,
      userData: guest.userData,
      metadata: { ...guest.metadata },
      configDrive: spec.configDrive ?? false,
      launchIndex: guest.launchIndex,
      // a running guest never stopped; when a stopped guest ran is unknown
      launchedAt: startedAt === null ? new Date() : new Date(startedAt),
    },
  })
}
