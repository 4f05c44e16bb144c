import { type Ctx, inTransaction, isAdmin } from '../../kernel/context.ts'
import { conflict, notFound } from '../../kernel/errors.ts'
import { recordOperation } from '../../kernel/workflow.ts'
import { metadataInput } from '../contract.ts'
import { type InstanceRow, loadInstance, noteInstance } from './instance-row.ts'

/** Changes the metadata of an instance. The guest reads new metadata after its next start. */
export async function setMetadata(
  ctx: Ctx,
  id: string,
  change: (before: Record<string, string>) => Record<string, string>,
): Promise<Record<string, string>> {
  return changeInstance(ctx, id, async (tx, row) => {
    // As in Nova, a lock protects metadata and leaves tags alone.
    if (row.locked && !isAdmin(ctx)) throw conflict('The instance is locked.')
    const metadata = metadataInput.parse(change(row.metadata as Record<string, string>))
    await tx.db.instance.update({ where: { id: row.id }, data: { metadata } })
    return metadata
  })
}

/** Changes the tags of an instance and returns the new tags. A lock does not protect tags, as in Nova. */
export async function setTags(
  ctx: Ctx,
  id: string,
  change: (before: string[]) => string[],
): Promise<string[]> {
  return changeInstance(ctx, id, async (tx, row) => {
    const tags = change(row.tags)
    await tx.db.instance.update({ where: { id: row.id }, data: { tags } })
    return tags
  })
}

export const setMetadataItem = (ctx: Ctx, { id, key, value }: { id: string; key: string; value: string }) =>
  setMetadata(ctx, id, (before) => ({ ...before, [key]: value }))

/** Removes an item of metadata. Throws not_found for a key that the instance does not have. */
export const removeMetadataItem = (ctx: Ctx, { id, key }: { id: string; key: string }) =>
  setMetadata(ctx, id, (before) => {
    if (!Object.hasOwn(before, key)) throw notFound('metadata item', key)
    const { [key]: _gone, ...rest } = before
    return rest
  })

/** Changes an instance in a way that touches neither the guest nor the state. */
async function changeInstance<T>(
  ctx: Ctx,
  id: string,
  run: (tx: Ctx, row: InstanceRow) => Promise<T>,
): Promise<T> {
  return inTransaction(ctx, async (tx) => {
    await tx.db.$queryRaw`SELECT 1 FROM "Instance" WHERE "id" = ${id}::uuid FOR UPDATE`
    const row = await loadInstance(tx, 'compute:update_instance', id)
    if (row.taskState === 'deleting') throw conflict('The instance is being deleted.')
    const result = await run(tx, row)
    const operationId = crypto.randomUUID()
    await recordOperation(tx, {
      id: operationId,
      action: 'instance.update',
      resourceKind: 'instance',
      resourceId: row.id,
      resourceName: row.name,
      projectId: row.projectId,
    })
    await noteInstance(tx, row, 'updated', operationId)
    return result
  })
}
