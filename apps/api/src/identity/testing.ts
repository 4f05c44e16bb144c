import Fastify, { type FastifyInstance } from 'fastify'
import { newId } from '../directory/ids.ts'
import { updateDomain } from '../directory/projects/domains.ts'
import { createProject, updateProject } from '../directory/projects/service.ts'
import { assignRole } from '../directory/roles/by-name.ts'
import { seedIdentity } from '../directory/seed.ts'
import { resetPassword } from '../directory/users/password.ts'
import { createUser, updateUser } from '../directory/users/service.ts'
import { type Ctx, type Deps, systemCtx } from '../kernel/context.ts'
import { testDeps } from '../kernel/testing.ts'
import { openstackRoutes } from '../openstack/mount.ts'
import '../register.ts'

export const adminPassword = 'canary-admin-password'
export const demoPassword = 'canary-demo-password'

/** A seeded cloud for tests, with the domain Default and the users admin and demo. */
export async function testCloud(): Promise<{ deps: Deps; close(): Promise<void> }> {
  const cloud = await testDeps()
  await seedIdentity(cloud.deps, { adminPassword, demoPassword })
  return cloud
}

/** The façades as the public door has them: requests that they do not answer go to the portal. */
export async function testFacade(deps: Deps): Promise<FastifyInstance> {
  const app = Fastify({ genReqId: () => `req-${crypto.randomUUID()}` })
  await app.register(openstackRoutes(deps))
  app.all('/*', async (_request, reply) => reply.status(418).send('the portal'))
  return app
}

/** Makes a user with the role on a new project of the user's own. */
export async function testUser(
  deps: Deps,
  options: { role?: string; password?: string } = {},
): Promise<{ userId: string; projectId: string; name: string; password: string }> {
  const ctx = systemCtx(deps, 'test')
  const name = `user-${newId().slice(0, 8)}`
  const password = options.password ?? `pw-${newId()}`
  const project = await createProject(ctx, { name: `project-of-${name}` })
  const user = await createUser(ctx, { name, password, defaultProjectId: project.id })
  await assignRole(ctx, {
    userId: user.id,
    role: options.role ?? 'member',
    target: { projectId: project.id },
  })
  return { userId: user.id, projectId: project.id, name, password }
}

/** Short forms for tests of revocation. */
export const setUserEnabled = (ctx: Ctx, { userId, enabled }: { userId: string; enabled: boolean }) =>
  updateUser(ctx, { id: userId, enabled, email: undefined })
export const setProjectEnabled = (ctx: Ctx, at: { projectId: string; enabled: boolean }) =>
  updateProject(ctx, { id: at.projectId, enabled: at.enabled })
export const setDomainEnabled = (ctx: Ctx, at: { domainId: string; enabled: boolean }) =>
  updateDomain(ctx, { id: at.domainId, enabled: at.enabled })
export const setPassword = (ctx: Ctx, { userId, password }: { userId: string; password: string }) =>
  resetPassword(ctx, { id: userId, password })
