import {
  asOwner,
  byId,
  callerOf,
  contexts,
  name,
  owner,
  settled,
  volumeSnapshot as snapshot,
  system,
  volume,
  world,
} from '../authorization.testing.ts'
import { runPending } from '../kernel/testing.ts'
import type { QuotaMaker, TestingRoom } from '../rooms.testing.ts'
import { backupExamples } from './backups/testing.openstack.ts'
import { backupQuota, backupRows } from './backups/testing.room.ts'
import { volumeCreateInput, volumeRetypeInput } from './contract.ts'
import { encryptionExamples } from './encryption/testing.openstack.ts'
import { groupCreateInput } from './groups/contract.ts'
import { createGroup } from './groups/service.ts'
import { groupExamples } from './groups/testing.openstack.ts'
import { groupRows } from './groups/testing.room.ts'
import { manageExamples } from './manage/testing.openstack.ts'
import { manageRows } from './manage/testing.room.ts'
import { aPool, poolRows } from './pools/testing.room.ts'
import { reserveVolume } from './reservations.ts'
import { createSnapshot, createTransfer, createVolume, retypeVolume } from './service.ts'
import { snapshotCreateInput } from './snapshots/contract.ts'
import { snapshotExamples } from './snapshots/testing.openstack.ts'
import { snapshotTrash } from './snapshots/trash.ts'
import { volumeExamples } from './testing.openstack.ts'
import { transferCreateInput } from './transfers/contract.ts'
import { volumeTrash } from './trash/service.ts'
import { inTrash } from './trash/testing.ts'
import { typeRows } from './types/testing.room.ts'

const deletedVolume = async () => {
  const id = await volume()
  await inTrash(system(), volumeTrash, id)
  return id
}

const asAdmin = () => callerOf(contexts.get('admin') ?? null)

const deletedSnapshot = async () => {
  const id = await snapshot()
  await inTrash(system(), snapshotTrash, id)
  return id
}

const offer = async () => createTransfer(owner, transferCreateInput.parse({ volumeId: await volume() }))

const creation: QuotaMaker = {
  make: (ctx, i) => createVolume(ctx, volumeCreateInput.parse({ name: `v${i}`, sizeGib: 1 })),
}

export const testingRoom: TestingRoom = {
  examples: {
    'block-storage': {
      ...volumeExamples,
      ...snapshotExamples,
      ...groupExamples,
      ...manageExamples,
      ...backupExamples,
      ...encryptionExamples,
    },
  },
  rows: {
    list: { kind: 'list', input: () => ({}) },
    get: byId('read', volume),
    leaving: { kind: 'list', input: () => ({ instanceIds: [crypto.randomUUID()] }) },
    create: { kind: 'create', input: () => ({ name: name(), sizeGib: 1 }) },
    plan: { kind: 'create', input: () => ({ sizeGib: 1 }) },
    update: byId('write', volume, { name: 'new' }),
    extend: byId('write', volume, { sizeGib: 2 }),
    retype: {
      kind: 'write',
      input: async () => ({
        id: await volume(),
        type: (await asAdmin().volumes.types.create({ name: name() })).id,
      }),
    },
    move: { kind: 'admin', input: async () => ({ id: await volume(), pool: await aPool() }) },
    planMove: byId('admin', volume),
    stopMove: byId('write', async () => {
      const extraSpecs = { pool_name: await aPool() }
      const { id: type } = await asAdmin().volumes.types.create({ name: name(), extraSpecs })
      const id = await volume()
      await retypeVolume(owner, volumeRetypeInput.parse({ id, type, migrate: 'on-demand' }))
      return id
    }),
    delete: byId('write', volume),
    'trash.list': { kind: 'list', input: () => ({}) },
    'trash.summary': { kind: 'list' },
    'trash.takeBack': byId('write', deletedVolume),
    'trash.end': byId('write', deletedVolume),
    'transfers.list': { kind: 'list', input: () => ({}) },
    'transfers.get': byId('read', async () => (await offer()).id),
    'transfers.delete': byId('write', async () => (await offer()).id),
    'transfers.create': { kind: 'write', input: async () => ({ volumeId: await volume() }) },
    'transfers.accept': {
      kind: 'create',
      input: async () => {
        const { id, key } = await offer()
        return { id, key }
      },
    },
    endReservation: byId('write', async () => {
      const id = await volume()
      await reserveVolume(owner, { id })
      return id
    }),
    makeImage: byId('write', volume, { name: 'made' }),
    reimage: {
      kind: 'write',
      input: async () => ({ id: await volume(), imageId: world.imageId }),
    },
    useAsIs: {
      kind: 'write',
      async input() {
        const id = await volume()
        await system().db.volume.update({ where: { id }, data: { state: 'error', isWhole: true } })
        return { id }
      },
    },
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
    'snapshots.trash.list': { kind: 'list', input: () => ({}) },
    'snapshots.trash.takeBack': byId('write', deletedSnapshot),
    'snapshots.trash.end': byId('write', deletedSnapshot),
    ...backupRows,
    ...typeRows,
    ...groupRows,
    ...manageRows,
    'pools.list': { kind: 'admin' },
    ...poolRows,
    'pools.get': { kind: 'admin', input: () => ({ name: 'secret-name-a@local' }) },
  },
  quota: {
    volumeGroups: {
      make: (ctx, i) =>
        createGroup(ctx, groupCreateInput.parse({ name: `g${i}`, volumeTypes: ['Standard'] })),
    },
    volumes: creation,
    volumeGib: creation,
    volumeBackups: backupQuota,
    volumeBackupGib: backupQuota,
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
