import { callerOf, contexts, type Row } from '../../authorization.testing.ts'

const asAdmin = () => callerOf(contexts.get('admin') ?? null)
let count = 0
const wish = () => ({ name: `pool-${++count}`, place: { driver: 'files' as const, path: '/srv/volumes' } })
export const aPool = async () => (await asAdmin().volumes.pools.create(wish())).name

/** The rows of the authorization matrix for the procedures of pools, beside those that only read. */
export const poolRows: Record<string, Row> = {
  'pools.probe': { kind: 'admin', input: async () => ({ name: await aPool() }) },
  'pools.create': { kind: 'admin', input: wish },
  'pools.update': { kind: 'admin', input: async () => ({ name: await aPool(), enabled: false }) },
  'pools.delete': { kind: 'admin', input: async () => ({ name: await aPool() }) },
}
