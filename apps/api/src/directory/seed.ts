import { seedRows } from '@stratolith/db/seed'
import { type Ctx, type Deps, systemCtx } from '../kernel/context.ts'
import { verifyPassword } from './passwords.ts'
import { createProject } from './projects/service.ts'
import { assignRole } from './roles/by-name.ts'
import { createUser } from './users/service.ts'

/**
 * Creates everything that a new cloud starts with: the domain Default, the roles, the projects admin and demo, and the
 * users admin and demo. Idempotent; a user who exists keeps their password. Returns the names of the users whose
 * password is the given one. The process must have imported register.ts, so that the projects get their defaults from
 * every room.
 */
export async function seedIdentity(
  deps: Deps,
  passwords: { adminPassword: string; demoPassword: string },
): Promise<string[]> {
  await seedRows(deps.root)
  const ctx = systemCtx(deps, 'seed-identity')
  const adminProject = await ensureProject(ctx, 'admin', 'For running the cloud')
  const demoProject = await ensureProject(ctx, 'demo', 'For a first look around')
  const admin = await ensureUser(ctx, 'admin', passwords.adminPassword, adminProject)
  const demo = await ensureUser(ctx, 'demo', passwords.demoPassword, demoProject)
  await assignRole(ctx, { userId: admin, role: 'admin', target: { projectId: adminProject } })
  await assignRole(ctx, { userId: admin, role: 'admin', target: { projectId: demoProject } })
  await assignRole(ctx, { userId: admin, role: 'admin', target: { system: true } })
  await assignRole(ctx, { userId: demo, role: 'member', target: { projectId: demoProject } })
  const right = await Promise.all([
    hasPassword(ctx, admin, passwords.adminPassword),
    hasPassword(ctx, demo, passwords.demoPassword),
  ])
  return ['admin', 'demo'].filter((_name, index) => right[index])
}

async function hasPassword(ctx: Ctx, id: string, password: string): Promise<boolean> {
  const { passwordHash } = await ctx.db.user.findUniqueOrThrow({ where: { id } })
  return verifyPassword(passwordHash, password)
}

async function ensureProject(ctx: Ctx, name: string, description: string): Promise<string> {
  const where = { domainId_name: { domainId: 'default', name } }
  const found = await ctx.db.project.findUnique({ where })
  return (found ?? (await createProject(ctx, { name, description }))).id
}

async function ensureUser(
  ctx: Ctx,
  name: string,
  password: string,
  defaultProjectId: string,
): Promise<string> {
  const where = { domainId_name: { domainId: 'default', name } }
  const found = await ctx.db.user.findUnique({ where })
  return (found ?? (await createUser(ctx, { name, password, defaultProjectId }))).id
}
