import { expect, test } from 'vitest'
import type { QmpClient } from './qmp.ts'
import { endMirror } from './running-mirror.ts'
import { layerNode, volumeNames } from './volume-node.ts'

test('a file that a copy has left to QEMU is closed, also when the job of the copy is gone', async () => {
  const id = crypto.randomUUID()
  const { node } = volumeNames(id)
  const [used, left] = [layerNode(id, 1), layerNode(id, 2)]
  const nodes = new Set([node, used, left])
  const qmp = {
    async execute(command: string, args: Record<string, unknown> = {}) {
      const name = String(args['node-name'])
      if (command === 'query-jobs') return []
      if (command === 'query-named-block-nodes') return [...nodes].map((one) => ({ 'node-name': one }))
      if (command !== 'blockdev-del') throw new Error(command)
      if (name === used) throw new Error('Node is in use')
      nodes.delete(name)
      return {}
    },
    close: () => undefined,
  } as QmpClient
  await endMirror(qmp, id)
  expect([...nodes]).toEqual([node, used])
})
