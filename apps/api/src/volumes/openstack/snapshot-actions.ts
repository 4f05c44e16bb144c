import { z } from 'zod'
import { HttpError } from '../../openstack/errors.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { parse } from '../../openstack/schema.ts'
import { confirmSnapshotState, deleteSnapshot, resetSnapshot } from '../service.ts'
import { snapshotOf } from './at.ts'

const ours = ['available', 'error'] as const
const reset = z.strictObject({ status: z.string().max(255) })

async function resetStatus(call: Call): Promise<void> {
  const status = parse(reset, call.body).status.toLowerCase()
  const to = ours.find((state) => state === status)
  if (to === undefined)
    throw new HttpError(
      400,
      `The status of a snapshot can be set to ${ours.join(' and ')}, and to nothing else.`,
    )
  await resetSnapshot(call.ctx, { ...snapshotOf(call), to })
}

const progress = z.string().regex(/^\d{1,3}%$/, 'is not a percentage')
const told = z.strictObject({ status: z.string().max(255), progress: progress.nullish() })

/** Services that make snapshots for Cinder tell it how far they are; nothing but this cloud makes ours. */
const tell = (call: Call) =>
  confirmSnapshotState(call.ctx, { ...snapshotOf(call), state: parse(told, call.body).status.toLowerCase() })

const action = (
  key: string,
  {
    access = 'write',
    run,
    ...more
  }: Pick<ApiOperation, 'summary' | 'except' | 'deviation'> & {
    access?: ApiOperation['access']
    run: (call: Call) => Promise<void>
  },
): ApiOperation => ({
  ...more,
  name: `snapshots.${key}`,
  method: 'POST',
  path: '/snapshots/:snapshot_id/action',
  action: key,
  status: 202,
  access,
  handle: run,
})

/** A snapshot that the caller cannot see is not found, whatever the caller may do. */
const forAdmins = { access: 'admin', except: { stranger: 'not_found' } } as const
export const snapshotActionOperations: ApiOperation[] = [
  action('os-reset_status', {
    ...forAdmins,
    summary: 'Set the status of a snapshot that is stuck',
    deviation: 'The status is available or error. Refused while something is being done to the snapshot.',
    run: resetStatus,
  }),
  action('os-force_delete', {
    ...forAdmins,
    summary: 'Delete a snapshot in any status',
    deviation: 'Refused (400) while a volume is being made of the snapshot.',
    run: async (call) => {
      await deleteSnapshot(call.ctx, { ...snapshotOf(call), force: true })
    },
  }),
  action('os-update_snapshot_status', {
    summary: 'Tell how far a snapshot is',
    deviation:
      'Accepts the status that the snapshot has and changes nothing: this cloud alone makes its snapshots.',
    run: tell,
  }),
]
