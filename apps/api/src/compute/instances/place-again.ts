import { claimHost, hostsForPlacement, releaseHost } from '../../hosts/service.ts'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { CloudError, invariant } from '../../kernel/errors.ts'
import { explainOperation } from '../../kernel/history.ts'
import { bindPort, portsOfInstance } from '../../networking/service.ts'
import { attachedVolumes } from '../../volumes/service.ts'
import { groupRule, lockGroup } from '../groups/service.ts'
import { roomOf } from '../guests.ts'
import { place, placementToKeep, shuffled } from '../scheduler/judge.ts'
import { asInstanceRow, moveState } from './instance-row.ts'

/** The place that the launch asked for; when both are absent, any host is allowed. */
export type Where = { zone?: string; hostName?: string }

/**
 * Moves an instance that is being built to a host other than those that were `tried`, by the rules of a launch: its
 * room, its ports and the verdict of each host on the operation, in one transaction. What the build began on the old
 * host is to be removed there (kernel/tombstones.ts). Returns the id of the instance's host afterwards; null when no
 * other host fits, or when the instance has volumes.
 */
export async function placeAgain(
  ctx: Ctx,
  build: { instanceId: string; operationId: string; where: Where; tried: ReadonlySet<string> },
): Promise<string | null> {
  return inTransaction(ctx, async (tx) => {
    const { instanceId: id } = build
    const seen = await tx.db.instance.findUnique({ where: { id }, select: { serverGroupId: true } })
    if (seen?.serverGroupId) await lockGroup(tx, seen.serverGroupId)
    await tx.db.$queryRaw`SELECT 1 FROM "Instance" WHERE "id" = ${id}::uuid FOR UPDATE`
    const row = await tx.db.instance.findUnique({ where: { id } })
    if (!row?.hostId || row.vmState !== 'building' || row.taskState === 'deleting') return row?.hostId ?? null
    const { hostId: old, serverGroupId, projectId } = row
    const rule = serverGroupId ? await groupRule(tx, serverGroupId, { projectId, without: id }) : null
    // Its volumes lie on the disk of its host, and new ones may be made there already.
    if (((await attachedVolumes(tx, [id])).get(id) ?? []).length > 0) return null
    const room = roomOf(row)
    const { hosts, judged } = place(await candidates(tx, build), room, 1, shuffled(), rule)
    const next = hosts[0]
    await explainOperation(tx, build.operationId, placementToKeep(judged, next?.id ?? old))
    if (!next) return null
    // The hosts are taken in the order of their ids, as in launches, so that two moves cannot deadlock.
    for (const hostId of [old, next.id].sort())
      if (hostId === old) await releaseHost(tx, old, room)
      else if (!(await claimHost(tx, next.id, room, next.zone)))
        throw new CloudError('unavailable', 'Another launch took the room. Trying again helps.')
    const won = await moveState(
      tx,
      asInstanceRow(row),
      { hostId: next.id, zone: next.zone, taskState: 'scheduling' },
      build.operationId,
    )
    invariant(won, 'a locked row changed')
    for (const port of await portsOfInstance(tx, id)) await bindPort(tx, port.id, next.id)
    return next.id
  })
}

/** Returns the hosts; those that were tried are judged, and shown, like a host that is down. */
async function candidates(ctx: Ctx, { where, tried }: { where: Where; tried: ReadonlySet<string> }) {
  const hosts = await hostsForPlacement(ctx)
  return hosts
    .filter((host) => where.zone === undefined || host.zone === where.zone)
    .filter((host) => where.hostName === undefined || host.name === where.hostName)
    .map((host) => (tried.has(host.id) ? { ...host, state: 'silent' } : host))
}
