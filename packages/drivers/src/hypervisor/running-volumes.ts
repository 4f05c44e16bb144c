import type { OpenedVolume, RunningGuest } from '../volumes/interface.ts'
import { quiesced } from './guest-agent.ts'
import { opensDirectly } from './guest-volumes.ts'
import { agentChannel } from './qemu-args.ts'
import type { QmpClient } from './qmp.ts'
import { layerNode, layerNodeOf, volumeNames } from './volume-node.ts'

type Node = { 'node-name'?: unknown; ro?: unknown; image?: { 'virtual-size'?: unknown } }
const nodesOf = async (qmp: QmpClient) =>
  (await qmp.execute('query-named-block-nodes', { flat: true })) as Node[]

/** What the volumes of a guest that runs need from its QEMU. `directory` has QEMU's sockets. */
export const runningGuest = (qmp: QmpClient, directory: string): RunningGuest => ({
  resize: (volume) => resize(qmp, volume),
  follow: (volume) => follow(qmp, volume),
  async quiesced(work) {
    if (await hasAgent(qmp)) return quiesced(directory, work)
    await work()
    return false
  },
})

/** Whether a program in the guest has opened the channel of the guest agent. */
async function hasAgent(qmp: QmpClient): Promise<boolean> {
  const all = (await qmp.execute('query-chardev')) as { label?: unknown; 'frontend-open'?: unknown }[]
  return all.some((one) => one.label === agentChannel && one['frontend-open'] === true)
}

/** Makes the block node of a volume larger, and never smaller, also when an earlier growth was interrupted. */
async function resize(qmp: QmpClient, { id, sizeBytes }: { id: string; sizeBytes: number }): Promise<void> {
  const name = volumeNames(id).node
  const size = (await nodesOf(qmp)).find((node) => node['node-name'] === name)?.image?.['virtual-size']
  if (typeof size === 'number' && size >= sizeBytes) return
  await qmp.execute('block_resize', { 'node-name': name, size: sizeBytes })
}

async function follow(qmp: QmpClient, { id, opened }: { id: string; opened: OpenedVolume }): Promise<void> {
  const there = new Map((await nodesOf(qmp)).map((node) => [node['node-name'], node]))
  for (const [index, layer] of opened.layers.entries()) {
    const below = opened.layers[index - 1]
    const name = layerNode(id, layer.number)
    if (!below || (there.has(name) && !(await isUnused(qmp, name)))) continue
    const readOnly = there.get(layerNode(id, below.number))?.ro === true
    const direct = await opensDirectly(layer.path)
    await qmp.execute('blockdev-add', layerNodeOf(id, layer, { readOnly, direct, below: null }))
    await qmp.execute('blockdev-snapshot', { node: layerNode(id, below.number), overlay: name })
  }
}

/** Whether nothing used the node, which is gone now: an agent that was killed has opened it and not put it in place. */
const isUnused = (qmp: QmpClient, name: string): Promise<boolean> =>
  qmp.execute('blockdev-del', { 'node-name': name }).then(
    () => true,
    // QEMU refuses to remove a node that something uses.
    () => false,
  )
