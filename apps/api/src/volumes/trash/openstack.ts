import { CloudError, notFound } from '../../kernel/errors.ts'
import { HttpError } from '../../openstack/errors.ts'
import { micros } from '../../openstack/fields.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { backupTrashInput } from '../backups/contract.ts'
import { listBackupTrash, takeBackBackup } from '../backups/trash.ts'
import { wantsAll } from '../openstack/list-query.ts'
import { snapshotTrashInput } from '../snapshots/contract.ts'
import { listSnapshotTrash, takeBackSnapshot } from '../snapshots/trash.ts'
import { volumeTrashInput } from './contract.ts'
import { listTrash, takeBackVolume } from './service.ts'

const ours = 'Ours: what is deleted in Cinder is gone; here it can be taken back for some minutes.'

const most = 1000

/** What is deleted and can be taken back, of all three kinds. A list is refused rather than cut. */
async function list(call: Call): Promise<object> {
  const input = { limit: most, allProjects: wantsAll(call) }
  const lists = await Promise.all([
    listTrash(call.ctx, volumeTrashInput.parse(input)),
    listSnapshotTrash(call.ctx, snapshotTrashInput.parse(input)),
    listBackupTrash(call.ctx, backupTrashInput.parse(input)),
  ])
  const types = ['volume', 'snapshot', 'backup'] as const
  if (lists.some(({ next }) => next !== null))
    throw new HttpError(
      400,
      `There are more than ${most} of one kind. Take back each by its id, or look in the portal.`,
    )
  return {
    deleted: lists.flatMap(({ items }, n) =>
      items.map(({ id, name, until }) => ({
        ...{ id, type: types[n], name },
        take_back_until: micros(new Date(until)),
      })),
    ),
  }
}

/** Takes back what has that id. Throws not_found when nothing that is deleted has it, or its time is over. */
async function takeBack({ ctx, params }: Call): Promise<object> {
  const id = params.id ?? ''
  for (const [type, taken] of [
    ['volume', takeBackVolume],
    ['snapshot', takeBackSnapshot],
    ['backup', takeBackBackup],
  ] as const)
    try {
      const { name } = await taken(ctx, { id })
      return { [type]: { id, name } }
    } catch (error) {
      if (!(error instanceof CloudError && error.code === 'not_found')) throw error
    }
  throw notFound('deleted volume, snapshot or backup', id)
}

export const trashOperations: ApiOperation[] = [
  {
    name: 'deleted.list',
    method: 'GET',
    path: '/stratolith/deleted',
    summary: 'List deleted volumes, snapshots and backups that can be taken back',
    status: 200,
    access: 'list',
    deviation: ours,
    handle: list,
  },
  {
    name: 'deleted.take_back',
    method: 'POST',
    path: '/stratolith/deleted/:id/take-back',
    summary: 'Take back a deleted volume, snapshot or backup',
    status: 200,
    access: 'write',
    deviation: ours,
    handle: takeBack,
  },
]
