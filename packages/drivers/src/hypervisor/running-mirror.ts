import { DriverError } from '../errors.ts'
import { type Op, percentDone } from '../op.ts'
import type { Mirror, MirrorState, OpenedLayers } from '../volumes/interface.ts'
import { opensDirectly } from './guest-volumes.ts'
import { dismiss, endedBadly, endJob, jobAt, jobOf } from './qemu-jobs.ts'
import type { QmpClient } from './qmp.ts'
import {
  encryptedCopyOf,
  isDecrypting,
  layerNode,
  layerNodeOf,
  mirrorJob,
  volumeNames,
} from './volume-node.ts'

/**
 * QEMU copies a volume into a file of another pool while the guest goes on. Each write of the guest goes to both as soon as it is
 * copied around there ("write-blocking"), so a guest that writes all the time cannot keep the copy from getting complete. The
 * copy takes the place of the layers below the filter that bounds the speed, so that the bounds stay.
 */

/** More rounds than a volume has layers are never needed. */
const mostRounds = 120
/**
 * How fast an encrypted volume is copied at most, in bytes a second. QEMU decrypts and encrypts where it also serves the guest's devices,
 * and what was never written is read as fast as memory is: without a bound the guest would hardly go on.
 */
const encryptedBytesPerS = 256 * 1024 ** 2

type Mirrored = {
  id: string
  opened: OpenedLayers
  target: OpenedLayers['layers'][number]
  encrypted?: true
}

/**
 * See RunningGuest.mirror. QEMU copies only what its topmost node reads. A copy of an encrypted volume is therefore encrypted again, by
 * the same header, so that its ciphertext is the same, and the copy takes the place of the node that decrypts.
 */
export async function mirror(qmp: QmpClient, { id, opened, target, encrypted }: Mirrored): Promise<Mirror> {
  const known = await mirrorOf(qmp, id)
  if (known) return known
  await dropUnused(qmp, id)
  const direct = await opensDirectly(target.path)
  const layer = layerNodeOf(id, target, { readOnly: false, direct, below: null })
  const copy = encrypted ? encryptedCopyOf(id, target.number, layer) : layer
  const replaces = encrypted
    ? await decryptingNode(qmp, id)
    : layerNode(id, opened.layers.at(-1)?.number ?? 0)
  await qmp.execute('blockdev-add', copy)
  await qmp.execute('blockdev-mirror', {
    ...{ 'job-id': mirrorJob(id), 'auto-finalize': false, 'auto-dismiss': false },
    ...{ device: volumeNames(id).node, target: copy['node-name'], sync: 'full' },
    ...{ 'copy-mode': 'write-blocking', speed: await fairSpeed(qmp, id, encrypted), replaces },
  })
  return handleOf(qmp, id)
}

/** The node that decrypts a volume, of which no copy is being made. */
async function decryptingNode(qmp: QmpClient, id: string): Promise<string> {
  const found = (await nodesOfVolume(qmp, volumeNames(id).node)).filter(isDecrypting)
  const [only] = found
  if (only && found.length === 1) return only
  throw new DriverError('failed', `QEMU has ${found.length} nodes that decrypt the volume ${id}.`)
}

/** See RunningGuest.mirrorOf. */
export const mirrorOf = async (qmp: QmpClient, id: string): Promise<Mirror | null> =>
  (await jobOf(qmp, mirrorJob(id))) ? handleOf(qmp, id) : null

/** See RunningGuest.endMirror. */
export async function endMirror(qmp: QmpClient, id: string): Promise<void> {
  await endJob(qmp, mirrorJob(id))
  // Also without a job: an agent that was killed, or a copy that did not begin, has left QEMU a file that may be deleted by now.
  await dropUnused(qmp, id)
}

/**
 * Ends a copy before the layers of the volume change. Raises `unavailable` at the last moment of a move: only the volume driver
 * knows which file is the volume then, and a guest that were thrown back to the old one would lose what it writes.
 */
export async function endCopying(qmp: QmpClient, id: string): Promise<void> {
  const state = await stateOf(qmp, id)
  if (state === 'gone') return
  if (state !== 'copying')
    throw new DriverError('unavailable', `A move of the volume ${id} has to be finished first.`)
  await endMirror(qmp, id)
}

async function stateOf(qmp: QmpClient, id: string): Promise<MirrorState> {
  const job = await jobOf(qmp, mirrorJob(id))
  if (!job) return 'gone'
  if (job.status === 'pending') return 'held'
  if (job.status !== 'concluded') return 'copying'
  return job.error ? 'refused' : 'changed'
}

function handleOf(qmp: QmpClient, id: string): Mirror {
  const job = mirrorJob(id)
  // Calls of which nobody waits for the other look at the job, so that only its end under the volume's turn dismisses it.
  const at = async (op: Op, status: 'ready' | 'pending') => {
    const now = await jobAt(op, qmp, job, status, ({ percent }) => percentDone(Math.min(99, percent)))
    if (now.status !== status) throw endedBadly(now)
  }
  return {
    synced: (op) => at(op, 'ready'),
    async hold(op) {
      await qmp.execute('job-complete', { id: job })
      await at(op, 'pending')
    },
    state: () => stateOf(qmp, id),
    async change(op) {
      if ((await stateOf(qmp, id)) === 'held') await qmp.execute('job-finalize', { id: job })
      const ended = await jobAt(op, qmp, job, 'concluded', ({ percent }) =>
        percentDone(Math.min(99, percent)),
      )
      // Only the job knows that QEMU has refused, until endMirror.
      if (ended.error) throw endedBadly(ended)
      await dismiss(qmp, job)
      await dropUnused(qmp, id)
    },
  }
}

/** The copying reads through the filter that bounds the volume's speed. It takes half of what is allowed, and the guest the other half. */
async function fairSpeed(qmp: QmpClient, id: string, encrypted?: true): Promise<number> {
  const object = { path: `/objects/${volumeNames(id).limits}`, property: 'limits' }
  // A guest that an older agent has started has no such object, and no limits.
  const limits = (await qmp.execute('qom-get', object).catch(() => ({}))) as Record<string, unknown>
  const bounds = [limits['bps-total'], limits['bps-read']].flatMap((one) =>
    typeof one === 'number' && one > 0 ? [one] : [],
  )
  const speeds = bounds.map((bound) => Math.max(1, Math.floor(bound / 2)))
  if (encrypted) speeds.push(encryptedBytesPerS)
  return speeds.length > 0 ? Math.min(...speeds) : 0
}

/** Closes the layers of a volume that its device does not use: those of a copy that has ended, or those that a copy has replaced. */
async function dropUnused(qmp: QmpClient, id: string): Promise<void> {
  const { node } = volumeNames(id)
  for (let round = 0, dropped = true; dropped && round < mostRounds; round += 1) {
    dropped = false
    for (const name of await nodesOfVolume(qmp, node)) {
      if (name === node) continue
      // QEMU refuses to remove a node that something uses.
      const isGone = await qmp.execute('blockdev-del', { 'node-name': name }).then(
        () => true,
        () => false,
      )
      dropped ||= isGone
    }
  }
}

/** The nodes of a volume, the filter first and then the layers, without those of their files. */
export async function nodesOfVolume(qmp: QmpClient, node: string): Promise<string[]> {
  const nodes = (await qmp.execute('query-named-block-nodes', { flat: true })) as { 'node-name'?: unknown }[]
  return nodes
    .flatMap(({ 'node-name': name }) => (typeof name === 'string' && name.startsWith(node) ? [name] : []))
    .filter((name) => !/-\d+f$/.test(name))
    .sort((a, b) => a.length - b.length || (a < b ? 1 : -1))
}
