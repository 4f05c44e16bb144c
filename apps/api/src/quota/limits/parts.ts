import type { Ctx } from '../../kernel/context.ts'
import type { QuotaPart, QuotaResource } from '../../kernel/contract.ts'
import { notFound } from '../../kernel/errors.ts'
import { authorize } from '../../kernel/policy.ts'
import { isPart, partName, quotaParts } from '../../kernel/quota.ts'
import type { QuotaLimits, QuotaPartView } from '../contract.ts'
import { partDefaultsOf, partsOf } from '../service.ts'
import { projectWithQuota } from './project.ts'

/** Limits of parts of resources: how much of a resource a project may have of one type. */

type Part = { name: QuotaPart; of: QuotaResource; part: { id: string; name: string } }

/** The parts that the caller may see, in the order of their names. */
async function partsFor(ctx: Ctx): Promise<Part[]> {
  const all: Part[] = []
  for (const { resources, list } of quotaParts())
    for (const part of await list(ctx))
      for (const of of resources) all.push({ name: partName(of, part.id), of, part })
  return all
}

/** The limits and the use of each part of a project, the caller's own project when none is named. */
export async function getPartQuota(ctx: Ctx, input: { projectId?: string } = {}): Promise<QuotaPartView[]> {
  const projectId = await projectWithQuota(ctx, input.projectId)
  const parts = await partsFor(ctx)
  const names = parts.map(({ name }) => name)
  const found = new Map((await partsOf(ctx, projectId, names)).map((one) => [one.resource, one]))
  return parts.map((part) => {
    const { limit = -1, used = 0 } = found.get(part.name) ?? {}
    return { ...part, limit, used }
  })
}

/** The default limit of each part; -1: unlimited, as long as an administrator has set none. */
export async function getPartDefaults(ctx: Ctx): Promise<QuotaPartView[]> {
  authorize(ctx, 'quota:get_defaults')
  const parts = await partsFor(ctx)
  const limits = await partDefaultsOf(
    ctx,
    parts.map(({ name }) => name),
  )
  return parts.map((part) => ({ ...part, limit: limits.get(part.name) ?? -1, used: 0 }))
}

/** Throws not_found when a limit names a part that does not exist. */
export async function demandParts(ctx: Ctx, limits: QuotaLimits): Promise<void> {
  const named = Object.keys(limits).filter((name): name is QuotaPart => isPart(name as QuotaPart))
  if (named.length === 0) return
  const known = new Set((await partsFor(ctx)).map(({ name }) => name))
  for (const name of named) if (!known.has(name)) throw notFound('quota', name)
}
