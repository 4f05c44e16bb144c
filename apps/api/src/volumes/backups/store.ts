import type { BackupKey, StoreSpec } from '@stratolith/drivers/backups/interface'
import { driversOf } from '../../hosts/service.ts'
import type { Run } from '../../kernel/workflow.ts'

/** The id of the store on each host (apps/agent/src/drivers.ts); reach.ts knows which hosts have the same one. */
export const usualStore: StoreSpec = { driver: 'folder', id: 'local' }

/** What a host must know to reach a store. */
export const storeSpec = ({ store }: { store: string }): StoreSpec => ({ driver: 'folder', id: store })

/** The name of a backup in its store. */
export const keyOf = (row: { id: string; volumeId: string; store: string }): BackupKey => ({
  ...{ id: row.id, volumeId: row.volumeId },
  store: storeSpec(row),
})

/** The drivers of the host that works on a backup, or has made it. */
export const driversAt = (run: Run<unknown>, { hostId }: { hostId: string }) =>
  driversOf({ ...run.ctx, db: run.ctx.deps.root }, hostId)
