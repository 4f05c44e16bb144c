import { expect, test } from 'vitest'
import type { QmpClient } from './qmp.ts'
import { endMirror, mirror } from './running-mirror.ts'
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

test.each([
  [{}, 256 * 1024 ** 2],
  [{ 'bps-total': 1_000, 'bps-read': 0 }, 500],
  [{ 'bps-total': 8 * 1024 ** 3 }, 256 * 1024 ** 2],
])(
  'a copy of an encrypted volume whose limits are %j lets QEMU serve the guest meanwhile',
  async (limits, speed) => {
    const id = crypto.randomUUID()
    const { node, key } = volumeNames(id)
    const said = new Map<string, Record<string, unknown>>()
    const qmp = {
      async execute(command: string, args: Record<string, unknown> = {}) {
        said.set(command, args)
        if (command === 'query-jobs') return []
        if (command === 'query-named-block-nodes')
          return [node, `${node}-luks`, layerNode(id, 0)].map((one) => ({ 'node-name': one }))
        if (command === 'blockdev-del') throw new Error('Node is in use')
        return command === 'qom-get' ? limits : {}
      },
      close: () => undefined,
    } as QmpClient
    const layer = (number: number) => ({ path: `/nowhere/${number}.raw`, format: 'raw' as const, number })
    await mirror(qmp, { id, opened: { layers: [layer(0)] }, target: layer(1), encrypted: true })
    expect(said.get('blockdev-mirror')).toMatchObject({
      ...{ device: node, target: `${node}-l1`, replaces: `${node}-luks`, speed },
    })
    expect(said.get('blockdev-add')).toMatchObject({
      ...{ driver: 'luks', 'node-name': `${node}-l1`, 'key-secret': key },
      file: { driver: 'raw', 'node-name': layerNode(id, 1), 'detect-zeroes': 'unmap', discard: 'unmap' },
    })
  },
)
