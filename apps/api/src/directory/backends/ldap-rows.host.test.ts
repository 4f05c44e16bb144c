import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectCloudError } from '../../kernel/testing.ts'
import { deleteProject } from '../projects/deletion.ts'
import { deleteDomain, updateDomain } from '../projects/domains.ts'
import { assignRole } from '../roles/by-name.ts'
import { deleteGroup, updateGroup } from '../users/groups.ts'
import { resetPassword } from '../users/password.ts'
import { createUser, deleteUser, listUsers, updateUser } from '../users/service.ts'
import { Directory } from './ldap/connection.ts'
import { importDomain } from './ldap/review.ts'
import { addGroup, addPerson, dnOf, replace, suffix } from './ldap/testing.ts'
import '../../register.ts'
import {
  app,
  bringOver,
  closeLdap,
  cloud,
  ctx,
  directory,
  domainId,
  enter,
  inPapers,
  nextAddress,
  openLdap,
  person,
  post,
  projectId,
  review,
  rowOf,
  slapd,
  stands,
  tokenOf,
} from './ldap.testing.ts'

/** The rows of a domain follow its LDAP directory by imports and by reviews. */
beforeAll(openLdap)
afterAll(closeLdap)

describe('the rows of a directory’s users', () => {
  test('users are listed and get roles before they first sign in', async () => {
    const { uid, password } = await person()
    await bringOver()
    const { items } = await listUsers(ctx, { domainId, limit: 50, name: { equals: uid } } as never)
    expect(items).toMatchObject([{ name: uid, backend: 'ldap', enabled: true, hasPassword: true }])
    await assignRole(ctx, { userId: items[0]?.id ?? '', role: 'member', target: { projectId } })
    const token = await tokenOf(uid, password, inPapers())
    expect(await stands(token)).toBe(200)
    const before = await rowOf(uid)
    await bringOver()
    expect(await rowOf(uid)).toEqual(before)
  })

  test.each(['removed', 'filtered out'])(
    'when a user is %s, their tokens end after a review, without another sign-in',
    async (how) => {
      const { uid, password } = await person()
      const token = await tokenOf(uid, password)
      await review()
      expect(await stands(token)).toBe(200)
      await slapd.change((client) =>
        how === 'removed' ? client.del(dnOf(uid)) : replace(client, dnOf(uid), 'employeeType', ['left']),
      )
      await review()
      expect(await stands(token)).toBe(401)
      expect((await enter(uid, password)).statusCode).toBe(401)
      expect(await rowOf(uid)).toMatchObject({ enabled: false, disabledByBackend: true })
      if (how === 'removed') return
      await slapd.change((client) => replace(client, dnOf(uid), 'employeeType', []))
      await tokenOf(uid, password)
      expect(await stands(token)).toBe(401)
    },
  )
  test('when a user is removed, their next sign-in ends their tokens, and an import does so, too', async () => {
    const [one, other] = [await person(), await person()]
    const tokens = [await tokenOf(one.uid, one.password), await tokenOf(other.uid, other.password)]
    await slapd.change((client) => client.del(dnOf(one.uid)))
    expect((await enter(one.uid, one.password)).statusCode).toBe(401)
    expect(await Promise.all(tokens.map(stands))).toEqual([401, 200])
    await slapd.change((client) => client.del(dnOf(other.uid)))
    await bringOver()
    expect(await Promise.all(tokens.map(stands))).toEqual([401, 401])
  })
  test('a new person with an old name is another user', async () => {
    const { uid, password } = await person()
    await tokenOf(uid, password)
    const before = await rowOf(uid)
    await assignRole(ctx, { userId: before.id, role: 'member', target: { projectId } })
    await slapd.change((client) => client.del(dnOf(uid)))
    await slapd.change((client) => addPerson(client, uid, 'canary-of-another'))
    expect((await enter(uid, password)).statusCode).toBe(401)
    await tokenOf(uid, 'canary-of-another')
    expect((await enter(uid, 'canary-of-another', inPapers())).statusCode).toBe(401)
    expect((await rowOf(uid)).id).not.toBe(before.id)
  })
  test('a renamed person is the same user, whose tokens have ended', async () => {
    const { uid, password } = await person()
    const token = await tokenOf(uid, password)
    const { id } = await rowOf(uid)
    await slapd.change((client) => client.modifyDN(dnOf(uid), dnOf(`${uid}-renamed`)))
    await review()
    expect((await rowOf(`${uid}-renamed`)).id).toBe(id)
    expect(await stands(token)).toBe(401)
    expect((await enter(uid, password)).statusCode).toBe(401)
    await tokenOf(`${uid}-renamed`, password)
  })
  test('when two entries have one name, nobody signs in by this name', async () => {
    const { uid, password } = await person()
    await slapd.change((client) => addPerson(client, `${uid}-twin`, password))
    await slapd.change((client) => replace(client, dnOf(`${uid}-twin`), 'uid', [`${uid}-twin`, uid]))
    expect((await enter(uid, password)).statusCode).toBe(401)
    await bringOver()
  })

  test('users of a directory cannot be created, renamed, given a password or deleted here', async () => {
    const { uid, password } = await person()
    const token = await tokenOf(uid, password)
    const { id } = await rowOf(uid)
    const refused = [
      createUser(ctx, { name: 'local', domainId, password: 'long enough' }),
      updateUser(ctx, { id, name: 'other', email: undefined }),
      updateUser(ctx, { id, email: 'a@b.org' }),
      resetPassword(ctx, { id, password: 'long enough' }),
      deleteUser(ctx, { id }),
    ]
    for (const one of refused) await expectCloudError(one, 'forbidden', /kept in another directory/)
    const changed = await app.inject({
      method: 'POST',
      url: `/identity/v3/users/${id}/password`,
      payload: { user: { original_password: password, password: 'long enough' } },
      headers: { 'x-auth-token': token },
      remoteAddress: nextAddress(),
    })
    expect([changed.statusCode, changed.body]).toEqual([403, expect.stringContaining('another directory')])
    expect(await stands(token)).toBe(200)
  })
  test('a user disabled here stays disabled; a user who is gone there can be deleted here', async () => {
    const { uid, password } = await person()
    const token = await tokenOf(uid, password)
    const { id } = await rowOf(uid)
    await updateUser(ctx, { id, enabled: false, email: undefined })
    expect(await stands(token)).toBe(401)
    await bringOver()
    expect((await enter(uid, password)).statusCode).toBe(401)
    await updateUser(ctx, { id, enabled: true, email: undefined })
    await tokenOf(uid, password)
    await slapd.change((client) => client.del(dnOf(uid)))
    await bringOver()
    await expectCloudError(
      updateUser(ctx, { id, enabled: true, email: undefined }),
      'forbidden',
      /Enable the user there/,
    )
    await deleteUser(ctx, { id })
    expect(await cloud.deps.root.user.count({ where: { id } })).toBe(0)
  })

  test('groups give roles for as long as the directory lists their members', async () => {
    const [member, other] = [await person(), await person()]
    const cn = `group of ${member.uid}`
    await slapd.change((client) => addGroup(client, cn, [member.uid, other.uid]))
    await bringOver()
    const group = await cloud.deps.root.group.findUniqueOrThrow({
      where: { domainId_name: { domainId, name: cn } },
    })
    const role = await cloud.deps.root.role.findFirstOrThrow({ where: { name: 'member' } })
    const key = `test ${group.id}`
    await cloud.deps.root.roleAssignment.create({
      data: { id: crypto.randomUUID(), key, groupId: group.id, roleId: role.id, projectId },
    })
    const token = await tokenOf(member.uid, member.password, inPapers())
    const groupDn = `cn=${cn},ou=groups,${suffix}`
    await slapd.change((client) => replace(client, groupDn, 'member', [dnOf(other.uid)]))
    await review()
    expect(await stands(token)).toBe(401)
    expect((await enter(member.uid, member.password, inPapers())).statusCode).toBe(401)
    const left = await tokenOf(other.uid, other.password, inPapers())
    await expectCloudError(updateGroup(ctx, { id: group.id, name: 'x' }), 'forbidden', /another directory/)
    await slapd.change((client) => client.del(groupDn))
    await bringOver()
    expect(await stands(left)).toBe(401)
    await deleteGroup(ctx, { id: group.id })
  })
  test('of more users than the limit, the first are imported, and nobody is disabled', async () => {
    const { uid, password } = await person()
    const token = await tokenOf(uid, password)
    const { settings } = directory()
    await importDomain(ctx, domainId, new Directory({ ...settings, limit: 2 }))
    expect(await stands(token)).toBe(200)
  })
})

test('a deleted domain does not exist for sign-ins while one of its projects is still being deleted', async () => {
  const { uid, password } = await person()
  await tokenOf(uid, password)
  await deleteProject(ctx, { id: projectId })
  await updateDomain(ctx, { id: domainId, enabled: false })
  await deleteDomain(ctx, { id: domainId })
  expect((await post({ name: uid, domain: { id: domainId }, password })).statusCode).toBe(401)
})
