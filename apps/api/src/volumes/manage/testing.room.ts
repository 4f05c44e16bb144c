import { callerOf, contexts, name, owner, type Row, settled, volume } from '../../authorization.testing.ts'
import { createSnapshot } from '../service.ts'
import { snapshotCreateInput } from '../snapshots/contract.ts'
import { unmanageSnapshot } from './service.ts'

const asAdmin = () => callerOf(contexts.get('admin') ?? null)
const pool = 'secret-name-a@local'

/** A volume that lies in the pool without a row. */
async function left(): Promise<string> {
  const id = await volume()
  await asAdmin().volumes.manage.leave({ id })
  return id
}
async function leftSnapshot(): Promise<{ volumeId: string; ref: string }> {
  const volumeId = await volume()
  const { id } = await createSnapshot(owner, snapshotCreateInput.parse({ volumeId }))
  await settled()
  const admin = contexts.get('admin')
  if (!admin) throw new Error('there is no administrator')
  await unmanageSnapshot(admin, { id })
  return { volumeId, ref: id }
}
const list: Row = { kind: 'admin', input: () => ({ pool }) }

/** The rows of the authorization matrix for the procedures of what lies in pools. */
export const manageRows: Record<string, Row> = {
  'manage.list': list,
  'manage.snapshots': list,
  'manage.lost': list,
  'manage.take': { kind: 'admin', input: async () => ({ pool, ref: await left(), name: name() }) },
  'manage.takeSnapshot': { kind: 'admin', input: leftSnapshot },
  'manage.leave': { kind: 'admin', input: async () => ({ id: await volume() }) },
}
