import { type Ctx, seesAll } from '../../kernel/context.ts'
import { notFound } from '../../kernel/errors.ts'
import { type Activity, activitiesOf, waitingForItsTurn } from '../../kernel/history.ts'
import { addressesOf } from '../../networking/service.ts'
import { type InstanceAddress, type InstanceView, instanceStatus } from '../contract.ts'
import { asInstanceRow, type InstanceRow } from './instance-row.ts'
import { type Machine, machinesOf } from './machine.ts'

/**
 * Returns the views of one page: two or three queries beside those of the rows and of their addresses, whatever the
 * number of rows.
 */
export async function viewsOf(ctx: Ctx, rows: readonly InstanceRow[]): Promise<InstanceView[]> {
  if (rows.length === 0) return []
  const ids = rows.map((row) => row.id)
  const [addresses, activities, machines] = await Promise.all([
    addressesOf(ctx, ids),
    activitiesOf(ctx, 'instance', ids),
    machinesOf(ctx, rows),
  ])
  return rows.map((row) =>
    view(ctx, row, {
      addresses: addresses.get(row.id) ?? [],
      activity: activities.get(row.id) ?? null,
      machine: machines(row),
    }),
  )
}

/**
 * Returns the view for the answer of an action; the caller has authorized. Throws not_found when the row was deleted
 * meanwhile.
 */
export async function viewOne(ctx: Ctx, id: string): Promise<InstanceView> {
  const row = await ctx.db.instance.findUnique({ where: { id } })
  const [one] = row ? await viewsOf(ctx, [asInstanceRow(row)]) : []
  if (!one) throw notFound('instance', id)
  return one
}

/** Returns the view of an instance that the same transaction has made, without reading. */
export function viewOfNew(
  ctx: Ctx,
  row: InstanceRow,
  { addresses, hostName }: { addresses: InstanceAddress[]; hostName: string | null },
): InstanceView {
  const activity = { title: waitingForItsTurn, startedAt: row.createdAt.toISOString() }
  const machine = hostName === null ? null : { name: hostName, absence: null, since: null }
  return view(ctx, row, { addresses, activity, machine })
}

function view(
  ctx: Ctx,
  row: InstanceRow,
  more: { addresses: InstanceAddress[]; activity: Activity | null; machine: Machine | null },
): InstanceView {
  const admin = seesAll(ctx)
  const { absence, since, name } = more.machine ?? { absence: null, since: null, name: null }
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    projectId: row.projectId,
    userId: row.userId,
    status: instanceStatus(row.vmState, row.taskState),
    vmState: row.vmState,
    taskState: row.taskState,
    powerState: row.powerState,
    locked: row.locked,
    lockedByAdmin: row.lockedByAdmin,
    lockedReason: row.lockedReason,
    hostId: admin ? row.hostId : null,
    hostName: admin ? name : null,
    machine: absence && { absence, since: since?.toISOString() ?? null },
    zone: row.zone,
    image: { id: row.imageId, name: row.imageName },
    rootOnVolume: row.rootOnVolume,
    flavor: {
      id: row.flavorId,
      name: row.flavorName,
      vcpus: row.vcpus,
      memoryMib: row.memoryMib,
      diskGib: row.diskGib,
      ephemeralGib: row.ephemeralGib,
      swapMib: row.swapMib,
    },
    keyName: row.keyName,
    addresses: more.addresses,
    ownFloatingIpId: row.floatingIpId,
    metadata: row.metadata as Record<string, string>,
    tags: row.tags,
    hostname: row.hostname,
    configDrive: row.configDrive,
    fault: faultOf(row, admin),
    activity: more.activity,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
    launchedAt: row.launchedAt?.toISOString() ?? null,
    reservationId: row.reservationId,
  }
}

function faultOf(row: InstanceRow, admin: boolean): InstanceView['fault'] {
  if (row.faultMessage === null || row.faultAt === null) return null
  return {
    code: row.faultCode ?? 500,
    message: row.faultMessage,
    at: row.faultAt.toISOString(),
    detail: admin ? row.faultDetail : null,
  }
}
