import { randomUUID } from 'node:crypto'
import { newId } from '../directory/ids.ts'
import { hashPassword } from '../directory/passwords.ts'
import { createDomain } from '../directory/projects/domains.ts'
import { createProject } from '../directory/projects/service.ts'
import { grantRole } from '../directory/roles/assignments.ts'
import type { GrantInput } from '../directory/roles/contract.ts'
import { createRole, implyRole } from '../directory/roles/service.ts'
import { addGroupMember, createGroup } from '../directory/users/groups.ts'
import { createUser } from '../directory/users/service.ts'
import { type Ctx, type Deps, inTransaction, systemCtx } from '../kernel/context.ts'
import { rescopeToken } from './service.ts'
import { authenticate, issueToken, type NewToken } from './tokens.ts'

/** How the user got the role on the project, and the kind of credential that the user acts with. */
export const sources = ['direct', 'group', 'fromParent', 'fromDomain', 'implied', 'groupFromDomain'] as const
export const kinds = ['password', 'rescoped', 'application', 'ec2', 'trust', 'impersonation'] as const
export type Source = (typeof sources)[number]
export type Kind = (typeof kinds)[number]

/** A domain for one test, with everything that an event of the table could take away. */
export type Scene = {
  deps: Deps
  system: Ctx
  source: Source
  kind: Kind
  domainId: string
  parentId: string
  projectId: string
  userId: string
  userName: string
  trusteeId: string
  groupId: string
  roleId: string
  grant: GrantInput
  applicationCredentialId: string
  trustId: string
  credentialId: string
  token: string
}
export const scenePassword = 'the first password'
/** The password is hashed once for all scenes, because hashing takes longer than everything else in a scene. */
let firstHash: Promise<string> | undefined

export async function makeScene(deps: Deps, kind: Kind, source: Source): Promise<Scene> {
  const system = systemCtx(deps, 'scene')
  const tag = newId().slice(0, 12)
  const { id: domainId } = await createDomain(system, { name: `d-${tag}` })
  const { id: parentId } = await createProject(system, { name: 'parent', domainId })
  const { id: projectId } = await createProject(system, { name: 'child', parentId })
  const user = await createUser(system, { name: `u-${tag}`, domainId })
  firstHash ??= hashPassword(scenePassword)
  await deps.root.user.update({ where: { id: user.id }, data: { passwordHash: await firstHash } })
  const trustee = await createUser(system, { name: `t-${tag}`, domainId: 'default' })
  const group = await createGroup(system, { name: 'g', domainId })
  await addGroupMember(system, { groupId: group.id, userId: user.id })
  const roleId = await roleFor(system, source, tag)
  const grant = grantFor(source, {
    roleId,
    userId: user.id,
    groupId: group.id,
    projectId,
    parentId,
    domainId,
  })
  await grantRole(system, grant)
  const made = await delegations(system, { userId: user.id, trusteeId: trustee.id, projectId, roleId })
  const scene = {
    ...{ deps, system, source, kind, domainId, parentId, projectId, roleId, grant, ...made },
    ...{ userId: user.id, userName: user.name, trusteeId: trustee.id, groupId: group.id },
  }
  return { ...scene, token: await tokenFor(scene) }
}

async function roleFor(system: Ctx, source: Source, tag: string): Promise<string> {
  const byName = async (name: string) =>
    (await system.db.role.findUniqueOrThrow({ where: { domainKey_name: { domainKey: '', name } } })).id
  if (source !== 'implied') return (await createRole(system, { name: `r-${tag}` })).id
  const { id } = await createRole(system, { name: `prior-${tag}` })
  await implyRole(system, { priorRoleId: id, impliedRoleId: await byName('reader') })
  return id
}

type Ids = {
  roleId: string
  userId: string
  groupId: string
  projectId: string
  parentId: string
  domainId: string
}
function grantFor(source: Source, ids: Ids): GrantInput {
  const { roleId, userId, groupId, projectId, parentId, domainId } = ids
  switch (source) {
    case 'direct':
    case 'implied':
      return { roleId, userId, projectId }
    case 'group':
      return { roleId, groupId, projectId }
    case 'fromParent':
      return { roleId, userId, projectId: parentId, inherited: true }
    case 'fromDomain':
      return { roleId, userId, domainId, inherited: true }
    case 'groupFromDomain':
      return { roleId, groupId, domainId, inherited: true }
  }
}

async function delegations(
  system: Ctx,
  at: { userId: string; trusteeId: string; projectId: string; roleId: string },
) {
  const { userId, trusteeId, projectId, roleId } = at
  const [applicationCredentialId, trustId, credentialId] = [newId(), newId(), newId()]
  await system.db.applicationCredential.create({
    data: {
      id: applicationCredentialId,
      userId,
      projectId,
      name: 'app',
      secretHash: '',
      roles: { create: [{ roleId }] },
    },
  })
  await system.db.trust.create({
    data: { id: trustId, trustorId: userId, trusteeId, projectId, roles: { create: [{ roleId }] } },
  })
  await system.db.credential.create({
    data: { id: credentialId, userId, projectId, type: 'ec2', blob: '', accessKey: randomUUID() },
  })
  return { applicationCredentialId, trustId, credentialId }
}

/** Issues the token that the door of each kind would issue, without checking the proof. */
async function tokenFor(scene: Omit<Scene, 'token'>): Promise<string> {
  const { system, userId, trusteeId, projectId, applicationCredentialId, trustId, credentialId } = scene
  const issue = async (more: Partial<NewToken>) => {
    const wish = { userId, scope: { kind: 'project' as const, projectId }, methods: ['password'], ...more }
    return (await inTransaction(system, (tx) => issueToken(tx, wish))).text
  }
  switch (scene.kind) {
    case 'password':
      return issue({})
    case 'rescoped': {
      const unscoped = await issue({ scope: { kind: 'none' } })
      const caller = await authenticate(scene.deps, unscoped, 'scene')
      if (!caller) throw new Error('the unscoped token is not good')
      return (await rescopeToken(caller, { kind: 'project', projectId })).text
    }
    case 'application':
      return issue({ methods: ['application_credential'], applicationCredentialId })
    case 'ec2':
      return issue({ methods: ['ec2credential'], credentialId })
    case 'trust':
      return issue({ userId: trusteeId, trustId })
    case 'impersonation':
      await system.db.trust.update({ where: { id: trustId }, data: { impersonation: true } })
      return issue({ trustId })
  }
}
