import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type Answer,
  asOwner,
  aTrust,
  brake,
  type Caller,
  callerOf,
  callers,
  catalogEndpoint,
  catalogEndpointInput,
  catalogRegion,
  catalogService,
  closeMatrix,
  contexts,
  domain,
  fencedHost,
  flavor,
  flavorWithAccess,
  floatingIp,
  freePort,
  goneHost,
  grant,
  group,
  host,
  image,
  implication,
  instance,
  keyPair,
  kinds,
  membership,
  name,
  network,
  offer,
  openMatrix,
  owner,
  port,
  project,
  rbacPolicy,
  role,
  router,
  sharedImage,
  stray,
  subnet,
  system,
  user,
  userGroup,
  world,
} from './authorization.testing.ts'
import { aLaunch } from './compute/testing.ts'
import type { Ctx } from './kernel/context.ts'
import type { ErrorCode } from './kernel/contract.ts'
import { appRouter } from './root-router.ts'

/**
 * The authorization matrix: every procedure × every kind of caller. A procedure without a row
 * fails. "ok" means: past authorization; the call may still be refused for another reason.
 */
beforeAll(openMatrix)
afterAll(closeMatrix)

type Row = {
  kind: keyof typeof kinds
  input?: () => unknown
  mayBeInvalid?: true
  except?: Partial<Record<Caller, Answer>>
}
const byId = (kind: Row['kind'], make: () => Promise<string>, more: object = {}): Row => ({
  kind,
  input: async () => ({ id: await make(), ...more }),
})
const matrix: Record<string, Row | 'public'> = {
  'identity.signIn': 'public',
  'identity.session': { kind: 'token' },
  'identity.ownProjects': { kind: 'anyone' },
  'identity.places': { kind: 'anyone' },
  'identity.passwordRules': 'public',
  'identity.changePassword': 'public',
  'identity.domains.list': { kind: 'admin', input: () => ({}) },
  'identity.domains.get': { kind: 'anyone', input: () => ({ id: 'default' }) },
  'identity.domains.create': { kind: 'admin', input: () => ({ name: name() }) },
  'identity.domains.update': { kind: 'admin', input: () => ({ id: 'default', description: 'new' }) },
  'identity.domains.delete': byId('hidden', domain),
  'identity.projects.list': { kind: 'admin', input: () => ({}) },
  // These callers' token is for it, whatever they may do there.
  'identity.projects.get': { ...byId('read', async () => owner.projectId), except: { noRole: 'ok' } },
  'identity.projects.create': { kind: 'admin', input: () => ({ name: name() }) },
  'identity.projects.update': byId('adminWrite', async () => owner.projectId, { description: 'new' }),
  'identity.projects.deletionPlan': byId('adminWrite', async () => owner.projectId),
  'identity.projects.delete': byId('hidden', project),
  'identity.users.list': { kind: 'admin', input: () => ({}) },
  'identity.users.get': byId('hidden', user),
  'identity.users.create': { kind: 'admin', input: () => ({ name: name() }) },
  'identity.users.update': byId('hidden', user, { description: 'new' }),
  'identity.users.delete': byId('hidden', user),
  'identity.users.resetPassword': byId('hidden', user, { password: 'another password' }),
  // "ok" for administrators is a conflict: this user has no codes.
  'identity.users.resetCodes': byId('hidden', user),
  'identity.groups.list': { kind: 'admin', input: () => ({}) },
  'identity.groups.get': byId('hidden', userGroup),
  'identity.groups.create': { kind: 'admin', input: () => ({ name: name() }) },
  'identity.groups.update': byId('hidden', userGroup, { description: 'new' }),
  'identity.groups.delete': byId('hidden', userGroup),
  'identity.groups.addMember': { kind: 'hidden', input: membership },
  'identity.groups.removeMember': {
    kind: 'hidden',
    input: async () => {
      const input = await membership()
      await callerOf(system()).identity.groups.addMember(input)
      return input
    },
  },
  'identity.roles.list': { kind: 'admin', input: () => ({}) },
  'identity.roles.get': byId('admin', role),
  'identity.roles.create': { kind: 'admin', input: () => ({ name: name() }) },
  'identity.roles.update': byId('admin', role, { description: 'new' }),
  'identity.roles.delete': byId('admin', role),
  'identity.roles.imply': { kind: 'admin', input: implication },
  'identity.roles.unimply': {
    kind: 'admin',
    input: async () => {
      const input = await implication()
      await callerOf(system()).identity.roles.imply(input)
      return input
    },
  },
  'identity.assignments.list': { kind: 'admin', input: () => ({}) },
  'identity.assignments.grant': { kind: 'adminWrite', input: grant },
  'identity.assignments.revoke': { kind: 'adminWrite', input: grant },
  'identity.sessions.list': { kind: 'token', input: () => ({}) },
  'identity.sessions.revoke': { kind: 'mine', input: () => ({ id: 'unknown' }) },
  'identity.sessions.revokeAll': { kind: 'anyone', input: () => ({}) },
  'identity.applicationCredentials.list': { kind: 'anyone', input: () => ({}) },
  'identity.applicationCredentials.get': { kind: 'mine', input: () => ({ id: 'f'.repeat(32) }) },
  'identity.applicationCredentials.create': {
    kind: 'anyone',
    input: () => ({ name: name(), roles: [] }),
  },
  'identity.applicationCredentials.delete': { kind: 'mine', input: () => ({ id: 'f'.repeat(32) }) },
  'identity.ec2Credentials.list': { kind: 'anyone', input: () => ({}) },
  // For a project where one has a role in the database, which these callers do not have.
  'identity.ec2Credentials.create': { kind: 'mine', input: () => ({}) },
  'identity.ec2Credentials.delete': { kind: 'mine', input: () => ({ access: 'unknown' }) },
  'identity.trusts.list': { kind: 'anyone', input: () => ({}) },
  'identity.trusts.get': byId('hidden', aTrust),
  'identity.trusts.create': {
    // Only in one's own name.
    kind: 'admin',
    except: { admin: 'forbidden' },
    input: async () => ({ trustorId: await user(), trusteeId: await user(), impersonation: false }),
  },
  'identity.trusts.delete': byId('hidden', aTrust),
  'identity.secondFactor.get': { kind: 'anyone' },
  'identity.secondFactor.begin': { kind: 'anyone' },
  'identity.secondFactor.confirm': { kind: 'token', input: () => ({ enrolment: 'x', code: '123456' }) },
  'identity.secondFactor.disable': {
    kind: 'anyone',
    mayBeInvalid: true,
    input: () => ({ password: 'not the password' }),
  },
  'identity.rescope': { kind: 'mine', input: () => ({ projectId: 'f'.repeat(32) }) },
  'identity.signOut': { kind: 'token' },
  'images.list': { kind: 'list', input: () => ({}) },
  'images.get': byId('read', image),
  'images.create': { kind: 'create', input: () => ({ name: name(), diskFormat: 'raw' }) },
  'images.update': byId('write', image, { name: 'new' }),
  'images.delete': byId('write', image),
  'images.members.list': { kind: 'read', input: async () => ({ imageId: await sharedImage() }) },
  'images.members.add': {
    kind: 'write',
    input: async () => ({ imageId: await sharedImage(), projectId: 'f'.repeat(32) }),
  },
  // Whom it is shared with answers, and who administers.
  'images.members.answer': { kind: 'write', input: async () => ({ ...(await offer()), status: 'accepted' }) },
  'images.members.remove': { kind: 'write', input: offer },
  'networking.networks.list': { kind: 'list', input: () => ({}) },
  'networking.networks.get': byId('read', network),
  'networking.networks.create': { kind: 'create', input: () => ({ name: name() }) },
  'networking.networks.update': byId('write', network, { name: 'new' }),
  'networking.networks.delete': byId('write', network),
  'networking.networks.starter': { kind: 'create', input: () => ({ name: name() }) },
  'networking.subnets.create': {
    kind: 'write',
    input: async () => ({ networkId: await network(), cidr: '10.78.0.0/24' }),
  },
  'networking.subnets.delete': byId('write', subnet),
  'networking.subnets.update': byId('write', subnet, { name: 'new' }),
  // The stranger does not see the owner's network.
  'networking.ports.create': { kind: 'write', input: async () => ({ networkId: await network() }) },
  'networking.ports.delete': byId('write', freePort),
  'networking.rbacPolicies.list': { kind: 'list', input: async () => ({ networkId: owner.networkId }) },
  'networking.rbacPolicies.create': {
    kind: 'write',
    input: async () => ({ networkId: await network(), targetProject: 'f'.repeat(32) }),
  },
  'networking.rbacPolicies.delete': byId('write', rbacPolicy),
  'networking.tags.set': byId('write', network, { kind: 'network', tags: ['red'] }),
  'networking.ports.list': { kind: 'list', input: () => ({}) },
  'networking.ports.get': byId('read', port),
  'networking.ports.update': byId('write', port, { name: 'new' }),
  'networking.ports.reach': { kind: 'read', input: async () => ({ portId: await port(), port: 22 }) },
  'networking.routers.list': { kind: 'list', input: () => ({}) },
  'networking.routers.get': byId('read', router),
  'networking.routers.create': { kind: 'create', input: () => ({ name: name() }) },
  'networking.routers.update': byId('write', router, { name: 'new' }),
  'networking.routers.delete': byId('write', router),
  'networking.routers.addInterface': {
    kind: 'write',
    input: async () => ({ id: await router(), subnetId: await subnet() }),
  },
  'networking.routers.removeInterface': {
    kind: 'write',
    input: async () => {
      const input = { id: await router(), subnetId: await subnet() }
      await asOwner().networking.routers.addInterface(input)
      return input
    },
  },
  'networking.routers.setGateway': byId('write', router, { externalNetworkId: null }),
  'networking.floatingIps.list': { kind: 'list', input: () => ({}) },
  'networking.floatingIps.create': {
    kind: 'create',
    input: async () => ({
      networkId: (await world.deps.root.network.findFirstOrThrow({ where: { external: true } })).id,
    }),
  },
  'networking.floatingIps.associate': byId('write', floatingIp, { portId: null }),
  'networking.floatingIps.update': byId('write', floatingIp, { description: 'new' }),
  'networking.floatingIps.delete': byId('write', floatingIp),
  'networking.securityGroups.list': { kind: 'list', input: () => ({}) },
  'networking.securityGroups.get': byId('read', group),
  'networking.securityGroups.create': { kind: 'create', input: () => ({ name: name() }) },
  'networking.securityGroups.update': byId('write', group, { name: 'new' }),
  'networking.securityGroups.delete': byId('write', group),
  'networking.securityGroups.addRule': {
    kind: 'write',
    input: async () => ({
      securityGroupId: await group(),
      direction: 'ingress',
      protocol: 'tcp',
      portMin: 22,
      portMax: 22,
    }),
  },
  'networking.securityGroups.removeRule': {
    kind: 'write',
    input: async () => {
      const id = await group()
      return { id: (await asOwner().networking.securityGroups.get({ id })).rules[0]?.id }
    },
  },
  'compute.instances.list': { kind: 'list', input: () => ({}) },
  'compute.instances.get': byId('read', instance),
  'compute.instances.waiting': byId('read', instance),
  'compute.instances.plan': { kind: 'create', input: () => ({}) },
  'compute.instances.launch': {
    kind: 'create',
    input: () => aLaunch(world, { name: name() }),
    mayBeInvalid: true, // a stranger has no network yet
  },
  'compute.instances.start': byId('write', instance),
  'compute.instances.stop': byId('write', instance),
  'compute.instances.reboot': byId('write', instance, { kind: 'soft' }),
  'compute.instances.pause': byId('write', instance),
  'compute.instances.unpause': byId('write', instance),
  'compute.instances.update': byId('write', instance, { name: 'new' }),
  'compute.instances.delete': byId('write', instance),
  'compute.instances.attachInterface': {
    kind: 'write',
    input: async () => ({ id: await instance(), networkId: owner.networkId }),
  },
  'compute.instances.detachInterface': {
    kind: 'write',
    input: async () => {
      const portId = await port()
      return { id: (await asOwner().networking.ports.get({ id: portId })).deviceId, portId }
    },
  },
  'compute.instances.consoleLog': byId('read', instance),
  'compute.instances.createConsole': byId('write', instance, { protocol: 'serial' }),
  'compute.flavors.list': { kind: 'anyone', input: () => ({}) },
  'compute.flavors.create': {
    kind: 'admin',
    input: () => ({ name: name(), vcpus: 1, memoryMib: 128, diskGib: 1 }),
  },
  // "ok" is a conflict: the guest and the bytes are gone.
  'compute.instances.adopt': { kind: 'admin', input: async () => ({ strayId: await stray('guest') }) },
  'images.adopt': {
    kind: 'admin',
    input: async () => ({ strayId: await stray('blob'), name: name(), diskFormat: 'raw' }),
  },
  'images.trash': { kind: 'admin' },
  'images.takeBack': { kind: 'admin', input: () => ({ sha256: 'd'.repeat(64) }) },
  'compute.flavors.get': { kind: 'anyone', input: async () => ({ id: await flavor(true) }) },
  'compute.flavors.delete': byId('admin', () => flavor()),
  'compute.flavors.setSpec': byId('admin', () => flavor(), { key: 'hw:disk', value: 'copy' }),
  'compute.flavors.removeSpec': byId('admin', () => flavor(), { key: 'hw:disk' }),
  'compute.flavors.access': byId('admin', () => flavor()),
  'compute.flavors.grant': {
    kind: 'admin',
    input: async () => ({ id: await flavor(), projectId: owner.projectId }),
  },
  'compute.flavors.revoke': { kind: 'admin', input: flavorWithAccess },
  'compute.keyPairs.list': { kind: 'anyone', input: () => ({}) },
  'compute.keyPairs.create': { kind: 'anyone', input: () => ({ name: name() }) },
  'compute.keyPairs.delete': { kind: 'mine', input: async () => ({ name: await keyPair() }) },
  'hosts.list': { kind: 'admin', input: () => ({}) },
  'hosts.get': byId('admin', host),
  'hosts.unconfirmed': byId('admin', host),
  'hosts.tellNow': byId('admin', host),
  'hosts.held': byId('admin', host),
  'hosts.update': byId('admin', host, { enabled: true }),
  'hosts.delete': byId('admin', goneHost),
  'hosts.fence': byId('admin', goneHost),
  'hosts.unfence': byId('admin', fencedHost),
  'hosts.outside': { kind: 'anyone' },
  'hosts.strays': { kind: 'admin', input: () => ({}) },
  'hosts.unknownTime': { kind: 'admin' },
  'hosts.decideStray': { kind: 'admin', input: async () => ({ id: await stray('port'), decision: 'keep' }) },
  'hosts.brakes': { kind: 'admin' },
  'hosts.releaseBrake': { kind: 'admin', input: brake },
  'hosts.trash': { kind: 'admin' },
  // "ok" for administrators is a conflict: the disk is not in the trash.
  'hosts.takeBack': {
    kind: 'admin',
    input: async () => ({ hostId: await host(), thing: crypto.randomUUID() }),
  },
  'operations.list': { kind: 'list', input: () => ({}) },
  'operations.audit': { kind: 'list', input: () => ({}) },
  'operations.get': {
    kind: 'read',
    input: async () => {
      const resourceId = await image()
      return { id: (await world.deps.root.operation.findFirstOrThrow({ where: { resourceId } })).id }
    },
  },
  'catalog.access': { kind: 'anyone' },
  'system.info': { kind: 'admin' },
  'catalog.services.list': { kind: 'admin', input: () => ({}) },
  'catalog.services.create': { kind: 'admin', input: () => ({ type: 'dns' }) },
  'catalog.services.update': byId('admin', catalogService, { name: 'z' }),
  'catalog.services.delete': byId('admin', catalogService),
  'catalog.endpoints.list': { kind: 'admin', input: () => ({}) },
  'catalog.endpoints.create': { kind: 'admin', input: catalogEndpointInput },
  'catalog.endpoints.update': byId('admin', catalogEndpoint, { enabled: false }),
  'catalog.endpoints.delete': byId('admin', catalogEndpoint),
  'catalog.regions.list': { kind: 'anyone' },
  'catalog.regions.create': { kind: 'admin', input: () => ({ id: name() }) },
  'catalog.regions.update': byId('admin', catalogRegion, { description: 'x' }),
  'catalog.regions.delete': byId('admin', catalogRegion),
  'policy.rules': { kind: 'anyone' },
  'policy.explain': { kind: 'anyone', input: () => ({ action: 'compute:launch_instance' }) },
  'quota.get': { kind: 'list' },
  'quota.set': { kind: 'admin', input: () => ({ projectId: owner.projectId, limits: {} }) },
  'quota.defaults': { kind: 'anyone' },
  'quota.setDefaults': { kind: 'admin', input: () => ({ limits: {} }) },
}

const procedures = Object.keys(appRouter._def.procedures)

describe('authorization matrix', () => {
  test('every procedure has a row, every row a procedure', () => {
    expect(Object.keys(matrix).sort()).toEqual([...procedures].sort())
  })

  test.each(procedures.filter((path) => matrix[path] !== 'public'))('%s', async (path) => {
    const row = matrix[path]
    if (!row || row === 'public') throw new Error(`no row for ${path}`)
    const got: Partial<Record<Caller, string>> = {}
    const wanted: Partial<Record<Caller, string>> = {}
    for (const caller of callers) {
      const input = await row.input?.()
      const answer = await codeOf(call(contexts.get(caller) ?? null, path, input))
      const past = answer !== 'unauthenticated' && answer !== 'forbidden' && answer !== 'not_found'
      got[caller] = past ? 'ok' : answer
      wanted[caller] = row.except?.[caller] ?? kinds[row.kind][caller]
      expect(answer, `${path} as ${caller}: our own fault`).not.toBe('internal')
      if (!row.mayBeInvalid)
        expect(answer, `${path} as ${caller}: the row's input is wrong`).not.toBe('invalid_input')
    }
    expect(got).toEqual(wanted)
  })
})

/** A procedure by its path, as HTTP would call it. */
async function call(ctx: Ctx | null, path: string, input: unknown): Promise<unknown> {
  let at: unknown = callerOf(ctx)
  for (const part of path.split('.')) at = (at as Record<string, unknown>)[part]
  return (at as (input: unknown) => Promise<unknown>)(input)
}

async function codeOf(result: Promise<unknown>): Promise<ErrorCode | 'done'> {
  try {
    await result
    return 'done'
  } catch (error) {
    const cause = (error as { cause?: { code?: ErrorCode; name?: string } }).cause
    if (cause?.name === 'ZodError') return 'invalid_input'
    return cause?.code ?? 'internal'
  }
}
