import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { deleteProject } from '../directory/projects/deletion.ts'
import { deleteDomain, updateDomain } from '../directory/projects/domains.ts'
import { updateProject } from '../directory/projects/service.ts'
import { revokeRole } from '../directory/roles/assignments.ts'
import { deleteRole, unimplyRole } from '../directory/roles/service.ts'
import { deleteGroup, removeGroupMember } from '../directory/users/groups.ts'
import { resetPassword } from '../directory/users/password.ts'
import { deleteUser, updateUser } from '../directory/users/service.ts'
import type { Deps } from '../kernel/context.ts'
import { changePassword } from './own-password.ts'
import {
  type Kind,
  kinds,
  makeScene,
  type Scene,
  type Source,
  scenePassword,
  sources,
} from './revocation.testing.ts'
import { signOut } from './service.ts'
import { revokeAllSessions } from './sessions-list.ts'
import { testCloud } from './testing.ts'
import { anonymousCtx, authenticate, hashToken, sessionAlive } from './tokens.ts'

/**
 * A14 as a table: event × kind of credential × source of the role. "ends" says for each combination whether the token
 * ends with the next request; a token that an event does not concern stays valid.
 */
let cloud: Awaited<ReturnType<typeof testCloud>>
let deps: Deps
beforeAll(async () => {
  cloud = await testCloud()
  deps = cloud.deps
})
afterAll(() => cloud.close())

const alive = async (scene: Scene) => (await authenticate(deps, scene.token, 'req')) !== null

type Event = { act: (scene: Scene) => Promise<unknown>; ends: (kind: Kind, source: Source) => boolean }
const always = () => true
/** True for the user's own tokens, and false for the token that a trustee holds through the user's trust. */
const ofUser = (kind: Kind) => kind !== 'trust'
const byGroup = (_: Kind, source: Source) => source === 'group' || source === 'groupFromDomain'
const byTrust = (kind: Kind) => kind === 'trust' || kind === 'impersonation'
const user = (scene: Scene) => ({ id: scene.userId, email: undefined })
const trustee = (scene: Scene) => ({ id: scene.trusteeId, email: undefined })

const events: Record<string, Event> = {
  'sign-out by the token itself': {
    act: async (scene) => {
      const caller = await authenticate(deps, scene.token, 'req')
      if (caller) await signOut(caller)
    },
    ends: always,
  },
  'password changed by the user': {
    act: (scene) =>
      changePassword(
        anonymousCtx(deps, 'req'),
        { user: { id: scene.userId }, oldPassword: scenePassword, password: 'the second password' },
        '192.0.2.7',
      ),
    ends: ofUser,
  },
  'password set by an administrator': {
    act: (scene) => resetPassword(scene.system, { id: scene.userId, password: 'the second password' }),
    ends: ofUser,
  },
  'every session revoked': {
    act: (scene) => revokeAllSessions(scene.system, { userId: scene.userId }),
    ends: ofUser,
  },
  'user disabled': {
    act: (scene) => updateUser(scene.system, { ...user(scene), enabled: false }),
    ends: always,
  },
  'user disabled and enabled again': {
    act: async (scene) => {
      await updateUser(scene.system, { ...user(scene), enabled: false })
      await updateUser(scene.system, { ...user(scene), enabled: true })
    },
    ends: ofUser,
  },
  'user renamed': {
    act: (scene) => updateUser(scene.system, { ...user(scene), name: `${scene.userName}-renamed` }),
    ends: ofUser,
  },
  'user deleted': { act: (scene) => deleteUser(scene.system, { id: scene.userId }), ends: always },
  'role unassigned (from the user or their group)': {
    act: (scene) => revokeRole(scene.system, scene.grant),
    ends: always,
  },
  'removed from the group': {
    act: (scene) => removeGroupMember(scene.system, { groupId: scene.groupId, userId: scene.userId }),
    ends: byGroup,
  },
  'group deleted': { act: (scene) => deleteGroup(scene.system, { id: scene.groupId }), ends: byGroup },
  'role deleted': { act: (scene) => deleteRole(scene.system, { id: scene.roleId }), ends: always },
  // The prior role itself stays and keeps the token valid, without the implied role (see the last test).
  'implied role removed': {
    act: async (scene) => {
      const row = await deps.root.impliedRole.findFirst({ where: { priorRoleId: scene.roleId } })
      if (row) await unimplyRole(scene.system, row)
    },
    ends: () => false,
  },
  'project disabled': {
    act: (scene) => updateProject(scene.system, { id: scene.projectId, enabled: false }),
    ends: always,
  },
  'project disabled and enabled again': {
    act: async (scene) => {
      await updateProject(scene.system, { id: scene.projectId, enabled: false })
      await updateProject(scene.system, { id: scene.projectId, enabled: true })
    },
    ends: always,
  },
  'project above disabled in the database alone': {
    act: (scene) => deps.root.project.update({ where: { id: scene.parentId }, data: { enabled: false } }),
    ends: always,
  },
  'project deleted': { act: (scene) => deleteProject(scene.system, { id: scene.projectId }), ends: always },
  'domain disabled': {
    act: (scene) => updateDomain(scene.system, { id: scene.domainId, enabled: false }),
    ends: always,
  },
  'domain deleted': {
    act: async (scene) => {
      await updateDomain(scene.system, { id: scene.domainId, enabled: false })
      await deleteDomain(scene.system, { id: scene.domainId })
    },
    ends: always,
  },
  'application credential deleted': {
    act: (scene) => deps.root.applicationCredential.delete({ where: { id: scene.applicationCredentialId } }),
    ends: (kind) => kind === 'application',
  },
  'application credential expired': {
    act: (scene) =>
      deps.root.applicationCredential.update({
        where: { id: scene.applicationCredentialId },
        data: { expiresAt: new Date(Date.now() - 1000) },
      }),
    ends: (kind) => kind === 'application',
  },
  'trust deleted': {
    act: (scene) => deps.root.trust.update({ where: { id: scene.trustId }, data: { deletedAt: new Date() } }),
    ends: byTrust,
  },
  'trust expired': {
    act: (scene) =>
      deps.root.trust.update({
        where: { id: scene.trustId },
        data: { expiresAt: new Date(Date.now() - 1000) },
      }),
    ends: byTrust,
  },
  'trustee disabled': {
    act: (scene) => updateUser(scene.system, { ...trustee(scene), enabled: false }),
    ends: byTrust,
  },
  'trustee signed out everywhere': {
    act: (scene) => revokeAllSessions(scene.system, { userId: scene.trusteeId }),
    ends: byTrust,
  },
  'trustee deleted': { act: (scene) => deleteUser(scene.system, { id: scene.trusteeId }), ends: byTrust },
  'EC2 credential deleted': {
    act: (scene) => deps.root.credential.delete({ where: { id: scene.credentialId } }),
    ends: (kind) => kind === 'ec2',
  },
}

/** Every source, for the three kinds that work differently; a direct role, for the other kinds. */
const combinations = kinds.flatMap((kind) =>
  sources
    .filter((source) => source === 'direct' || ['password', 'application', 'trust'].includes(kind))
    .map((source) => ({ kind, source })),
)

describe.each(Object.entries(events))('the event: %s', (_name, event) => {
  test.concurrent.each(combinations)(
    'ends a $kind token or not, as the table says (role: $source)',
    async ({ kind, source }) => {
      const scene = await makeScene(deps, kind, source)
      expect(await alive(scene), 'good before').toBe(true)
      await event.act(scene)
      const ends = event.ends(kind, source)
      expect(await alive(scene), ends ? 'dead at once' : 'untouched').toBe(!ends)
      expect(await sessionAlive(deps, hashToken(scene.token))).toBe(!ends)
    },
  )
})

describe('rights that shrink', () => {
  test('an implied role that is removed disappears from every token at once', async () => {
    for (const kind of kinds) {
      const scene = await makeScene(deps, kind, 'implied')
      const rolesNow = async () => [...((await authenticate(deps, scene.token, 'req'))?.roles ?? [])]
      expect(await rolesNow()).toContain('reader')
      await events['implied role removed']?.act(scene)
      expect(await rolesNow(), kind).not.toContain('reader')
    }
  })
})
