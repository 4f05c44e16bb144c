import { type Ctx, isAdmin, projectOf } from '../../kernel/context.ts'

/** What a launch must know of an image. Sizes: bytes, GiB, MiB. */
export type BootImage = {
  id: string
  name: string
  state: string
  blobId: string
  format: 'raw' | 'qcow2'
  virtualBytes: number
  minDiskGib: number
  minRamMib: number
}

/** The project's own or a public image; null for anything else (R2). */
export async function findBootImage(ctx: Ctx, id: string): Promise<BootImage | null> {
  const own = isAdmin(ctx) ? {} : { OR: [{ projectId: projectOf(ctx) }, { visibility: 'public' }] }
  const row = await ctx.db.image.findFirst({ where: { id, state: { not: 'deleted' }, ...own } })
  return (
    row && {
      id: row.id,
      name: row.name,
      state: row.state,
      blobId: row.blobId ?? '',
      format: row.diskFormat === 'qcow2' ? 'qcow2' : 'raw',
      virtualBytes: Number(row.virtualBytes ?? 0),
      minDiskGib: row.minDiskGib,
      minRamMib: row.minRamMib,
    }
  )
}
