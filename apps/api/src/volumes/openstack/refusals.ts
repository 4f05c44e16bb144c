import { ZodError } from 'zod'
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

/** What Cinder calls the fields of our inputs, where that is more than another way to write the same words. */
const cindersWords: Readonly<Record<string, string>> = {
  ...{ type: 'volume_type', zone: 'availability_zone', sizeGib: 'size', imageId: 'imageRef' },
  ...{ sourceVolumeId: 'source_volid', groupId: 'group_id', add: 'add_volumes', remove: 'remove_volumes' },
  key: 'auth_key',
}
const snake = (word: string) => word.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** Names what the client has sent, and not the field that this cloud has made of that. */
function faultOf({ issues: [issue] }: ZodError): HttpError {
  const name = issue?.path.find((step) => typeof step === 'string')
  const why = issue?.message ?? 'The body is not valid.'
  if (name === undefined) return new HttpError(400, why)
  const word = Object.hasOwn(cindersWords, name) ? cindersWords[name] : snake(name)
  return new HttpError(400, `Invalid input for field/attribute ${word?.slice(0, 100)}. ${why}`)
}

function translated(error: unknown): unknown {
  if (error instanceof ZodError) return faultOf(error)
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
