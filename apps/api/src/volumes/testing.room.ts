import { asOwner, byId, name, settled, volumeSnapshot as snapshot, volume } from '../authorization.testing.ts'
import { runPending } from '../kernel/testing.ts'
import type { QuotaMaker, TestingRoom } from '../rooms.testing.ts'
import { volumeCreateInput } from './contract.ts'
import { createSnapshot, createVolume } from './service.ts'
import { snapshotCreateInput } from './snapshots/contract.ts'
import { snapshotExamples } from './snapshots/testing.openstack.ts'
import { volumeExamples } from './testing.openstack.ts'

const creation: QuotaMaker = {
  make: (ctx, i) => createVolume(ctx, volumeCreateInput.parse({ name: `v${i}`, sizeGib: 1 })),
}

export const testingRoom: TestingRoom = {
  examples: { 'block-storage': { ...volumeExamples, ...snapshotExamples } },
  rows: {
    list: { kind: 'list', input: () => ({}) },
    get: byId('read', volume),
    create: { kind: 'create', input: () => ({ name: name(), sizeGib: 1 }) },
    plan: { kind: 'create', input: () => ({ sizeGib: 1 }) },
    update: byId('write', volume, { name: 'new' }),
    extend: byId('write', volume, { sizeGib: 2 }),
    delete: byId('write', volume),
    revert: {
      kind: 'write',
      async input() {
        const id = await volume()
        const made = await asOwner().volumes.snapshots.create({ volumeId: id })
        await settled()
        return { id, snapshotId: made.id }
      },
    },
    'snapshots.list': { kind: 'list', input: () => ({}) },
    'snapshots.get': byId('read', snapshot),
    'snapshots.create': { kind: 'write', input: async () => ({ volumeId: await volume(), name: name() }) },
    'snapshots.update': byId('write', snapshot, { name: 'new' }),
    'snapshots.delete': byId('write', snapshot),
    types: { kind: 'anyone' },
  },
  quota: {
    volumes: creation,
    volumeGib: creation,
    volumeSnapshots: {
      async prepare(ctx) {
        const { id } = await createVolume(ctx, volumeCreateInput.parse({ sizeGib: 1 }))
        await runPending(ctx.deps)
        return id
      },
      make: (ctx, i, volumeId) => createSnapshot(ctx, snapshotCreateInput.parse({ volumeId, name: `s${i}` })),
    },
  },
}
