import type { TestingRoom } from '../rooms.testing.ts'

export const testingRoom: TestingRoom = {
  rows: {
    info: { kind: 'admin' },
  },
}
