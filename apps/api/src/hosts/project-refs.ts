import { projectNames } from '../directory/service.ts'
import type { Ctx } from '../kernel/context.ts'
import type { ProjectRef } from './contract.ts'

/** Looks up the names of projects that hosts name, in one query for a page. The ids come from hosts and may be any text. */
export async function projectRefs(ctx: Ctx, ids: readonly string[]): Promise<(id: string) => ProjectRef> {
  const names = await projectNames(ctx, [...new Set(ids)])
  return (id) => ({ id, name: names.get(id) ?? null })
}
