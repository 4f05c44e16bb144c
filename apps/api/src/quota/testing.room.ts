import { owner } from '../authorization.testing.ts'
import type { TestingRoom } from '../rooms.testing.ts'

export const testingRoom: TestingRoom = {
  rows: {
    get: { kind: 'list' },
    parts: { kind: 'list' },
    partDefaults: { kind: 'anyone' },
    set: { kind: 'admin', input: () => ({ projectId: owner.projectId, limits: {} }) },
    defaults: { kind: 'anyone' },
    setDefaults: { kind: 'admin', input: () => ({ limits: {} }) },
  },
}
