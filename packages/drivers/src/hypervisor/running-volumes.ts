import type { Op } from '../op.ts'
import type { OpenedLayers, RunningGuest } from '../volumes/interface.ts'
import { quiesced, thaw } from './guest-agent.ts'
import { opensDirectly } from './guest-volumes.ts'
import { agentChannel } from './qemu-args.ts'
import { endJob, jobDone } from './qemu-jobs.ts'
import type { QmpClient } from './qmp.ts'
import { endCopying, endMirror, mirror, mirrorOf } from './running-mirror.ts'
import { layerNode, layerNodeOf, mergeJob, servedNode, volumeNames } from './volume-node.ts'

type Node = { 'node-name'?: unknown; ro?: unknown; image?: { 'virtual-size'?: unknown } }
const nodesOf = async (qmp: QmpClient) =>
  (await qmp.execute('query-named-block-nodes', { flat: true })) as Node[]

/** What the volumes of a guest that runs need from its QEMU. `directory` has QEMU's sockets. */
export const runningGuest = (qmp: QmpClient, directory: string): RunningGuest => ({
  has: async (id) => (await nodesOf(qmp)).some((node) => node['node-name'] === volumeNames(id).node),
  resize: (volume) => resize(qmp, volume),
  follow: (volumes) => follow(qmp, volumes),
  merge: (volume) => merge(qmp, volume),
  async mirror(volume) {
    const known = await mirrorOf(qmp, volume.id)
    if (known) return known
    // An interrupted snapshot may have left QEMU a layer behind.
    await follow(qmp, [volume])
    return mirror(qmp, volume)
  },
  mirrorOf: (id) => mirrorOf(qmp, id),
  endMirror: (id) => endMirror(qmp, id),
  async quiesced(work) {
    if (await hasAgent(qmp)) return quiesced(directory, work)
    await work()
    return false
  },
})

/** Lets the file systems of a guest go on, which an agent of ours that was killed may have left frozen. */
export async function thawLeft(qmp: QmpClient, directory: string): Promise<void> {
  if (await hasAgent(qmp)) await thaw(directory)
}

/** Whether a program in the guest has opened the channel of the guest agent. */
async function hasAgent(qmp: QmpClient): Promise<boolean> {
  const all = (await qmp.execute('query-chardev')) as { label?: unknown; 'frontend-open'?: unknown }[]
  return all.some((one) => one.label === agentChannel && one['frontend-open'] === true)
}

/**
 * How long QEMU may take to connect to a server again: when the server was away for some seconds, QEMU waits up to 16 s between two
 * attempts.
 */
const reconnectMs = 40_000

/**
 * Makes the block node of a volume larger, and never smaller, also when an earlier growth was interrupted. QEMU learns the
 * new size of a volume that is served when it connects to the server again, which it does for the next thing to read.
 */
async function resize(qmp: QmpClient, { id, sizeBytes }: { id: string; sizeBytes: number }): Promise<void> {
  const name = volumeNames(id).node
  const nodes = await nodesOf(qmp)
  const size = nodes.find((node) => node['node-name'] === name)?.image?.['virtual-size']
  if (typeof size === 'number' && size >= sizeBytes) return
  const served = servedNode(id)
  if (nodes.some((node) => node['node-name'] === served)) {
    const read = { 'command-line': `qemu-io ${served} "read 0 512"` }
    await qmp.execute('human-monitor-command', read, reconnectMs)
  }
  await qmp.execute('block_resize', { 'node-name': name, size: sizeBytes })
}

type Followed = { id: string; opened: OpenedLayers }

/** See RunningGuest.follow. Layers below the last one come before, one by one: they are empty, and nobody waits for them. */
async function follow(qmp: QmpClient, volumes: readonly Followed[]): Promise<void> {
  const last: Overlay[] = []
  for (const volume of volumes) {
    const overlays = await openMissing(qmp, volume)
    for (const overlay of overlays.slice(0, -1)) await qmp.execute('blockdev-snapshot', overlay)
    last.push(...overlays.slice(-1))
  }
  const [single, ...others] = last
  if (others.length > 0)
    await qmp.execute('transaction', { actions: last.map((data) => ({ type: 'blockdev-snapshot', data })) })
  else if (single) await qmp.execute('blockdev-snapshot', single)
}

/** QEMU's names of a layer and of the one that comes on top of it. */
type Overlay = { node: string; overlay: string }

/** Opens the layers that QEMU does not have yet; they are put on top of the others by `blockdev-snapshot`. */
async function openMissing(qmp: QmpClient, { id, opened }: Followed): Promise<Overlay[]> {
  const overlays: Overlay[] = []
  await endJob(qmp, mergeJob(id))
  await endCopying(qmp, id)
  const there = new Map((await nodesOf(qmp)).map((node) => [node['node-name'], node]))
  const isReadOnly = there.get(volumeNames(id).node)?.ro === true
  for (const [index, layer] of opened.layers.entries()) {
    const below = opened.layers[index - 1]
    const name = layerNode(id, layer.number)
    if (!below || (there.has(name) && !(await isUnused(qmp, name)))) continue
    // QEMU has merged this layer into the one below, and the agent was killed before it wrote that down.
    if (opened.layers.slice(index + 1).some((one) => there.has(layerNode(id, one.number)))) continue
    const direct = await opensDirectly(layer.path)
    const node = layerNodeOf(id, layer, { readOnly: isReadOnly, direct, below: null })
    await qmp.execute('blockdev-add', node)
    overlays.push({ node: layerNode(id, below.number), overlay: name })
  }
  return overlays
}

/** See RunningGuest.merge. */
async function merge(
  qmp: QmpClient,
  { id, opened, into, gone }: { id: string; opened: OpenedLayers; into: number; gone: readonly number[] },
): Promise<(op: Op) => Promise<void>> {
  await follow(qmp, [{ id, opened }])
  const there = new Set((await nodesOf(qmp)).map((node) => node['node-name']))
  const top = gone.findLast((number) => there.has(layerNode(id, number)))
  if (top === undefined) return async () => undefined
  const job = mergeJob(id)
  if (top < into) {
    // QEMU commits layers only below a filter, and the encryption is none: it gives these volumes the layer above.
    const below = opened.layers.findIndex(({ number }) => gone.includes(number)) - 1
    await qmp.execute('block-stream', {
      ...{ 'job-id': job, device: layerNode(id, into), 'auto-dismiss': false },
      'base-node': layerNode(id, opened.layers[below]?.number ?? 0),
    })
  } else
    await qmp.execute('block-commit', {
      ...{ 'job-id': job, device: volumeNames(id).node, 'auto-dismiss': false },
      ...{ 'base-node': layerNode(id, into), 'top-node': layerNode(id, top) },
    })
  return async (op) => {
    await jobDone(op, qmp, job)
    // Layers that were added while the guest ran stay open until they are removed by their names, the upper ones first.
    for (const number of gone.toReversed()) await isUnused(qmp, layerNode(id, number))
  }
}

/** Whether nothing used the node, which is gone now. */
const isUnused = (qmp: QmpClient, name: string): Promise<boolean> =>
  qmp.execute('blockdev-del', { 'node-name': name }).then(
    () => true,
    // QEMU refuses to remove a node that something uses.
    () => false,
  )
