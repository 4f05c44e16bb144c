import { demandProject } from '../../directory/service.ts'
import { type Ctx, projectOf, seesAll } from '../../kernel/context.ts'
import { notFound } from '../../kernel/errors.ts'
import { authorize } from '../../kernel/policy.ts'

/** The project whose quota the caller asks for, the caller's own when none is named. A project that the caller may not see is not found (R2). */
export async function projectWithQuota(ctx: Ctx, id: string | undefined): Promise<string> {
  const projectId = id ?? projectOf(ctx)
  const own = ctx.scope.kind === 'project' && ctx.scope.projectId === projectId
  if (!own && !seesAll(ctx)) throw notFound('project', projectId)
  authorize(ctx, 'quota:get', { projectId })
  if (!own) await demandProject(ctx, projectId)
  return projectId
}
