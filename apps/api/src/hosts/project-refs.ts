import { projectNames } from '../directory/service.ts'
import type { Ctx } from '../kernel/context.ts'
import type { ProjectRef } from './contract.ts'

/** Names of the projects that hosts tell of, one query for a page; a host's word, so of any text. */
export async function projectRefs(ctx: Ctx, ids: readonly string[]): Promise<(id: string) => ProjectRef> {
  const names = await projectNames(ctx, [...new Set(ids)])
  return (id) => ({ id, name: names.get(id) ?? null })
}
