import type { Ctx } from '../kernel/context.ts'
import { CloudError } from '../kernel/errors.ts'

/** Questions of other rooms to the directory. The callers of these functions have checked the rights. */

/** With `live`, a project that is being deleted does not count. */
export async function projectExists(ctx: Ctx, id: string, which: 'any' | 'live'): Promise<boolean> {
  const where = { id, ...(which === 'live' ? { deleting: false } : {}) }
  return (await ctx.db.project.findUnique({ where, select: { id: true } })) !== null
}

const select = { id: true, name: true }
type Named = { id: string; name: string }
const byId = (found: readonly Named[]) => new Map(found.map(({ id, name }) => [id, name]))

/** Names of those of the projects that exist, including those that are being deleted. Takes one query. */
export async function projectNames(ctx: Ctx, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  return byId(await ctx.db.project.findMany({ where: { id: { in: [...ids] } }, select }))
}

/** Takes one query. */
export async function domainNames(ctx: Ctx, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  return byId(await ctx.db.domain.findMany({ where: { id: { in: [...ids] } }, select }))
}

/** Takes one query. */
export async function userNames(ctx: Ctx, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  return byId(await ctx.db.user.findMany({ where: { id: { in: [...ids] } }, select }))
}

export async function userRef(ctx: Ctx, id: string): Promise<(Named & { domainId: string }) | null> {
  return ctx.db.user.findUnique({ where: { id }, select: { ...select, domainId: true } })
}

/** Returns a project that is being deleted, too. */
export async function projectRef(ctx: Ctx, id: string): Promise<(Named & { domainId: string }) | null> {
  return ctx.db.project.findUnique({ where: { id }, select: { ...select, domainId: true } })
}

/** Null for a domain that is being deleted. */
export async function domainRef(ctx: Ctx, id: string): Promise<Named | null> {
  return ctx.db.domain.findUnique({ where: { id, deleting: false }, select })
}

/** The project admin, with which every cloud begins; things of the cloud itself belong to this project. */
export async function adminProjectId(ctx: Ctx): Promise<string> {
  const where = { domainId_name: { domainId: 'default', name: 'admin' } }
  const project = await ctx.db.project.findUnique({ where, select: { id: true } })
  if (!project) throw new CloudError('internal', 'The cloud has no project “admin” to begin with.')
  return project.id
}

export type DomainRef = { id: string } | { name: string }
/** The id of the domain that a caller names; null when there is none. Callers who sign in may name any domain. */
export async function domainNamed(ctx: Ctx, ref: DomainRef): Promise<string | null> {
  return (await ctx.db.domain.findFirst({ where: ref, select: { id: true } }))?.id ?? null
}

export type ProjectRef = { id: string } | { name: string; domain: DomainRef }
/** The id of the project that a caller names; null when there is none. Callers who sign in may name any project. */
export async function projectNamed(ctx: Ctx, ref: ProjectRef): Promise<string | null> {
  const where = 'id' in ref ? { id: ref.id } : { name: ref.name, domain: ref.domain }
  return (await ctx.db.project.findFirst({ where, select: { id: true } }))?.id ?? null
}
