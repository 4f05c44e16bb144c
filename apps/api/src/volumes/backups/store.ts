import type { BackupKey, StoreSpec } from '@stratolith/drivers/backups/interface'
import { driversOf } from '../../hosts/service.ts'
import { conflict } from '../../kernel/errors.ts'
import type { Run } from '../../kernel/workflow.ts'

/** The id of the store on each host. */
const local: StoreSpec = { driver: 'folder', id: 'local' }

/** The store in which new backups of a volume lie: the one that the host of the volume reaches. */
export function storeFor({ name, hostId }: { name: string; hostId: string | null }): {
  hostId: string
  store: string
} {
  if (hostId === null) throw conflict(`No host has a store for backups of volumes in the pool ${name}.`)
  return { hostId, store: local.id }
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
