import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { listSessions, revokeAllSessions, revokeSession } from '../identity/sessions-list.ts'
import { testCloud, testUser } from '../identity/testing.ts'
import { authenticate, issueToken, type ScopeWish } from '../identity/tokens.ts'
import { type Ctx, type Deps, inTransaction, systemCtx } from '../kernel/context.ts'
import { expectCloudError } from '../kernel/testing.ts'
import { newId } from './ids.ts'
import { domainListInput, projectListInput } from './projects/contract.ts'
import { createDomain, deleteDomain, getDomain, listDomains, updateDomain } from './projects/domains.ts'
import {
  addProjectTag,
  createProject,
  getProject,
  listProjects,
  projectTree,
  removeProjectTag,
  updateProject,
} from './projects/service.ts'
import { listAssignments } from './roles/assignment-list.ts'
import { grantRole, hasGrant, revokeRole } from './roles/assignments.ts'
import { assignRole } from './roles/by-name.ts'
import { assignmentListInput, type GrantInput } from './roles/contract.ts'
import {
  createRole,
  deleteRole,
  getRole,
  implyRole,
  rolesNamed,
  unimplyRole,
  updateRole,
} from './roles/service.ts'
import { groupListInput, userListInput } from './users/contract.ts'
import { addGroupMember, createGroup, deleteGroup, listGroups, removeGroupMember } from './users/groups.ts'
import { resetPassword } from './users/password.ts'
import { createUser, deleteUser, getUser, listUsers, updateUser } from './users/service.ts'

let cloud: Awaited<ReturnType<typeof testCloud>>
let deps: Deps
let system: Ctx
let roleId: Record<'admin' | 'member' | 'reader', string>
beforeAll(async () => {
  cloud = await testCloud()
  deps = cloud.deps
  system = systemCtx(deps, 'test')
  const rows = await rolesNamed(system, ['admin', 'member', 'reader'])
  roleId = Object.fromEntries(rows.map((row) => [row.name, row.id])) as typeof roleId
})
afterAll(() => cloud.close())

const tag = () => newId().slice(0, 10)
async function ctxOf(userId: string, scope: ScopeWish): Promise<Ctx> {
  const { text } = await inTransaction(system, (tx) =>
    issueToken(tx, { userId, scope, methods: ['password'] }),
  )
  const ctx = await authenticate(deps, text, 'req')
  if (!ctx) throw new Error('no token')
  return ctx
}
/** A domain with its own administrator, a user and a project. */
async function ownDomain() {
  const domain = await createDomain(system, { name: `d-${tag()}` })
  const person = async (name: string) => createUser(system, { name, domainId: domain.id })
  const boss = await person('boss')
  await assignRole(system, { userId: boss.id, role: 'admin', target: { domainId: domain.id } })
  const user = await person('user')
  const project = await createProject(system, { name: 'p', domainId: domain.id })
  const ctx = await ctxOf(boss.id, { kind: 'domain', domainId: domain.id })
  return { domainId: domain.id, bossId: boss.id, userId: user.id, projectId: project.id, ctx }
}
const emptyUpdate = (id: string) => ({ id, email: undefined })

describe('the administrator of a domain', () => {
  test('manages users, groups, projects and grants of their own domain', async () => {
    const own = await ownDomain()
    const { ctx, domainId } = own
    const user = await createUser(ctx, { name: 'new' })
    expect(user.domainId).toBe(domainId)
    await updateUser(ctx, { ...emptyUpdate(user.id), description: 'x' })
    await resetPassword(ctx, { id: user.id, password: 'long enough' })
    const project = await createProject(ctx, { name: 'new' })
    expect(project.domainId).toBe(domainId)
    const group = await createGroup(ctx, { name: 'g' })
    await addGroupMember(ctx, { groupId: group.id, userId: user.id })
    await grantRole(ctx, { groupId: group.id, roleId: roleId.member, projectId: project.id })
    const view = await ctxOf(user.id, { kind: 'project', projectId: project.id })
    expect([...view.roles].sort()).toEqual(['member', 'reader'])
    await removeGroupMember(ctx, { groupId: group.id, userId: user.id })
    await deleteGroup(ctx, { id: group.id })
    await deleteUser(ctx, { id: user.id })
  })

  test('sees and changes nothing of another domain, by list, id or filter', async () => {
    const [{ ctx, domainId }, other] = [await ownDomain(), await ownDomain()]
    const lists = [
      await listUsers(ctx, userListInput.parse({})),
      await listProjects(ctx, projectListInput.parse({})),
      await listGroups(ctx, groupListInput.parse({})),
    ]
    for (const list of lists) for (const item of list.items) expect(item.domainId).toBe(domainId)
    expect((await listDomains(ctx, domainListInput.parse({}))).items.map((d) => d.id)).toEqual([domainId])
    await expectCloudError(listUsers(ctx, userListInput.parse({ domainId: other.domainId })), 'forbidden')
    await expectCloudError(getUser(ctx, { id: other.userId }), 'not_found')
    await expectCloudError(updateUser(ctx, { ...emptyUpdate(other.userId), enabled: false }), 'not_found')
    await expectCloudError(resetPassword(ctx, { id: other.userId, password: 'long enough' }), 'not_found')
    await expectCloudError(getProject(ctx, { id: other.projectId }), 'not_found')
    await expectCloudError(getDomain(ctx, { id: other.domainId }), 'not_found')
    await expectCloudError(createUser(ctx, { name: 'x', domainId: other.domainId }), 'forbidden')
    await expectCloudError(createProject(ctx, { name: 'x', parentId: other.projectId }), 'not_found')
    const assignments = await listAssignments(ctx, assignmentListInput.parse({ userId: other.bossId }))
    expect(assignments.items).toEqual([])
  })

  test('A13.3: gives no right that they do not hold, to anyone, anywhere, in any form', async () => {
    const own = await ownDomain()
    const other = await ownDomain()
    const { ctx, userId, projectId, domainId } = own
    const alien = await createRole(system, { name: `alien-${tag()}` })
    const local = await createRole(system, { name: `local-${tag()}`, domainId })
    await implyRole(system, { priorRoleId: local.id, impliedRoleId: alien.id })
    const refused: [GrantInput, 'forbidden' | 'not_found'][] = [
      [{ userId, roleId: roleId.admin, projectId }, 'forbidden'],
      [{ userId, roleId: roleId.admin, domainId }, 'forbidden'],
      [{ userId, roleId: roleId.admin, domainId, inherited: true }, 'forbidden'],
      [{ userId, roleId: roleId.member, system: true }, 'forbidden'],
      [{ userId, roleId: alien.id, projectId }, 'forbidden'],
      [{ userId, roleId: local.id, projectId }, 'forbidden'],
      [{ userId, roleId: roleId.member, projectId: other.projectId }, 'not_found'],
      [{ userId, roleId: roleId.member, domainId: other.domainId }, 'not_found'],
      [{ userId: other.userId, roleId: roleId.member, projectId }, 'not_found'],
    ]
    for (const [grant, code] of refused) await expectCloudError(grantRole(ctx, grant), code)
    expect(await deps.root.roleAssignment.count({ where: { userId } })).toBe(0)
    await expectCloudError(
      implyRole(ctx, { priorRoleId: local.id, impliedRoleId: roleId.admin }),
      'forbidden',
    )
    await expectCloudError(
      implyRole(ctx, { priorRoleId: roleId.reader, impliedRoleId: alien.id }),
      'forbidden',
    )
    await expectCloudError(createRole(ctx, { name: `x-${tag()}` }), 'forbidden')
    await expectCloudError(updateDomain(ctx, { id: domainId, description: 'x' }), 'forbidden')
  })

  test('takes over no user with more rights, by password, name or group', async () => {
    const { ctx, userId, projectId, domainId } = await ownDomain()
    const group = await createGroup(system, { name: 'operators', domainId })
    await grantRole(system, { groupId: group.id, roleId: roleId.admin, projectId })
    await expectCloudError(addGroupMember(ctx, { groupId: group.id, userId }), 'forbidden')
    await addGroupMember(system, { groupId: group.id, userId })
    await expectCloudError(resetPassword(ctx, { id: userId, password: 'long enough' }), 'forbidden')
    await expectCloudError(updateUser(ctx, { ...emptyUpdate(userId), enabled: false }), 'forbidden')
    await expectCloudError(deleteUser(ctx, { id: userId }), 'forbidden')
    await expectCloudError(revokeAllSessions(ctx, { userId }), 'forbidden')
    await removeGroupMember(system, { groupId: group.id, userId })
    await resetPassword(ctx, { id: userId, password: 'long enough' })
  })

  test('has no rights outside the domain: a token for one of its projects gives the rights of that project', async () => {
    const { bossId, projectId } = await ownDomain()
    await expectCloudError(ctxOf(bossId, { kind: 'project', projectId }), 'unauthenticated')
  })
})

describe('a reader of the system', () => {
  test('reads all lists and objects and changes nothing', async () => {
    const { userId, projectId } = await ownDomain()
    const auditor = await testUser(deps)
    await assignRole(system, { userId: auditor.userId, role: 'reader', target: { system: true } })
    const ctx = await ctxOf(auditor.userId, { kind: 'system' })
    expect((await listUsers(ctx, userListInput.parse({}))).total).toBeGreaterThan(2)
    expect((await getUser(ctx, { id: userId })).id).toBe(userId)
    expect((await listAssignments(ctx, assignmentListInput.parse({ limit: 5 }))).items).toHaveLength(5)
    await expectCloudError(updateUser(ctx, emptyUpdate(userId)), 'forbidden')
    await expectCloudError(updateProject(ctx, { id: projectId, name: 'x' }), 'forbidden')
    await expectCloudError(grantRole(ctx, { userId, roleId: roleId.reader, projectId }), 'forbidden')
  })
})

describe('projects', () => {
  test('a tree keeps its rules of depth, domain, disabling and names, and has no orphans', async () => {
    const a = await createProject(system, { name: `a-${tag()}` })
    const b = await createProject(system, { name: `b-${tag()}`, parentId: a.id })
    const c = await createProject(system, { name: `c-${tag()}`, parentId: b.id })
    const tree = await projectTree(system, { id: b.id })
    expect([tree.parents.map((p) => p.id), tree.subtree.map((p) => p.id)]).toEqual([[a.id], [c.id]])
    const d = await createProject(system, { name: `e-${tag()}`, parentId: c.id })
    const e = await createProject(system, { name: `f-${tag()}`, parentId: d.id })
    await expectCloudError(createProject(system, { name: 'too deep', parentId: e.id }), 'forbidden')
    await expectCloudError(updateProject(system, { id: a.id, enabled: false }), 'forbidden')
    for (const id of [e.id, d.id, c.id, b.id, a.id]) await updateProject(system, { id, enabled: false })
    await expectCloudError(updateProject(system, { id: c.id, enabled: true }), 'forbidden')
    await expectCloudError(createProject(system, { name: 'x', parentId: a.id }), 'forbidden')
    await expectCloudError(createProject(system, { name: a.name }), 'already_exists')
    const children = await listProjects(system, projectListInput.parse({ parentId: a.id }))
    expect(children.items.map((p) => p.id)).toEqual([b.id])
  })

  test('parallel adds of tags lose none, filters by tags combine, and 80 tags are the limit', async () => {
    const { id } = await createProject(system, { name: `t-${tag()}`, tags: ['red'] })
    const tags = Array.from({ length: 10 }, (_, i) => `t${i}`)
    await Promise.all(tags.map((each) => addProjectTag(system, { id, tag: each })))
    expect((await getProject(system, { id })).tags.sort()).toEqual(['red', ...tags].sort())
    const found = async (filter: object) =>
      (await listProjects(system, projectListInput.parse({ limit: 1000, ...filter }))).items.some(
        (p) => p.id === id,
      )
    expect(await found({ tags: ['red', 't3'] })).toBe(true)
    expect(await found({ tags: ['red', 'blue'] })).toBe(false)
    expect(await found({ tagsAny: ['red', 'blue'] })).toBe(true)
    expect(await found({ notTags: ['red', 'blue'] })).toBe(true)
    expect(await found({ notTagsAny: ['red', 'blue'] })).toBe(false)
    await removeProjectTag(system, { id, tag: 'red' })
    await expectCloudError(removeProjectTag(system, { id, tag: 'red' }), 'not_found')
    await updateProject(system, { id, tags: Array.from({ length: 80 }, (_, i) => `n${i}`) })
    await expectCloudError(addProjectTag(system, { id, tag: 'one too many' }), 'invalid_input')
  })

  test('a disabled domain can be deleted, with everything in it', async () => {
    const own = await ownDomain()
    const group = await createGroup(system, { name: 'g', domainId: own.domainId })
    await createRole(system, { name: 'local', domainId: own.domainId })
    await createProject(system, { name: 'below', parentId: own.projectId })
    await expectCloudError(deleteDomain(system, { id: own.domainId }), 'forbidden')
    await updateDomain(system, { id: own.domainId, enabled: false })
    await deleteDomain(system, { id: own.domainId })
    await expectCloudError(getDomain(system, { id: own.domainId }), 'not_found')
    expect(await deps.root.user.count({ where: { id: { in: [own.userId, own.bossId] } } })).toBe(0)
    expect(await deps.root.group.count({ where: { id: group.id } })).toBe(0)
    await expectCloudError(deleteDomain(system, { id: 'default' }), 'forbidden')
  })
})

describe('roles', () => {
  test('the three built-in roles cannot be changed, no roles imply each other in a circle, and no role implies admin', async () => {
    const [a, b] = [
      await createRole(system, { name: `a-${tag()}` }),
      await createRole(system, { name: `b-${tag()}` }),
    ]
    for (const id of Object.values(roleId)) {
      await expectCloudError(deleteRole(system, { id }), 'forbidden')
      await expectCloudError(updateRole(system, { id, name: 'x' }), 'forbidden')
    }
    const seeded = { priorRoleId: roleId.admin, impliedRoleId: roleId.member }
    await expectCloudError(unimplyRole(system, seeded), 'forbidden')
    await implyRole(system, { priorRoleId: a.id, impliedRoleId: b.id })
    await expectCloudError(implyRole(system, { priorRoleId: b.id, impliedRoleId: a.id }), 'conflict')
    await expectCloudError(implyRole(system, { priorRoleId: a.id, impliedRoleId: a.id }), 'conflict')
    await expectCloudError(implyRole(system, { priorRoleId: a.id, impliedRoleId: roleId.admin }), 'forbidden')
    expect((await getRole(system, { id: a.id })).implies).toEqual([{ id: b.id, name: b.name }])
    await unimplyRole(system, { priorRoleId: a.id, impliedRoleId: b.id })
    const both = [
      implyRole(system, { priorRoleId: a.id, impliedRoleId: b.id }),
      implyRole(system, { priorRoleId: b.id, impliedRoleId: a.id }),
    ]
    const results = await Promise.allSettled(both)
    expect(results.map((r) => r.status).sort()).toEqual(['fulfilled', 'rejected'])
  })

  test('a role of one domain holds in this domain only, and gives the rights of the roles that it implies', async () => {
    const [own, other] = [await ownDomain(), await ownDomain()]
    const { userId, projectId } = own
    const local = await createRole(system, { name: 'local', domainId: own.domainId })
    await createRole(system, { name: 'local', domainId: other.domainId })
    await implyRole(system, { priorRoleId: local.id, impliedRoleId: roleId.member })
    await expectCloudError(
      grantRole(system, { userId, roleId: local.id, projectId: other.projectId }),
      'forbidden',
    )
    await grantRole(own.ctx, { userId, roleId: local.id, projectId })
    expect([...(await ctxOf(userId, { kind: 'project', projectId })).roles].sort()).toEqual([
      'member',
      'reader',
    ])
    await expectCloudError(getRole(other.ctx, { id: local.id }), 'not_found')
    const above = await createRole(system, { name: 'above', domainId: own.domainId })
    const foreign = await createRole(system, { name: 'foreign', domainId: other.domainId })
    const implies = (prior: { id: string }, implied: { id: string }) =>
      implyRole(system, { priorRoleId: prior.id, impliedRoleId: implied.id })
    await implies(above, local)
    await expectCloudError(implies(local, above), 'conflict', /circle/)
    await expectCloudError(implies({ id: roleId.member }, local), 'forbidden', /Global role cannot imply/)
    await expectCloudError(implies(foreign, local), 'forbidden', /same domain/)
    const second = await createProject(system, { name: 'second', domainId: own.domainId })
    await grantRole(own.ctx, { userId, roleId: above.id, projectId: second.id })
    const roles = (await ctxOf(userId, { kind: 'project', projectId: second.id })).roles
    expect([...roles].sort()).toEqual(['member', 'reader'])
    const effective = { ...assignmentListInput.parse({ projectId: second.id }), effective: true }
    const shown = (await listAssignments(system, effective)).items.map((row) => row.role.name)
    expect(shown.sort()).toEqual(['member', 'reader'])
  })

  test('a role given twice is one row, a role removed twice is no error, and nothing else changes', async () => {
    const { userId, projectId } = await ownDomain()
    const grant = { userId, roleId: roleId.member, projectId }
    await Promise.all([grantRole(system, grant), grantRole(system, grant), grantRole(system, grant)])
    expect(await deps.root.roleAssignment.count({ where: { userId } })).toBe(1)
    expect(await hasGrant(system, grant)).toBe(true)
    expect([await revokeRole(system, grant), await revokeRole(system, grant)]).toEqual([true, false])
    expect(await hasGrant(system, grant)).toBe(false)
    expect(await deps.root.roleAssignment.count({ where: { userId } })).toBe(0)
  })
})

describe('the list of assignments', () => {
  test('the effective list shows the roles that a token has, whatever the source of the role', async () => {
    const own = await ownDomain()
    const { userId, projectId, domainId } = own
    const child = await createProject(system, { name: 'child', parentId: projectId })
    const group = await createGroup(system, { name: 'g', domainId })
    await addGroupMember(system, { groupId: group.id, userId })
    await grantRole(system, { groupId: group.id, roleId: roleId.reader, domainId, inherited: true })
    await grantRole(system, { userId, roleId: roleId.member, projectId, inherited: true })
    const effective = async (id: string) => {
      const list = await listAssignments(
        system,
        assignmentListInput.parse({ userId, projectId: id, effective: true }),
      )
      return list.items.map((item) => item.role.name).sort()
    }
    const inToken = async (id: string) =>
      [...(await ctxOf(userId, { kind: 'project', projectId: id })).roles].sort()
    for (const id of [projectId, child.id]) expect(await effective(id)).toEqual(await inToken(id))
    expect(await effective(projectId)).toEqual(['reader'])
    expect(await effective(child.id)).toEqual(['member', 'reader'])
    const recorded = await listAssignments(
      system,
      assignmentListInput.parse({ projectId, includeSubtree: true }),
    )
    expect(recorded.items).toMatchObject([
      { inherited: true, role: { name: 'member' }, user: { name: 'user' } },
    ])
    const subtree = { projectId, includeSubtree: true, effective: true, userId }
    const places = (await listAssignments(system, assignmentListInput.parse(subtree))).items.map(
      (i) => i.project?.name,
    )
    expect(new Set(places)).toEqual(new Set(['p', 'child']))
  })

  test('a user may list their own assignments, and those of nobody else', async () => {
    const who = await testUser(deps)
    const ctx = await ctxOf(who.userId, { kind: 'project', projectId: who.projectId })
    const own = await listAssignments(ctx, assignmentListInput.parse({ userId: who.userId }))
    expect(own.items).toMatchObject([{ role: { name: 'member' }, project: { id: who.projectId } }])
    await expectCloudError(listAssignments(ctx, assignmentListInput.parse({})), 'forbidden')
  })
})

describe('sessions', () => {
  test('the list has one line for a sign-in, and revoking one sign-in leaves the others', async () => {
    const who = await testUser(deps)
    const scope = { kind: 'project', projectId: who.projectId } as const
    const [here, there] = [await ctxOf(who.userId, scope), await ctxOf(who.userId, scope)]
    const { items: list } = await listSessions(here, { limit: 10 })
    expect(await listSessions(here, { limit: 1 })).toMatchObject({ items: [{}], truncated: true })
    expect(list.map((s) => s.current).sort()).toEqual([false, true])
    const other = list.find((s) => !s.current)
    await revokeSession(here, { id: other?.id ?? '' })
    await expectCloudError(revokeSession(here, { id: other?.id ?? '' }), 'not_found')
    expect(await listSessions(here, { limit: 10 })).toMatchObject({ items: [{}], truncated: false })
    await expectCloudError(listSessions(there, { limit: 10 }), 'unauthenticated')
    const stranger = await testUser(deps)
    await expectCloudError(revokeSession(here, { id: 'x', userId: stranger.userId }), 'not_found')
  })
})
