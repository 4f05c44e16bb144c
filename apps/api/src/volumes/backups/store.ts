import type { BackupKey, StoreSpec } from '@stratolith/drivers/backups/interface'
import { driversOf } from '../../hosts/service.ts'
import type { Ctx } from '../../kernel/context.ts'
import type { Run } from '../../kernel/workflow.ts'
import { hostFor } from '../driver.ts'
import type { VolumeRow } from '../queries.ts'

/** The id of the store on each host (apps/agent/src/drivers.ts). */
export const usualStore: StoreSpec = { driver: 'folder', id: 'local' }

/** The store in which new backups of a volume lie: the one that the host reaches which works on the volume. */
export async function storeFor(ctx: Ctx, volume: VolumeRow): Promise<{ hostId: string; store: string }> {
  return { hostId: await hostFor(ctx, volume.pool, volume.id), store: usualStore.id }
}

/** What a host must know to reach a store. */
export const storeSpec = ({ store }: { store: string }): StoreSpec => ({ driver: 'folder', id: store })

/** The name of a backup in its store. */
export const keyOf = (row: { id: string; volumeId: string; store: string }): BackupKey => ({
  ...{ id: row.id, volumeId: row.volumeId },
  store: storeSpec(row),
})

/** The drivers of the host that reaches the store of a backup. */
export const driversAt = (run: Run<unknown>, { hostId }: { hostId: string }) =>
  driversOf({ ...run.ctx, db: run.ctx.deps.root }, hostId)
