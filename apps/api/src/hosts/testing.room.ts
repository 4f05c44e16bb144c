import { brake, byId, fencedHost, goneHost, host, stray } from '../authorization.testing.ts'
import type { TestingRoom } from '../rooms.testing.ts'

export const testingRoom: TestingRoom = {
  rows: {
    list: { kind: 'admin', input: () => ({}) },
    summary: { kind: 'admin' },
    get: byId('admin', host),
    unconfirmed: byId('admin', host),
    tellNow: byId('admin', host),
    held: byId('admin', host),
    update: byId('admin', host, { enabled: true }),
    delete: byId('admin', goneHost),
    fence: byId('admin', goneHost),
    unfence: byId('admin', fencedHost),
    outside: { kind: 'anyone' },
    strays: { kind: 'admin', input: () => ({}) },
    unknownTime: { kind: 'admin' },
    decideStray: { kind: 'admin', input: async () => ({ id: await stray('port'), decision: 'keep' }) },
    brakes: { kind: 'admin' },
    releaseBrake: { kind: 'admin', input: brake },
    trash: { kind: 'admin' },
    // An administrator may call this but gets a conflict, because the disk is not in the trash.
    takeBack: {
      kind: 'admin',
      input: async () => ({ hostId: await host(), thing: crypto.randomUUID() }),
    },
  },
}
