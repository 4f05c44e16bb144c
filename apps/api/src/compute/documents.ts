import { Prisma } from '@stratolith/db'
import type { InstanceWish } from '@stratolith/drivers/documents/interface'
import type { DocumentRoom } from '../hosts/service.ts'
import type { Ctx } from '../kernel/context.ts'
import { groupNamesOf, portsOf } from '../networking/service.ts'
import { isRootDevice } from '../volumes/contract.ts'
import { type AttachedVolume, attachedVolumes } from '../volumes/service.ts'
import { diskModeOf } from './flavors/service.ts'
import { asInstanceRow, type InstanceRow } from './instances/instance-row.ts'
import { localDisksFor } from './instances/local-disks.ts'

/** The image that the root disk of an instance is made of (Instance.base). */
export type Base = { blobId: string; format: 'raw' | 'qcow2'; virtualGib: number }

/** The documents that hosts receive of instances: the guest, its root disk while the disk is being built, its ports. */
export const computeDocuments: DocumentRoom[] = [
  {
    kind: 'instance',
    async render(ctx, ids) {
      const rows = await ctx.db.instance.findMany({ where: { id: { in: [...ids] } } })
      return wishesOf(ctx, rows.map(asInstanceRow))
    },
    async names(ctx, ids) {
      const rows = await ctx.db.instance.findMany({
        where: { id: { in: [...ids] } },
        select: { id: true, name: true, projectId: true, vmState: true },
      })
      return new Map(
        rows.map(({ id, name, projectId, vmState }) => [
          id,
          { name, projectId, isOff: vmState === 'stopped' },
        ]),
      )
    },
    isRowless: (thing) => Prisma.sql`NOT EXISTS (SELECT FROM "Instance" i WHERE i."id" = ${thing})`,
  },
]

async function wishesOf(ctx: Ctx, rows: readonly InstanceRow[]): Promise<Map<string, InstanceWish>> {
  const ids = rows.map((row) => row.id)
  const ports = await portsOf(ctx, ids)
  const groups = await groupNamesOf(ctx, ids)
  const volumes = await attachedVolumes(ctx, ids)
  return new Map(
    rows.map((row) => {
      const here = (ports.get(row.id) ?? []).filter((port) => port.hostId === row.hostId)
      const names = (groups.get(row.id) ?? []).map((group) => group.name)
      const its = volumes.get(row.id) ?? []
      return [
        row.id,
        wishOf(
          row,
          here.map((port) => port.id),
          its.filter((volume) => volume.hostId === row.hostId),
          // A guest that is being built starts when it can have all of its volumes.
          {
            securityGroups: names,
            isWaiting: row.vmState === 'building' && its.some(({ hostId }) => hostId === null),
          },
        ),
      ]
    }),
  )
}

function wishOf(
  row: InstanceRow,
  ports: string[],
  volumes: readonly AttachedVolume[],
  { securityGroups, isWaiting }: { securityGroups: string[]; isWaiting: boolean },
): InstanceWish {
  const localDisks = localDisksFor(row, row.vmState === 'building')
  return {
    id: row.id,
    projectId: row.projectId,
    name: row.name,
    vcpus: row.vcpus,
    memoryMib: row.memoryMib,
    power: isToRun(row) && !isWaiting ? 'running' : null,
    disk: diskOf(row),
    ...(row.rootOnVolume ? { rootOnVolume: true } : {}),
    ...(row.diskBus === 'scsi' ? { diskBus: 'scsi' } : {}),
    // Agents that know no such disks are told of none.
    ...(localDisks.length > 0 ? { localDisks } : {}),
    ports,
    volumes: volumes.map(({ volumeId, pool, readOnly, device, limits, shared, encrypted }) => ({
      ...{ id: volumeId, pool, readOnly },
      ...(isRootDevice(device) ? { boot: true } : {}),
      ...(shared ? { shared: true } : {}),
      ...(encrypted ? { encrypted: true } : {}),
      // Agents that know no limits are told of none.
      limits: Object.keys(limits).length > 0 ? limits : undefined,
    })),
    configDrive: row.configDrive,
    guest: {
      hostname: row.hostname,
      zone: row.zone ?? 'nova',
      launchIndex: row.launchIndex,
      metadata: row.metadata as Record<string, string>,
      publicKeys: row.publicKey ? [{ name: row.keyName ?? 'default', key: row.publicKey }] : [],
      userData: row.userData,
      securityGroups,
      flavorName: row.flavorName,
      imageId: row.imageId,
      adminPass: row.adminPass,
    },
  }
}

/** A guest is told to run only while an action wants a running guest: a guest that has powered itself off stays off. */
const isToRun = ({ vmState, taskState }: InstanceRow) =>
  vmState === 'building' || ['powering-on', 'rebooting', 'rebooting_hard'].includes(taskState ?? '')

function diskOf(row: InstanceRow): InstanceWish['disk'] {
  const { blobId, format, virtualGib } = row.base as Partial<Base>
  if (row.vmState !== 'building' || !blobId || !format || virtualGib === undefined) return null
  return {
    sizeGib: row.diskGib,
    mode: diskModeOf(row.flavorSpecs as Record<string, string>),
    base: { blobId, format, maxVirtualBytes: Math.max(virtualGib, row.diskGib) * 1024 ** 3 },
  }
}
