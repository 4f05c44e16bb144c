import {
  asOwner,
  byId,
  flavor,
  flavorWithAccess,
  instance,
  keyPair,
  name,
  owner,
  port,
  serverGroup,
  settled,
  stray,
  volume,
  world,
} from '../authorization.testing.ts'
import type { QuotaMaker, TestingRoom } from '../rooms.testing.ts'
import { createServerGroup } from './groups/service.ts'
import { launchInstances } from './instances/launch.ts'
import { createKeyPair } from './key-pairs/service.ts'
import { computeExamples } from './testing.openstack.ts'
import { aLaunch } from './testing.ts'

const launch: QuotaMaker = {
  make: (ctx, i, _prepared, at) =>
    launchInstances(ctx, aLaunch(at, { name: `i${i}`, networkIds: [ctx.networkId] })),
}

/** An instance with a volume. */
async function attached(): Promise<{ id: string; volumeId: string }> {
  const input = { id: await instance(), volumeId: await volume() }
  await asOwner().compute.instances.attachVolume(input)
  await settled()
  return input
}

export const testingRoom: TestingRoom = {
  examples: { compute: computeExamples },
  rows: {
    'instances.list': { kind: 'list', input: () => ({}) },
    'instances.summary': { kind: 'list', input: () => ({}) },
    'instances.get': byId('read', instance),
    'instances.waiting': byId('read', instance),
    'instances.plan': { kind: 'create', input: () => ({}) },
    'instances.launch': {
      kind: 'create',
      input: () => aLaunch(world, { name: name() }),
      mayBeInvalid: true, // a stranger has no network yet
    },
    'instances.start': byId('write', instance),
    'instances.stop': byId('write', instance),
    'instances.reboot': byId('write', instance, { kind: 'soft' }),
    'instances.pause': byId('write', instance),
    'instances.unpause': byId('write', instance),
    'instances.lock': byId('write', instance),
    'instances.unlock': byId('write', instance),
    'instances.update': byId('write', instance, { name: 'new' }),
    'instances.delete': byId('write', instance),
    'instances.attachInterface': {
      kind: 'write',
      input: async () => ({ id: await instance(), networkId: owner.networkId }),
    },
    'instances.detachInterface': {
      kind: 'write',
      input: async () => {
        const portId = await port()
        return { id: (await asOwner().networking.ports.get({ id: portId })).deviceId, portId }
      },
    },
    'instances.attachVolume': {
      kind: 'write',
      input: async () => ({ id: await instance(), volumeId: await volume() }),
    },
    'instances.detachVolume': { kind: 'write', input: attached },
    'instances.keepVolume': {
      kind: 'write',
      input: async () => ({ ...(await attached()), deleteOnTermination: true }),
    },
    'instances.freeVolumes': byId('read', instance),
    'instances.createVolume': byId('write', instance, { name: 'data', sizeGib: 1 }),
    'instances.resetState': byId('adminWrite', instance, { to: 'error' }),
    'instances.setMetadata': byId('write', instance, { key: 'role', value: 'db' }),
    'instances.removeMetadata': {
      kind: 'write',
      input: async () => {
        const id = await instance()
        await asOwner().compute.instances.setMetadata({ id, key: 'role', value: 'db' })
        return { id, key: 'role' }
      },
    },
    'instances.setTags': byId('write', instance, { tags: ['web'] }),
    'instances.consoleLog': byId('read', instance),
    'instances.createConsole': byId('write', instance, { protocol: 'serial' }),
    'flavors.list': { kind: 'anyone', input: () => ({}) },
    'flavors.create': {
      kind: 'admin',
      input: () => ({ name: name(), vcpus: 1, memoryMib: 128, diskGib: 1 }),
    },
    // The guest and the bytes are gone, so an allowed call ends in a conflict.
    'instances.adopt': { kind: 'admin', input: async () => ({ strayId: await stray('guest') }) },
    'flavors.get': { kind: 'anyone', input: async () => ({ id: await flavor(true) }) },
    'flavors.delete': byId('admin', () => flavor()),
    'flavors.setSpec': byId('admin', () => flavor(), { key: 'hw:disk', value: 'copy' }),
    'flavors.removeSpec': byId('admin', () => flavor(), { key: 'hw:disk' }),
    'flavors.access': byId('admin', () => flavor()),
    'flavors.grant': {
      kind: 'admin',
      input: async () => ({ id: await flavor(), projectId: owner.projectId }),
    },
    'flavors.revoke': { kind: 'admin', input: flavorWithAccess },
    'keyPairs.list': { kind: 'anyone', input: () => ({}) },
    'keyPairs.get': { kind: 'mine', input: async () => ({ name: await keyPair() }) },
    zones: { kind: 'anyone' },
    'keyPairs.create': { kind: 'anyone', input: () => ({ name: name() }) },
    'serverGroups.list': { kind: 'list', input: () => ({}) },
    'serverGroups.get': byId('read', serverGroup),
    'serverGroups.create': { kind: 'create', input: () => ({ name: name(), policy: 'affinity' }) },
    'serverGroups.delete': byId('write', serverGroup),
    'keyPairs.delete': { kind: 'mine', input: async () => ({ name: await keyPair() }) },
  },
  quota: {
    instances: launch,
    vcpus: launch,
    memoryMib: launch,
    keyPairs: { make: (ctx, i) => createKeyPair(ctx, { name: `k${i}` }) },
    serverGroups: { make: (ctx, i) => createServerGroup(ctx, { name: `g${i}`, policy: 'affinity' }) },
  },
}
