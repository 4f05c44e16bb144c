import type { Op } from '../op.ts'
import type { Mirror, OpenedLayers } from '../volumes/interface.ts'
import { opensDirectly } from './guest-volumes.ts'
import { endJob, jobAt, jobDone, jobOf } from './qemu-jobs.ts'
import type { QmpClient } from './qmp.ts'
import { layerNode, layerNodeOf, mirrorJob, volumeNames } from './volume-node.ts'

/**
 * QEMU copies a volume into a file of another pool while the guest goes on. Each write of the guest goes to both as soon as it is
 * copied around there ("write-blocking"), so a guest that writes all the time cannot keep the copy from getting complete. The
 * copy takes the place of the layers below the filter that bounds the speed, so that the bounds stay.
 */

/** More rounds than a volume has layers are never needed. */
const mostRounds = 120

type Mirrored = { id: string; opened: OpenedLayers; target: OpenedLayers['layers'][number] }

/** See RunningGuest.mirror. */
export async function mirror(qmp: QmpClient, { id, opened, target }: Mirrored): Promise<Mirror> {
  const known = await mirrorOf(qmp, id)
  if (known) return known
  await dropUnused(qmp, id)
  const direct = await opensDirectly(target.path)
  await qmp.execute('blockdev-add', layerNodeOf(id, target, { readOnly: false, direct, below: null }))
  await qmp.execute('blockdev-mirror', {
    ...{ 'job-id': mirrorJob(id), 'auto-finalize': false, 'auto-dismiss': false },
    ...{ device: volumeNames(id).node, target: layerNode(id, target.number), sync: 'full' },
    ...{ 'copy-mode': 'write-blocking', speed: await fairSpeed(qmp, id) },
    replaces: layerNode(id, opened.layers.at(-1)?.number ?? 0),
  })
  return handleOf(qmp, id)
}

/** See RunningGuest.mirrorOf. */
export const mirrorOf = async (qmp: QmpClient, id: string): Promise<Mirror | null> =>
  (await jobOf(qmp, mirrorJob(id))) ? handleOf(qmp, id) : null

/** See RunningGuest.endMirror. */
export async function endMirror(qmp: QmpClient, id: string): Promise<void> {
  if (!(await jobOf(qmp, mirrorJob(id)))) return
  await endJob(qmp, mirrorJob(id))
  await dropUnused(qmp, id)
}

function handleOf(qmp: QmpClient, id: string): Mirror {
  const job = mirrorJob(id)
  const at = (op: Op, status: 'ready' | 'pending') =>
    jobAt(op, qmp, job, status, ({ percent }) => `copied ${Math.min(99, percent)} percent`)
  return {
    synced: (op) => at(op, 'ready'),
    async hold(op) {
      await qmp.execute('job-complete', { id: job })
      await at(op, 'pending')
    },
    isHeld: async () => (await jobOf(qmp, job))?.status === 'pending',
    async change(op) {
      await qmp.execute('job-finalize', { id: job })
      await jobDone(op, qmp, job)
      await dropUnused(qmp, id)
    },
  }
}

/** The copying reads through the filter that bounds the volume's speed. It takes half of what is allowed, and the guest the other half. */
async function fairSpeed(qmp: QmpClient, id: string): Promise<number> {
  const object = { path: `/objects/${volumeNames(id).limits}`, property: 'limits' }
  // A guest that an older agent has started has no such object, and no limits.
  const limits = (await qmp.execute('qom-get', object).catch(() => ({}))) as Record<string, unknown>
  const bounds = [limits['bps-total'], limits['bps-read']].flatMap((one) =>
    typeof one === 'number' && one > 0 ? [one] : [],
  )
  return bounds.length > 0 ? Math.max(1, Math.floor(Math.min(...bounds) / 2)) : 0
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
