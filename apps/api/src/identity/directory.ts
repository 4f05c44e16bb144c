import type { Prisma } from '@stratolith/db'
import type { Ctx } from '../kernel/context.ts'
import { isAdmin } from '../kernel/context.ts'
import { notFound } from '../kernel/errors.ts'
import { authorize } from '../kernel/policy.ts'
import { projectsOf } from './roles/effective.ts'

/** Lists of the identity room hold at most this many; `truncated` says when there are more. */
const listCap = 1000
export type Listed<Row> = { items: Row[]; truncated: boolean }
const capped = <Row>(rows: Row[]): Listed<Row> => ({
  items: rows.slice(0, listCap),
  truncated: rows.length > listCap,
})

export type Filter = { name?: string; domainId?: string; enabled?: boolean }

export async function listProjects(ctx: Ctx, filter: Filter = {}) {
  authorize(ctx, 'identity:list_projects')
  return capped(await ctx.db.project.findMany({ where: filter, orderBy: { id: 'asc' }, take: listCap + 1 }))
}

/** One of the caller's own projects, or any for an administrator; others are not there (R2). */
export async function getProject(ctx: Ctx, id: string) {
  const project = await ctx.db.project.findUnique({ where: { id } })
  const own = isAdmin(ctx) || (await projectsOf(ctx, ctx.actor.userId)).some((p) => p.id === id)
  if (!project || !own) throw notFound('project', id)
  return project
}

/** Enabled projects of a user: one's own, or anyone's for an administrator. */
export async function listProjectsOfUser(ctx: Ctx, userId: string) {
  await getUser(ctx, userId)
  const views = await projectsOf(ctx, userId)
  const ids = views.map((p) => p.id)
  return capped(await ctx.db.project.findMany({ where: { id: { in: ids } }, orderBy: { id: 'asc' } }))
}

const userColumns = {
  id: true,
  name: true,
  domainId: true,
  enabled: true,
  email: true,
  description: true,
  defaultProjectId: true,
} satisfies Prisma.UserSelect

export async function listUsers(ctx: Ctx, filter: Filter = {}) {
  authorize(ctx, 'identity:list_users')
  return capped(
    await ctx.db.user.findMany({
      where: filter,
      select: userColumns,
      orderBy: { id: 'asc' },
      take: listCap + 1,
    }),
  )
}

/** Oneself, or any for an administrator; others are not there (R2). */
export async function getUser(ctx: Ctx, id: string) {
  const seen = isAdmin(ctx) || id === ctx.actor.userId
  const user = seen ? await ctx.db.user.findUnique({ where: { id }, select: userColumns }) : null
  if (!user) throw notFound('user', id)
  authorize(ctx, 'identity:get_user', { userId: id })
  return user
}

export async function listDomains(ctx: Ctx, filter: Omit<Filter, 'domainId'> = {}) {
  authorize(ctx, 'identity:list_domains')
  return capped(await ctx.db.domain.findMany({ where: filter, orderBy: { id: 'asc' }, take: listCap + 1 }))
}

/** The domain of the caller or of the token's scope, or any for an administrator. */
export async function getDomain(ctx: Ctx, id: string) {
  const scoped =
    ctx.scope.kind === 'project' || ctx.scope.kind === 'domain' ? ctx.scope.domainId === id : false
  const seen = isAdmin(ctx) || id === ctx.actor.domainId || scoped
  const domain = seen ? await ctx.db.domain.findUnique({ where: { id } }) : null
  if (!domain) throw notFound('domain', id)
  return domain
}

export async function listRoles(ctx: Ctx, filter: { name?: string } = {}) {
  authorize(ctx, 'identity:list_roles')
  return capped(await ctx.db.role.findMany({ where: filter, orderBy: { name: 'asc' }, take: listCap + 1 }))
}

export async function getRole(ctx: Ctx, id: string) {
  authorize(ctx, 'identity:list_roles')
  const role = await ctx.db.role.findUnique({ where: { id } })
  if (!role) throw notFound('role', id)
  return role
}

export type AssignmentFilter = {
  userId?: string
  roleId?: string
  projectId?: string
  domainId?: string
  system?: true
}

export async function listRoleAssignments(ctx: Ctx, filter: AssignmentFilter = {}) {
  authorize(ctx, 'identity:list_role_assignments')
  return capped(
    await ctx.db.roleAssignment.findMany({
      where: filter,
      orderBy: { id: 'asc' },
      take: listCap + 1,
      include: {
        role: true,
        user: { include: { domain: true }, omit: { passwordHash: true } },
        project: { include: { domain: true } },
      },
    }),
  )
}

/** Ids of the roles with these names, for the `roles` of a token; reading them needs no right. */
export async function rolesNamed(ctx: Ctx, names: Iterable<string>): Promise<{ id: string; name: string }[]> {
  return ctx.db.role.findMany({
    where: { name: { in: [...names] } },
    select: { id: true, name: true },
    orderBy: { name: 'asc' },
  })
}
