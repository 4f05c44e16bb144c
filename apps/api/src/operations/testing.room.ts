import { image, world } from '../authorization.testing.ts'
import type { TestingRoom } from '../rooms.testing.ts'

export const testingRoom: TestingRoom = {
  rows: {
    list: { kind: 'list', input: () => ({}) },
    position: { kind: 'anyone' },
    audit: { kind: 'list', input: () => ({}) },
    get: {
      kind: 'read',
      input: async () => {
        const resourceId = await image()
        return { id: (await world.deps.root.operation.findFirstOrThrow({ where: { resourceId } })).id }
      },
    },
  },
}
