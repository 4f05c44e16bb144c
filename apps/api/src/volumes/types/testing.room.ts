import { callerOf, contexts, name, owner, type Row } from '../../authorization.testing.ts'

const asAdmin = () => callerOf(contexts.get('admin') ?? null)
const type = async (patch: object = {}) =>
  (await asAdmin().volumes.types.create({ name: name(), ...patch })).id
const onType = (kind: Row['kind'], more: object = {}, patch: object = {}): Row => ({
  kind,
  input: async () => ({ id: await type(patch), ...more }),
})
const limited = { limits: { total_iops_sec: '500' } }
const hidden = { public: false }

/** The rows of the authorization matrix for the procedures of types. */
export const typeRows: Record<string, Row> = {
  'types.list': { kind: 'anyone', input: () => ({}) },
  'types.usable': { kind: 'anyone' },
  'types.get': onType('anyone'),
  'types.create': { kind: 'admin', input: () => ({ name: name(), ...limited }) },
  'types.update': onType('admin', { description: 'new' }),
  'types.makeDefault': onType('admin'),
  'types.delete': onType('admin', {}, limited),
  'types.encrypt': onType('admin', { encrypted: true }),
  'types.setSpec': onType('admin', { key: 'a:b', value: 'c' }),
  'types.removeSpec': onType('admin', { key: 'a:b' }, { extraSpecs: { 'a:b': 'c' } }),
  'types.setLimit': onType('admin', { key: 'total_iops_sec', value: '9' }),
  'types.removeLimit': onType('admin', { key: 'total_iops_sec' }, limited),
  'types.access': onType('admin', {}, hidden),
  'types.grant': {
    kind: 'admin',
    input: async () => ({ id: await type(hidden), projectId: owner.projectId }),
  },
  'types.revoke': {
    kind: 'admin',
    async input() {
      const access = { id: await type(hidden), projectId: owner.projectId }
      await asAdmin().volumes.types.grant(access)
      return access
    },
  },
}
