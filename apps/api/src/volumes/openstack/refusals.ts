import { CloudError } from '../../kernel/errors.ts'
import { HttpError } from '../../openstack/errors.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'

/** Cinder answers what the state of a volume forbids by 400, where our other façades answer by 409. */
export const inCindersWords = (operations: readonly ApiOperation[]): ApiOperation[] =>
  operations.map((operation) => ({
    ...operation,
    handle: async (call: Call) => {
      try {
        return await operation.handle(call)
      } catch (error) {
        throw translated(error)
      }
    },
  }))

function translated(error: unknown): unknown {
  if (!(error instanceof CloudError)) return error
  const { code, reason, field, message } = error
  if (code === 'conflict' && reason === 'volumeState')
    return new HttpError(400, `Invalid volume: ${message}`, { cause: error })
  if (code === 'conflict' && reason === 'snapshotState')
    return new HttpError(400, `Invalid snapshot: ${message}`, { cause: error })
  if (code === 'conflict' && reason === 'groupState')
    return new HttpError(400, `Invalid Group: ${message}`, { cause: error })
  if (code === 'conflict' && reason === 'groupSnapshotState')
    return new HttpError(400, `Invalid GroupSnapshot: ${message}`, { cause: error })
  if (code === 'conflict' && reason === 'backupState')
    return new HttpError(400, `Invalid backup: ${message}`, { cause: error })
  if (reason === 'noBackup') return new HttpError(400, `Invalid backup: ${message}`, { cause: error })
  if (reason === 'accessExists') return new HttpError(409, message, { cause: error })
  if (code === 'invalid_input' && field === 'type') return new HttpError(404, message, { cause: error })
  if (code === 'conflict' || code === 'invalid_input')
    return new HttpError(400, `Invalid input received: ${message}`, { cause: error })
  return error
}

/** The 404 of Cinder for an id that is no UUID, by the name of the path's parameter. */
export function unknownId(id: string, parameter: string): string {
  const kind = {
    volume_id: 'Volume',
    snapshot_id: 'Snapshot',
    backup_id: 'Backup',
    type_id: 'Volume type',
    qos_id: 'QoS specs',
    transfer_id: 'Transfer',
    message_id: 'Message',
    attachment_id: 'Volume attachment',
    group_id: 'Group',
    group_snapshot_id: 'GroupSnapshot',
    group_type_id: 'Group type',
    consistencygroup_id: 'ConsistencyGroup',
    cgsnapshot_id: 'CgSnapshot',
  }[parameter]
  return `${kind ?? 'The resource'} ${id} could not be found.`
}
