import { z } from 'zod'
import { CloudError } from '../../kernel/errors.ts'
import { HttpError } from '../../openstack/errors.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { boolean, parse, whole } from '../../openstack/schema.ts'
import { demandChangeable } from '../attachment-list.ts'
import {
  extendVolume,
  forceDeleteVolume,
  getVolume,
  moveVolume,
  resetVolume,
  retypeVolume,
  revertVolume,
  setBootable,
  setReadOnly,
  useVolumeAsIs,
} from '../service.ts'
import { volumeOf } from './at.ts'

const extension = z.strictObject({ new_size: whole(1, 65_536) })

/** From this minor microversion on, a volume grows that a server has. */
const sinceInUse = 42

async function extend(call: Call): Promise<void> {
  const { new_size: sizeGib } = parse(extension, call.body)
  await extendVolume(call.ctx, { ...volumeOf(call), sizeGib }, { unusedOnly: call.minor < sinceInUse })
}

const ours = ['available', 'in-use', 'error'] as const
const reset = z.strictObject({
  status: z.string().max(255).nullish(),
  attach_status: z.enum(['attached', 'detached']).nullish(),
  migration_status: z.string().max(255).nullish(),
})

/** The status that a request names, or that the attach_status says which it names instead. */
function stateToSet({ status, attach_status: attached }: z.output<typeof reset>): (typeof ours)[number] {
  if (status == null && attached != null) return attached === 'attached' ? 'in-use' : 'available'
  if (status == null) throw new HttpError(400, "Must specify 'status' or 'attach_status' for update.")
  const to = ours.find((state) => state === status.toLowerCase())
  if (to !== undefined) return to
  throw new HttpError(400, `The status of a volume can be set to ${ours.join(', ')}, and to nothing else.`)
}

async function resetStatus(call: Call): Promise<void> {
  const wish = parse(reset, call.body)
  if (wish.migration_status != null && wish.migration_status !== 'none')
    throw new HttpError(
      400,
      'The migration status follows from the move of the volume: leave migration_status out.',
    )
  const to = stateToSet(wish)
  // The status of the attachments follows from which servers have the volume.
  if (wish.attach_status != null && (wish.attach_status === 'attached') !== (to === 'in-use'))
    throw new HttpError(400, `A volume that is ${wish.attach_status} is not ${to}.`)
  const { isWhole } = await getVolume(call.ctx, volumeOf(call))
  if (isWhole && to === 'available') await useVolumeAsIs(call.ctx, volumeOf(call))
  else await resetVolume(call.ctx, { ...volumeOf(call), to })
}

const reversion = z.strictObject({ snapshot_id: z.uuid('is not a uuid') })

/** Cinder asks the snapshot to be the latest one, and answers by 409 what the states forbid. */
async function revert(call: Call): Promise<void> {
  const { snapshot_id: snapshotId } = parse(reversion, call.body)
  const { id } = await getVolume(call.ctx, volumeOf(call))
  await revertVolume(call.ctx, { id, snapshotId }, { latestOnly: true }).catch((error: unknown) => {
    if (!(error instanceof CloudError)) throw error
    if (error.code === 'conflict') throw new HttpError(409, error.message, { cause: error })
    if (error.reason !== 'snapshotNotFound') throw error
    const message = `Specified snapshot ${snapshotId} is not the latest one of volume ${id}.`
    throw new HttpError(400, message, { cause: error })
  })
}

const retyping = z.strictObject({
  new_type: z.string().min(1).max(255),
  migration_policy: z.enum(['never', 'on-demand']).nullish(),
})
async function retype(call: Call): Promise<void> {
  const { new_type: type, migration_policy: policy } = parse(retyping, call.body)
  await retypeVolume(call.ctx, { ...volumeOf(call), type, migrate: policy ?? 'never' })
}

const migration = z.strictObject({
  host: z.string().min(1).max(255).nullish(),
  cluster: z.string().max(255).nullish(),
  force_host_copy: boolean.optional(),
  lock_volume: boolean.optional(),
})
async function migrate(call: Call): Promise<void> {
  const { host, cluster } = parse(migration, call.body)
  // A volume that the caller cannot see is not found.
  await getVolume(call.ctx, volumeOf(call))
  if (cluster != null) throw new HttpError(400, 'This cloud has no clusters: name a host.')
  if (host == null) throw new HttpError(400, 'Name the host to which the volume is to move.')
  // "host@backend#pool": the name of a pool of ours is the part before #.
  await moveVolume(call.ctx, { ...volumeOf(call), pool: host.split('#', 1)[0] ?? host })
}

const completion = z.strictObject({ new_volume: z.uuid('is not a uuid'), error: boolean.nullish() })
async function refuseCompletion(call: Call): Promise<never> {
  parse(completion, call.body)
  await demandChangeable(call.ctx, volumeOf(call).id, 'volume:migrate')
  throw new HttpError(
    400,
    'The hosts of this cloud end the move of a volume themselves, and no second volume is made for it.',
  )
}

export const action = (
  key: string,
  {
    status = 202,
    access = 'write',
    run,
    ...more
  }: Pick<ApiOperation, 'summary' | 'except' | 'deviation' | 'since'> & {
    status?: number
    access?: ApiOperation['access']
    run: (call: Call) => Promise<unknown>
  },
): ApiOperation => ({
  ...more,
  name: `volumes.${key}`,
  method: 'POST',
  path: '/volumes/:volume_id/action',
  action: key,
  status,
  access,
  handle: async (call) => {
    await run(call)
  },
})

/** A volume that the caller cannot see is not found, whatever the caller may do. */
const forAdmins = { access: 'admin', except: { stranger: 'not_found' } } as const
export const actionOperations: ApiOperation[] = [
  action('os-extend', { summary: 'Make a volume larger, since 3.42 also in use', run: extend }),
  action('revert', {
    since: 40,
    summary: 'Give a volume what its latest snapshot contains',
    deviation: 'Also of a volume that was extended since; it keeps its size.',
    run: revert,
  }),
  action('os-retype', {
    summary: 'Change the type of a volume, and move it when the new type asks for another pool',
    deviation:
      'What cannot be done is refused at once (400) instead of by a message. A volume with snapshots is not moved, nor one in use that lies in Ceph or on a LUN.',
    run: retype,
  }),
  action('os-migrate_volume', {
    ...forAdmins,
    summary: 'Move a volume to another pool',
    deviation:
      'The status of an available volume is maintenance meanwhile, as with lock_volume. Only volumes without snapshots move, and only between pools that one host reaches: that of the server for a volume in use, which must lie neither in Ceph nor on a LUN.',
    run: migrate,
  }),
  action('os-migrate_volume_completion', {
    ...{ ...forAdmins, status: 400, summary: 'Say that a volume has been moved (refused)' },
    deviation:
      'Always refused (400): the hosts end a move themselves. In Cinder another service says so, which this cloud does not have.',
    run: refuseCompletion,
  }),
  action('os-set_bootable', {
    summary: 'Say whether servers can boot from a volume',
    status: 200,
    run: (call) =>
      setBootable(call.ctx, {
        ...volumeOf(call),
        ...parse(z.strictObject({ bootable: boolean }), call.body),
      }),
  }),
  action('os-update_readonly_flag', {
    summary: 'Say whether servers may only read a volume',
    run: (call) => {
      const { readonly } = parse(z.strictObject({ readonly: boolean }), call.body)
      return setReadOnly(call.ctx, { ...volumeOf(call), readOnly: readonly })
    },
  }),
  action('os-reset_status', {
    ...forAdmins,
    summary: 'Set the status of a volume that is stuck',
    deviation:
      'The status is available, in-use or error, and must be true: a volume that a server has is in-use. Refused while something is being done to the volume. Members may also make a volume available again after a failure that has left its content whole (a restore, a growth, an image, a return to a snapshot in files).',
    run: resetStatus,
  }),
  action('os-force_delete', {
    ...forAdmins,
    summary: 'Delete a volume in any status',
    deviation: 'Refused (400) while a server has the volume.',
    run: (call) => forceDeleteVolume(call.ctx, volumeOf(call)),
  }),
]
