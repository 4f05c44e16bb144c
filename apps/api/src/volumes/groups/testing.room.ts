import {
  asOwner,
  byId,
  callerOf,
  contexts,
  name,
  type Row,
  settled,
  volume,
} from '../../authorization.testing.ts'

const asAdmin = () => callerOf(contexts.get('admin') ?? null)
const group = async (): Promise<string> => {
  const made = await asOwner().volumes.groups.create({ name: name(), volumeIds: [await volume()] })
  return made.id
}
const snapshot = async (): Promise<string> => {
  const made = await asOwner().volumes.groups.snapshots.create({ groupId: await group() })
  await settled()
  return made.id
}
const type = async (specs: Record<string, string> = {}) =>
  (await asAdmin().volumes.groups.types.create({ name: name(), specs })).id
const onType = (kind: Row['kind'], more: object = {}, specs: Record<string, string> = {}): Row => ({
  kind,
  input: async () => ({ id: await type(specs), ...more }),
})

/** The rows of the authorization matrix for the procedures of groups. */
export const groupRows: Record<string, Row> = {
  'groups.list': { kind: 'list', input: () => ({}) },
  'groups.get': byId('read', group),
  'groups.create': { kind: 'create', input: () => ({ name: name(), volumeTypes: ['Standard'] }) },
  'groups.createFrom': { kind: 'write', input: async () => ({ groupSnapshotId: await snapshot() }) },
  'groups.update': byId('write', group, { name: 'new' }),
  'groups.delete': byId('write', group),
  'groups.snapshots.list': { kind: 'list', input: () => ({}) },
  'groups.snapshots.get': byId('read', snapshot),
  'groups.snapshots.create': { kind: 'write', input: async () => ({ groupId: await group() }) },
  'groups.snapshots.delete': byId('write', snapshot),
  'groups.types.list': { kind: 'anyone' },
  'groups.types.get': onType('anyone'),
  'groups.types.create': { kind: 'admin', input: () => ({ name: name() }) },
  'groups.types.update': onType('admin', { description: 'new' }),
  'groups.types.makeDefault': onType('admin'),
  'groups.types.delete': onType('admin'),
  'groups.types.setSpec': onType('admin', { key: 'a', value: 'b' }),
  'groups.types.removeSpec': onType('admin', { key: 'a' }, { a: 'b' }),
}
