import type { Ctx } from '../kernel/context.ts'

/** Returns the sentence why a volume cannot be deleted: it has snapshots, or another volume is being made of it. */
export async function whyNeeded(ctx: Ctx, id: string): Promise<string | null> {
  const count = await ctx.db.volumeSnapshot.count({ where: { volumeId: id } })
  if (count > 0)
    return `The volume has ${count === 1 ? 'a snapshot' : `${count} snapshots`}. Delete ${count === 1 ? 'it' : 'them'} first.`
  if ((await ctx.db.volume.count({ where: { sourceVolumeId: id, state: 'creating' } })) > 0)
    return 'A copy of this volume is being made. Wait until that is over.'
  return null
}
