import { type HostRef, hostRefs } from '../../hosts/service.ts'
import type { Ctx } from '../../kernel/context.ts'
import { addressesOf, groupNamesOf } from '../../networking/service.ts'
import { type AttachedVolume, attachedVolumes } from '../../volumes/service.ts'
import type { InstanceAddress } from '../contract.ts'
import type { InstanceRow } from './instance-row.ts'

export type ServerRow = InstanceRow & { terminatedAt: Date | null }
/** All that OpenStack's views show of an instance. */
export type ShownServer = {
  row: ServerRow
  addresses: InstanceAddress[]
  groups: { id: string; name: string }[]
  volumes: readonly AttachedVolume[]
  /** The host, whose name is only for administrators. */
  host: HostRef | null
}

/** Reads what the views show beside the rows of one page: four queries, whatever the size of the page. */
export async function showServers(ctx: Ctx, rows: readonly ServerRow[]): Promise<ShownServer[]> {
  if (rows.length === 0) return []
  const ids = rows.map((row) => row.id)
  const hostIds = [...new Set(rows.flatMap((row) => row.hostId ?? []))]
  const [addresses, groups, volumes, hosts] = await Promise.all([
    addressesOf(ctx, ids),
    groupNamesOf(ctx, ids),
    attachedVolumes(ctx, ids),
    hostRefs(ctx, hostIds),
  ])
  const hostBy = new Map(hosts.map((host) => [host.id, host]))
  return rows.map((row) => ({
    row,
    addresses: addresses.get(row.id) ?? [],
    groups: groups.get(row.id) ?? [],
    volumes: volumes.get(row.id) ?? [],
    host: (row.hostId && hostBy.get(row.hostId)) || null,
  }))
}
