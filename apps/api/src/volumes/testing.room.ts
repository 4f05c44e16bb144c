import { byId, name, volume } from '../authorization.testing.ts'
import type { QuotaMaker, TestingRoom } from '../rooms.testing.ts'
import { volumeCreateInput } from './contract.ts'
import { createVolume } from './service.ts'
import { volumeExamples } from './testing.openstack.ts'
import { typeRows } from './types/testing.room.ts'

const creation: QuotaMaker = {
  make: (ctx, i) => createVolume(ctx, volumeCreateInput.parse({ name: `v${i}`, sizeGib: 1 })),
}

export const testingRoom: TestingRoom = {
  examples: { 'block-storage': volumeExamples },
  rows: {
    list: { kind: 'list', input: () => ({}) },
    get: byId('read', volume),
    create: { kind: 'create', input: () => ({ name: name(), sizeGib: 1 }) },
    plan: { kind: 'create', input: () => ({ sizeGib: 1 }) },
    update: byId('write', volume, { name: 'new' }),
    extend: byId('write', volume, { sizeGib: 2 }),
    delete: byId('write', volume),
    ...typeRows,
    'pools.list': { kind: 'admin' },
    'pools.get': { kind: 'admin', input: () => ({ name: 'secret-name-a@local' }) },
  },
  quota: { volumes: creation, volumeGib: creation },
}
