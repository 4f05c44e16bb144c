import type { Ctx } from '../kernel/context.ts'
import type { ProjectRef } from './contract.ts'

/** Names of the projects that hosts tell of, one query for a page; a host's word, so of any text. */
export async function projectRefs(ctx: Ctx, ids: readonly string[]): Promise<(id: string) => ProjectRef> {
  const rows = await ctx.db.project.findMany({
    where: { id: { in: [...new Set(ids)] } },
    select: { id: true, name: true },
  })
  const names = new Map(rows.map((row) => [row.id, row.name]))
  return (id) => ({ id, name: names.get(id) ?? null })
}
